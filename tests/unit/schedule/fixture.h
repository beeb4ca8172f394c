/* fixture.h - a lane with everything behind it, turned by the test itself: no sleeping, no thread
 * but the workers' and the decoders'.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_SCHEDULE_FIXTURE_H
#define TESTS_UNIT_SCHEDULE_FIXTURE_H

#include "daemon/decode/intake.h"
#include "daemon/schedule/schedule_private.h"

struct fixture {
    struct config *config;
    struct metrics *metrics;
    struct models *models;
    struct replicas *replicas;
    struct lane *lane;
    struct schedule *schedule;
    struct decode_pool *decoders;
    struct intake *intake;
    struct request_pool *pool;
};

/* overrides: "section.key=value" ..., ended by NULL. Ends the test program if anything fails. */
void fixture_open(struct fixture *f, const char *const *overrides);
void fixture_close(struct fixture *f);

/* The outcome of a request: what its sink saw. */
struct outcome {
    unsigned calls;
    int status;
    unsigned replica;
    size_t words;
    unsigned order;     /* the how manieth answer it was, from 1 */
    int32_t scores[64]; /* of its first word */
    struct request_latency latency;
    char text[200];
};

/* A request of one clip; the sink fills *outcome and frees it. */
struct request *fixture_request(struct fixture *f, const void *bytes, size_t size, bool is_features,
                                struct outcome *outcome, double timeout_s);
/* Ready features of one word, different for each number. Valid until the next 64 calls. */
const uint8_t *fixture_word(struct fixture *f, unsigned number);
size_t fixture_word_size(const struct fixture *f);
/* What the engine itself says about that word. */
void fixture_expected(struct fixture *f, const uint8_t *word, int32_t *scores);
size_t fixture_labels(const struct fixture *f);

void fixture_turn(struct fixture *f); /* once, without waiting */
/* Turns until that many answers came or the time is over. Returns whether they came. */
bool fixture_turn_until(struct fixture *f, const unsigned *count, unsigned wanted, double seconds);
extern unsigned fixture_answers; /* sinks called since fixture_open */

/* A RIFF file: s16 mono of a tone. The caller frees it. */
void *fixture_wav(unsigned rate_hz, double seconds, size_t *ret_size);

#endif
