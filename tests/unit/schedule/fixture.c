/* fixture.c - a lane with everything behind it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "tests/unit/schedule/fixture.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS 64u

unsigned fixture_answers;

static void must(int rc, const struct sparrow_error *err, const char *what)
{
    if (rc < 0)
        ck_abort_msg("%s: %s", what, err->text);
}

void fixture_open(struct fixture *f, const char *const *overrides)
{
    static char path[512];
    const char *top = getenv("top_srcdir");
    const char *all[16] = {path};
    struct sparrow_error err = {0};
    snprintf(path, sizeof path, "models.path=%s/models/commands.sparrow", top ? top : ".");
    for (size_t i = 0; overrides && overrides[i]; i++)
        all[i + 1] = overrides[i];
    memset(f, 0, sizeof *f);
    fixture_answers = 0;
    must(config_load(NULL, all, stderr, &f->config, &err), &err, "config");
    f->metrics = metrics_new();
    must(models_new(f->config, NULL, f->metrics, &f->models, &err), &err, "models");
    struct replicas_options replicas = {
        .lanes = 1, .models = f->models, .metrics = f->metrics, .config = f->config};
    must(replicas_new(&replicas, &f->replicas, &err), &err, "replicas");
    must(lane_new(0, metrics_block(f->metrics), NULL, &f->lane, &err), &err, "lane");
    struct schedule_options schedule = {.lane = f->lane,
                                        .replicas = f->replicas,
                                        .models = f->models,
                                        .metrics = f->metrics,
                                        .config = f->config};
    must(schedule_new(&schedule, &f->schedule, &err), &err, "schedule");
    must(decode_pool_new(f->config, f->metrics, NULL, &f->decoders, &err), &err, "decode pool");
    struct intake_options intake = {
        .lane = f->lane, .schedule = f->schedule, .pool = f->decoders, .config = f->config};
    must(intake_new(&intake, &f->intake, &err), &err, "intake");
    f->pool = request_pool_new(f->lane);
    ck_assert_ptr_nonnull(f->pool);
    must(replicas_start(f->replicas, &err), &err, "start");
    fixture_turn(f);
}

void fixture_close(struct fixture *f)
{
    ck_assert_uint_eq(schedule_running(f->schedule), 0);
    schedule_close(f->schedule);
    fixture_turn(f);
    decode_pool_free(f->decoders);
    ck_assert_msg(replicas_stop(f->replicas), "a worker did not stop");
    fixture_turn(f);
    schedule_free(f->schedule);
    intake_free(f->intake);
    request_pool_free(f->pool);
    replicas_free(f->replicas);
    lane_free(f->lane);
    models_free(f->models);
    metrics_free(f->metrics);
    config_unref(f->config);
}

static void sink(struct request *request, void *arg)
{
    struct outcome *o = arg;
    size_t labels = sparrow_model_label_count(request->model->model);
    o->calls++;
    o->order = ++fixture_answers;
    o->status = request->status;
    o->replica = request->replica;
    o->words = request->words;
    o->latency = request->latency;
    memcpy(o->text, request->error.text, sizeof o->text);
    if (request->status == 0)
        memcpy(o->scores, request->scores, (labels < 64 ? labels : 64) * sizeof *o->scores);
    request_free(request);
}

struct request *fixture_request(struct fixture *f, const void *bytes, size_t size, bool is_features,
                                struct outcome *outcome, double timeout_s)
{
    struct request *request = request_new(f->pool, 1);
    if (!request) /* no ck_assert: it allocates even when it holds, and allocations are counted */
        ck_abort_msg("no memory for a request");
    memset(outcome, 0, sizeof *outcome);
    request->models = models_current(f->models);
    request->model = model_set_find(request->models, NULL);
    request->born_us = request->body_end_us = lane_clock_us();
    request->deadline_us = request->body_end_us + (uint64_t)(timeout_s * 1e6);
    request->clips[0].bytes = bytes;
    request->clips[0].size = size;
    request->clips[0].is_features = is_features;
    request->sink = sink;
    request->sink_arg = outcome;
    return request;
}

static const struct sparrow_model *model_of(const struct fixture *f)
{
    struct model_set *set = models_current(f->models);
    const struct sparrow_model *model = model_set_find(set, NULL)->model;
    model_set_unref(set); /* stays current: the tests that use this do not reload */
    return model;
}

size_t fixture_word_size(const struct fixture *f)
{
    return sparrow_model_frames(model_of(f)) * sparrow_model_bands(model_of(f));
}

size_t fixture_labels(const struct fixture *f)
{
    return sparrow_model_label_count(model_of(f));
}

const uint8_t *fixture_word(struct fixture *f, unsigned number)
{
    static uint8_t words[WORDS][4096];
    uint8_t *word = words[number % WORDS];
    struct sparrow_front_end front_end = {.size = sizeof front_end};
    ck_assert_int_eq(sparrow_model_front_end(model_of(f), &front_end), 0);
    uint32_t state = number * 2654435761u + 1;
    ck_assert_uint_le(fixture_word_size(f), sizeof words[0]);
    for (size_t i = 0; i < fixture_word_size(f); i++) {
        state = state * 1664525u + 1013904223u;
        word[i] = (uint8_t)((state >> 16) % (front_end.max_value + 1));
    }
    return word;
}

void fixture_expected(struct fixture *f, const uint8_t *word, int32_t *scores)
{
    struct sparrow_scratch *scratch = NULL;
    ck_assert_int_eq(sparrow_scratch_new(model_of(f), &scratch, NULL), 0);
    sparrow_run(model_of(f), scratch, &word, 1, scores);
    sparrow_scratch_free(scratch);
}

void fixture_turn(struct fixture *f)
{
    uv_run(lane_loop(f->lane), UV_RUN_NOWAIT);
}

bool fixture_turn_until(struct fixture *f, const unsigned *count, unsigned wanted, double seconds)
{
    uint64_t end_us = lane_clock_us() + (uint64_t)(seconds * 1e6);
    while (*count < wanted && lane_clock_us() < end_us)
        uv_run(lane_loop(f->lane),
               UV_RUN_ONCE); /* the lane's heartbeat wakes it ten times a second at least */
    return *count >= wanted;
}

static void put(uint8_t *at, unsigned bytes, uint32_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

void *fixture_wav(unsigned rate_hz, double seconds, size_t *ret_size)
{
    size_t samples = (size_t)(rate_hz * seconds), size = 44 + samples * 2;
    uint8_t *wav = calloc(1, size);
    ck_assert_ptr_nonnull(wav);
    memcpy(wav, "RIFF", 4);
    put(wav + 4, 4, (uint32_t)(size - 8));
    memcpy(wav + 8, "WAVEfmt ", 8);
    put(wav + 16, 4, 16);
    put(wav + 20, 2, 1);
    put(wav + 22, 2, 1);
    put(wav + 24, 4, rate_hz);
    put(wav + 28, 4, rate_hz * 2);
    put(wav + 32, 2, 2);
    put(wav + 34, 2, 16);
    memcpy(wav + 36, "data", 4);
    put(wav + 40, 4, (uint32_t)(samples * 2));
    for (size_t i = 0; i < samples; i++)
        put(wav + 44 + 2 * i, 2,
            (uint32_t)(int32_t)(8000 * sin(0.17 * (double)i * 16000 / rate_hz)));
    *ret_size = size;
    return wav;
}
