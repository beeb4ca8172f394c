/* house.c - builds what main builds for one lane, without a door.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "tests/unit/api/house.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define OVERRIDES 32

static void never(void *arg)
{
    (void)arg;
}

static bool always(void *arg)
{
    (void)arg;
    return true;
}

static void house_config(struct house *h, const char *const *overrides)
{
    char models[4096];
    struct sparrow_error err = {0};
    const char *top = getenv("top_srcdir"),
               *list[OVERRIDES + 1] = {models, "energy.sysfs=/nowhere", "audio.decode_threads=1"};
    size_t n = 3;
    snprintf(models, sizeof models, "models.path=%s/models", top ? top : ".");
    for (; overrides && *overrides && n < OVERRIDES; overrides++)
        list[n++] = *overrides;
    ck_assert_msg(config_load(NULL, list, stderr, &h->config, &err) == 0, "%s", err.text);
}

static void house_process(struct house *h)
{
    static const struct lifecycle_calls calls = {never, never, never, always, NULL};
    struct sparrow_error err = {0};
    h->log = log_new();
    h->metrics = metrics_new();
    ck_assert(h->log && h->metrics && uv_loop_init(&h->loop) == 0);
    log_set_level(h->log, h->config->log_level);
    ck_assert_int_eq(lifecycle_new(&h->loop, h->log, &calls, &h->lifecycle), 0);
    const struct energy_options energy = {
        .sysfs = h->config->energy_sysfs, .hwmon = "", .window_s = 1, .interval_s = 0.1};
    ck_assert_msg(energy_new(&energy, h->metrics, h->log, &h->energy, &err) == 0, "%s", err.text);
    ck_assert_msg(models_new(h->config, h->log, h->metrics, &h->models, &err) == 0, "%s", err.text);
    const struct replicas_options replicas = {.lanes = 1,
                                              .models = h->models,
                                              .energy = h->energy,
                                              .metrics = h->metrics,
                                              .log = h->log,
                                              .config = h->config};
    ck_assert_msg(replicas_new(&replicas, &h->replicas, &err) == 0, "%s", err.text);
    ck_assert_msg(decode_pool_new(h->config, h->metrics, h->log, &h->decode, &err) == 0, "%s",
                  err.text);
}

static void house_lane(struct house *h)
{
    struct sparrow_error err = {0};
    struct metrics_block *block = metrics_block(h->metrics);
    ck_assert(block && lane_new(0, block, h->log, &h->lane, &err) == 0);
    h->pool = request_pool_new(h->lane);
    ck_assert_ptr_nonnull(h->pool);
    const struct schedule_options schedule = {.lane = h->lane,
                                              .replicas = h->replicas,
                                              .models = h->models,
                                              .energy = h->energy,
                                              .metrics = h->metrics,
                                              .config = h->config};
    ck_assert_msg(schedule_new(&schedule, &h->schedule, &err) == 0, "%s", err.text);
    const struct intake_options intake = {.lane = h->lane,
                                          .schedule = h->schedule,
                                          .pool = h->decode,
                                          .energy = h->energy,
                                          .config = h->config};
    ck_assert_msg(intake_new(&intake, &h->intake, &err) == 0, "%s", err.text);
    const struct api_options api = {.lane = h->lane,
                                    .intake = h->intake,
                                    .pool = h->pool,
                                    .models = h->models,
                                    .replicas = h->replicas,
                                    .energy = h->energy,
                                    .metrics = h->metrics,
                                    .log = h->log,
                                    .lifecycle = h->lifecycle,
                                    .config = h->config};
    ck_assert_msg(api_new(&api, &h->api, &err) == 0, "%s", err.text);
    ck_assert_msg(replicas_start(h->replicas, &err) == 0, "%s", err.text);
}

void house_open(struct house *h, const char *const *overrides)
{
    *h = (struct house){0};
    house_config(h, overrides);
    house_process(h);
    house_lane(h);
    lifecycle_set(h->lifecycle, LIFECYCLE_READY);
}

void house_close(struct house *h)
{
    house_let_go(h);
    text_done(&h->x.body);
    text_done(&h->x.answer);
    ck_assert_uint_eq(api_running(h->api), 0);
    api_free(h->api);
    intake_free(h->intake);
    schedule_close(h->schedule);
    house_turn(h);
    decode_pool_free(h->decode);
    ck_assert(replicas_stop(h->replicas));
    schedule_free(h->schedule);
    request_pool_free(h->pool);
    replicas_free(h->replicas);
    lane_free(h->lane);
    models_free(h->models);
    energy_free(h->energy);
    lifecycle_free(h->lifecycle);
    uv_run(&h->loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&h->loop), 0);
    metrics_free(h->metrics);
    log_free(h->log);
    config_unref(h->config);
}

/* ---- the codec ---- */

static const char *header(const struct exchange *x, const char *name)
{
    const struct house *h = x->codec;
    for (const char *const *p = h->headers; p && p[0]; p += 2)
        if (strcasecmp(p[0], name) == 0)
            return p[1];
    return NULL;
}

