/* intake.c - what a lane does with a request's bytes: looks what they would cost, asks whether
 * there is room, decodes them here or in the pool, and gives the words to the schedule.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/decode/intake.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/decode/clips.h"
#include "daemon/decode/pool.h"
#include "daemon/schedule/schedule_private.h"

#define LONG_SECONDS                                                                               \
    10.0 /* each of these in a clip's length adds schedule.max_wait to a deadline that is ours */

enum place { PLACE_LANE, PLACE_POOL }; /* the labels of sparrow_decodes_total */

struct intake {
    struct intake_options options;
    struct schedule *schedule;
    struct metrics_block *metrics;
    struct scratches scratches;
};

int intake_new(const struct intake_options *options, struct intake **ret_intake,
               struct sparrow_error *err)
{
    struct intake *intake = calloc(1, sizeof *intake);
    if (!intake) {
        if (err) {
            err->status = SPARROW_NO_MEMORY;
            snprintf(err->text, sizeof err->text, "no memory for a lane's intake");
        }
        return SPARROW_NO_MEMORY;
    }
    intake->options = *options;
    intake->options.config = config_ref(options->config);
    intake->schedule = options->schedule;
    intake->metrics = lane_metrics(options->lane);
    scratches_init(&intake->scratches);
    *ret_intake = intake;
    return 0;
}

void intake_set_config(struct intake *intake, struct config *config)
{
    struct config *before = intake->options.config;
    intake->options.config = config_ref(config);
    config_unref(before);
}

void intake_free(struct intake *intake)
{
    if (!intake)
        return;
    scratches_done(&intake->scratches);
    config_unref(intake->options.config);
    free(intake);
}

struct schedule *intake_schedule(const struct intake *intake)
{
    return intake->schedule;
}

/* ---- decoded: on to the schedule ---- */

static void count_clips(struct intake *intake, const struct request *request, enum place place)
{
    const struct request_private *p = request->private;
    if (intake->metrics && p->decoded_clips > 0)
        metrics_count(intake->metrics, METRIC_DECODES, place, p->decoded_clips);
    if (intake->options.energy)
        energy_busy(intake->options.energy, lane_index(intake->options.lane),
                    p->decode_ns + p->features_ns);
}

/* Now that the audio's length is known: a deadline that is ours grows with it, one that the client
 * named becomes no later than ours would be. */
static void fit_deadline(struct intake *intake, struct request *request)
{
    double times = clips_seconds(request) / LONG_SECONDS;
    double max_us = intake->options.config->schedule_max_wait * 1e6;
    uint64_t more_us = times < 1 ? 0 : (uint64_t)(times * max_us);
    uint64_t latest_us = request->timeout_given
                             ? request->body_end_us - request->held_us + (uint64_t)max_us + more_us
                             : request->deadline_us + more_us;
    if (request->timeout_given ? latest_us >= request->deadline_us : more_us == 0)
        return;
    bool watched = request->private->heap_index > 0;
    deadlines_remove(intake->schedule, request);
    request->deadline_us = latest_us;
    if (watched)
        deadlines_add(intake->schedule, request);
}

static bool any_features(const struct request *request)
{
    for (size_t i = 0; i < request->clip_count; i++)
        if (request->clips[i].is_features)
            return true;
    return false;
}

/* The lane's share: decodes, makes features, and goes on with the words while there is time. */
static void lane_step(struct request *request, uint64_t until_us)
{
    struct intake *intake = request->private->intake;
    struct request_private *p = request->private;
    uint64_t now_us = lane_clock_us();
    int rc = SPARROW_DEADLINE;
    if (now_us >= request->deadline_us)
        request_fail(request, SPARROW_DEADLINE, "the deadline passed before the answer");
    else
        rc = clips_decode(request, &intake->scratches);
    uint64_t ns = p->decode_ns + p->features_ns;
    backlog_busy(&intake->schedule->backlog, ns);
    count_clips(intake, request, PLACE_LANE);
    if (rc < 0) {
        schedule_answer(intake->schedule, request);
        return;
    }
    request->decoded = !any_features(request);
    admission_learn(intake->schedule, request->words, ns);
    fit_deadline(intake, request);
    schedule_place(intake->schedule, request, until_us);
}

/* Back from the pool. */
static void on_decoded(struct lane *lane, struct lane_message *message)
{
    (void)lane;
    struct request_private *p =
        (struct request_private *)(void *)((char *)message -
                                           offsetof(struct request_private, decoded));
    struct request *request = p->request;
    struct intake *intake = p->intake;
    struct schedule *s = intake->schedule;
    p->state = REQUEST_RUNNING;
    p->queue_us +=
        p->decode_begun_us > p->decode_queued_us ? p->decode_begun_us - p->decode_queued_us : 0;
    count_clips(intake, request, PLACE_POOL);
    if (p->ending || p->decode_status < 0) {
        if (p->ending == SPARROW_CANCELLED)
            request_fail(request, SPARROW_CANCELLED, "the client went away");
        else if (p->ending || p->decode_status == SPARROW_CANCELLED)
            request_fail(request, SPARROW_DEADLINE,
                         "the deadline passed while the audio was decoded");
        schedule_answer(s, request);
        return;
    }
    uint64_t until_us = 0;
    fit_deadline(intake, request);
    backlog_may_run(&s->backlog, lane_clock_us(), &until_us);
    schedule_place(s, request, until_us);
}

/* ---- in ---- */

static bool let_go(struct request *request)
{
    return decode_pool_withdraw(request->private->intake->options.pool, request);
}

static int to_pool(struct intake *intake, struct request *request)
{
    struct request_private *p = request->private;
    p->decoded.run = on_decoded;
    p->let_go = let_go;
    atomic_store_explicit(&p->stop, false, memory_order_relaxed);
    int rc = decode_pool_submit(intake->options.pool, request);
    if (rc < 0)
        return rc;
    schedule_adopt(intake->schedule, request);
    p->state = REQUEST_DECODING;
    deadlines_add(intake->schedule, request);
    return 0;
}

static int to_lane(struct intake *intake, struct request *request, size_t words)
{
    struct schedule *s = intake->schedule;
    uint64_t now_us = lane_clock_us(), until_us = 0;
    schedule_adopt(s, request);
    if (backlog_may_run(&s->backlog, now_us, &until_us))
        lane_step(request, until_us);
    else
        backlog_push(s, request, words, lane_step, false);
    return 0;
}

int intake_submit(struct intake *intake, struct request *request)
{
    struct request_private *p = request->private;
    const struct config *config = intake->options.config;
    if (request->clip_count == 0)
        return request_fail(request, SPARROW_BAD_REQUEST, "a request without clips");
    size_t words = clips_estimate(request);
    int rc = admission_check(intake->schedule, request, words, false);
    if (rc < 0)
        return rc;
    if (!clips_reserve(request))
        return request_fail(request, SPARROW_NO_MEMORY, "no memory for %zu clips",
                            request->clip_count);
    p->intake = intake;
    p->max_seconds = config->audio_max_seconds;
    p->decode_limit_us = request->deadline_us;
    bool cheap = clips_are_cheap(request, config->audio_lane_seconds, config->audio_max_seconds);
    return cheap ? to_lane(intake, request, words) : to_pool(intake, request);
}
