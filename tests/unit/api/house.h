/* house.h - the rooms behind the routes, real ones, on one lane that the test turns by hand; and a
 * codec that has no wire.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_API_HOUSE_H
#define TEST_API_HOUSE_H

#include <jansson.h>
#include <uv.h>

#include "daemon/api/api.h"

struct house {
    uv_loop_t loop; /* the main one: lifecycle */
    struct config *config;
    struct log *log;
    struct metrics *metrics;
    struct lifecycle *lifecycle;
    struct energy *energy;
    struct models *models;
    struct replicas *replicas;
    struct decode_pool *decode;
    struct lane *lane;
    struct request_pool *pool;
    struct schedule *schedule;
    struct intake *intake;
    struct api *api;

    /* the codec without a wire: one exchange at a time */
    struct exchange x;
    const char *const *headers; /* name, value, ..., NULL */
    bool done;                  /* x.done was called */
    bool later;                 /* API_LATER was said */
    char target[4096];
    json_t *json; /* of the answer, if it is JSON */
};

/* overrides: "section.key=value", NULL-terminated. Fails the test when a room does not open. */
void house_open(struct house *h, const char *const *overrides);
void house_close(struct house *h);

/* A request from its head to its answer, which is in h->x and h->json until the next one. Body
 * bytes are fed in pieces. Returns the HTTP status. */
unsigned house_ask(struct house *h, const char *method, const char *target,
                   const char *const *headers, const void *body, size_t n);
unsigned house_get(struct house *h, const char *target);
/* The same in steps. house_head: true if the body is wanted. house_body: appends all of it.
 * house_end: turns until the answer is there. */
bool house_head(struct house *h, const char *method, const char *target, const char *const *headers,
                size_t n);
void house_body(struct house *h, const void *body, size_t n);
void house_end(struct house *h);
void house_let_go(struct house *h);

/* Turns the lane's loop until *flag, for 10 seconds at most. */
void house_turn_until(struct house *h, const bool *flag);
void house_turn(struct house *h);

const char *house_header(const struct house *h,
                         const char *name); /* of the answer; NULL: not there */
/* A member by a path of names and numbers: house_at(h, "results.0.clip"); NULL: not there. */
const json_t *house_at(const struct house *h, const char *path);
const char *house_text(const struct house *h, const char *path); /* "" if it is no string */

/* A sample clip, tests/data/samples/NAME.wav; the caller frees. */
unsigned char *house_sample(const char *name, size_t *ret_n);

#endif