static void done(struct exchange *x)
{
    struct house *h = x->codec;
    ck_assert(h->later && !h->done);
    h->done = true;
}

void house_let_go(struct house *h)
{
    if (h->x.call)
        api_release(h->api, &h->x);
    json_decref(h->json);
    h->json = NULL;
}

bool house_head(struct house *h, const char *method, const char *target, const char *const *headers,
                size_t n)
{
    house_let_go(h);
    struct text body = h->x.body, answer = h->x.answer;
    text_clear(&body);
    text_clear(&answer);
    ck_assert_uint_lt(strlen(target), sizeof h->target);
    memcpy(h->target, target, strlen(target) + 1);
    char *query = strchr(h->target, '?');
    if (query)
        *query++ = '\0';
    h->headers = headers;
    h->done = h->later = false;
    h->x = (struct exchange){.lane = h->lane,
                             .method = method,
                             .path = h->target,
                             .query = query,
                             .header = header,
                             .has_length = n > 0,
                             .content_length = n,
                             .born_us = lane_clock_us(),
                             .body = body,
                             .answer = answer,
                             .done = done,
                             .codec = h};
    if (strcmp(method, "POST") == 0)
        h->x.has_length = true;
    for (const char *const *p = headers; p && p[0]; p += 2)
        if (strcmp(p[0], "Transfer-Encoding") == 0) {
            h->x.has_length = false;
            h->x.chunked = strcmp(p[1], "chunked") == 0;
        }
    return api_begin(h->api, &h->x) == API_READ_BODY;
}

void house_body(struct house *h, const void *body, size_t n)
{
    const char *p = body;
    while (n) {
        size_t piece = n < 1460 ? n : 1460;
        int rc = exchange_append(&h->x, p, piece);
        if (rc) {
            api_refuse(h->api, &h->x, rc, "the body is too large");
            return;
        }
        p += piece;
        n -= piece;
    }
    h->x.body_end_us = lane_clock_us();
    enum api_verdict verdict = api_finish(h->api, &h->x);
    ck_assert(verdict == API_ANSWER || verdict == API_LATER);
    h->later = verdict == API_LATER;
}

void house_turn(struct house *h)
{
    uv_run(lane_loop(h->lane), UV_RUN_NOWAIT);
}

void house_turn_until(struct house *h, const bool *flag)
{
    uint64_t end = lane_clock_us() + 10000000;
    while (!*flag) {
        ck_assert_msg(lane_clock_us() < end, "no answer within 10 s");
        house_turn(h);
        if (!*flag)
            usleep(200);
    }
}

void house_end(struct house *h)
{
    if (h->later)
        house_turn_until(h, &h->done);
    ck_assert_uint_ge(h->x.status, 200);
    if (h->x.content_type && strstr(h->x.content_type, "json"))
        h->json = json_loadb(h->x.answer.data, h->x.answer.len, JSON_REJECT_DUPLICATES, NULL);
    if (h->x.content_type && strstr(h->x.content_type, "json"))
        ck_assert_msg(h->json != NULL, "not JSON: %.*s", (int)h->x.answer.len, h->x.answer.data);
}

unsigned house_ask(struct house *h, const char *method, const char *target,
                   const char *const *headers, const void *body, size_t n)
{
    if (house_head(h, method, target, headers, n))
        house_body(h, body, n);
    house_end(h);
    return h->x.status;
}

unsigned house_get(struct house *h, const char *target)
{
    return house_ask(h, "GET", target, NULL, NULL, 0);
}

/* ---- looking at the answer ---- */

const char *house_header(const struct house *h, const char *name)
{
    for (unsigned i = 0; i < h->x.header_count; i++)
        if (strcasecmp(h->x.headers[i].name, name) == 0)
            return h->x.headers[i].value;
    return NULL;
}

const json_t *house_at(const struct house *h, const char *path)
{
    const json_t *v = h->json;
    while (v && *path) {
        char name[64];
        size_t n = strcspn(path, ".");
        ck_assert_uint_lt(n, sizeof name);
        memcpy(name, path, n);
        name[n] = '\0';
        v = json_is_array(v) ? json_array_get(v, strtoul(name, NULL, 10))
                             : json_object_get(v, name);
        path += n + (path[n] == '.');
    }
    return v;
}

const char *house_text(const struct house *h, const char *path)
{
    const json_t *v = house_at(h, path);
    return json_is_string(v) ? json_string_value(v) : "";
}

unsigned char *house_sample(const char *name, size_t *ret_n)
{
    char path[4096];
    const char *top = getenv("top_srcdir");
    snprintf(path, sizeof path, "%s/tests/data/samples/%s.wav", top ? top : ".", name);
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s", path);
    unsigned char *bytes = malloc(1 << 20);
    ck_assert_ptr_nonnull(bytes);
    *ret_n = fread(bytes, 1, 1 << 20, f);
    fclose(f);
    return bytes;
}
