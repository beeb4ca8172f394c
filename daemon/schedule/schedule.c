/* schedule.c - the life of a request on its lane, from its words to its answer; and the lane's own
 * replica.
 *
 * Which replica. The lane's replica and the workers are compared by when each would be done. A
 * worker costs its queue, a hand-over (learned: 50 us between threads is typical) and the words;
 * the lane costs its backlog and the words twice: once for itself, once for all that the lane
 * cannot read meanwhile. So words that cost less than a hand-over are computed where they are,
 * words that cost milliseconds go to workers, and when those have long queues the lane helps.
 * How long. At once while the lane keeps up (backlog.c says so); otherwise in the backlog, in
 * slices, each request giving way to the others after QUANTUM words so that a minute of audio does
 * not stand before a second of it.
 * When nobody can be in time, the answer is SPARROW_DEADLINE at once, and no word is computed for
 * nothing; so it is when the answer is ready but late. Nobody: though words take no longer than the
 * quick ones of late, since who is refused here teaches nothing about what they take now.
 * Everything is answered in one place, schedule_answer(), whatever the request waits for then.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/schedule/schedule.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/schedule/fault.h"
#include "daemon/schedule/schedule_private.h"

#define QUANTUM    64u
#define PREPARE_US 40.0 /* decoding and features of a second, until it is measured */
#define RETRY_MS   1000u

/* ---- answers ---- */

static void on_cancel(struct request *request);

void schedule_adopt(struct schedule *s, struct request *request)
{
    struct request_private *p = request->private;
    p->schedule = s;
    p->state = REQUEST_RUNNING;
    p->cancel = on_cancel;
    s->running++;
}

static void measure(struct schedule *s, struct request *request, uint64_t now_us)
{
    struct request_private *p = request->private;
    uint64_t inference_us = p->inference_ns / 1000u;
    if (p->handed_us) { /* words of several workers overlap: no more than what passed */
        uint64_t passed_us = now_us - p->handed_us;
        inference_us = inference_us < passed_us ? inference_us : passed_us;
        p->queue_us += passed_us - inference_us;
    }
    request->latency.decode_us = p->decode_ns / 1000u;
    request->latency.features_us = p->features_ns / 1000u;
    request->latency.inference_us = inference_us;
    request->latency.queue_us = request->held_us + p->queue_us;
    request->latency.total_us =
        request->born_us && now_us > request->born_us ? now_us - request->born_us : 0;
    request->busy_ns = p->decode_ns + p->features_ns + p->inference_ns;
    if (request->status == 0 && s->metrics) {
        metrics_time(s->metrics, METRIC_STAGE, STAGE_DECODE, request->latency.decode_us);
        metrics_time(s->metrics, METRIC_STAGE, STAGE_FEATURES, request->latency.features_us);
        metrics_time(s->metrics, METRIC_STAGE, STAGE_QUEUE, request->latency.queue_us);
        metrics_time(s->metrics, METRIC_STAGE, STAGE_INFERENCE, inference_us);
    }
}

/* Out of what it waits in. */
static void let_go(struct schedule *s, struct request *request)
{
    enum request_state state = request->private->state;
    if (state == REQUEST_BACKLOG)
        backlog_remove(s, request);
    else if (state == REQUEST_GATHERED)
        gather_remove(s, request);
    else if (state == REQUEST_WORKERS)
        dispatch_remove(s, request);
    request->soon = false;
}

void schedule_answer(struct schedule *s, struct request *request)
{
    struct request_private *p = request->private;
    let_go(s, request);
    uint64_t now_us = lane_clock_us();
    deadlines_remove(s, request);
    if (request->status == 0 && now_us > request->deadline_us)
        request_fail(request, SPARROW_DEADLINE, "the deadline passed before the answer");
    measure(s, request, now_us);
    p->state = REQUEST_IDLE;
    s->running--;
    request->sink(request, request->sink_arg);
}

static void answer_step(struct request *request, uint64_t until_us)
{
    (void)until_us;
    schedule_answer(request->private->schedule, request);
}

/* The sink must not be called from here: api has the request in its hands. */
static void on_cancel(struct request *request)
{
    struct request_private *p = request->private;
    struct schedule *s = p->schedule;
    if (p->ending)
        return;
    p->ending = SPARROW_CANCELLED;
    if (p->state == REQUEST_DECODING && !p->let_go(request))
        return; /* comes back from the decoder, who may be writing a failure of its own, and is
                   answered then */
    request_fail(request, SPARROW_CANCELLED, "the client went away");
    let_go(s, request);
    backlog_push(s, request, 0, answer_step, true);
}

/* ---- words ---- */

const uint8_t *schedule_word(const struct request *request, size_t word)
{
    size_t low = 0, high = request->clip_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (request->clips[middle].first_word <= word)
            low = middle;
        else
            high = middle;
    }
    const struct request_clip *clip = &request->clips[low];
    const struct sparrow_model *model = request->model->model;
    size_t frame =
        sparrow_windows_start(model, clip->frames, clip->hop_frames, word - clip->first_word);
    return clip->features + frame * sparrow_model_bands(model);
}

void schedule_count(struct schedule *s, size_t words)
{
    s->words += words;
    if (s->metrics)
        metrics_count(s->metrics, METRIC_WORDS, 0, words);
    while (s->stall_at && s->words >= s->stall_at) /* a test wants this lane to stall */
        nanosleep(&(struct timespec){.tv_sec = 3600}, NULL);
}

void schedule_count_batch(struct schedule *s, size_t words)
{
    enum metric_batch label = words >= 16  ? BATCH_16
                              : words >= 8 ? BATCH_8
                              : words >= 4 ? BATCH_4
                              : words >= 2 ? BATCH_2
                                           : BATCH_1;
    if (s->metrics)
        metrics_count(s->metrics, METRIC_BATCHES, label, 1);
}

double schedule_service_us(const struct schedule *s)
{
    if (!s->replica || replica_state(s->replica) != REPLICA_UP)
        return 0;
    uint64_t ns = atomic_load_explicit(&s->replica->service_ns, memory_order_relaxed);
    return ns ? (double)ns / 1e3 : 1;
}

static double quick_us(const struct schedule *s)
{
    return (double)atomic_load_explicit(&s->replica->quick_ns, memory_order_relaxed) / 1e3;
}

/* ---- the lane's replica ---- */

size_t schedule_batch(const struct schedule *s)
{
    return replica_batch(s->replica, replicas_batch(s->replicas));
}

int schedule_compute(struct schedule *s, const struct model_entry *entry,
                     const uint8_t *const *features, size_t words, int32_t *scores,
                     uint64_t *ret_ns)
{
    uint64_t took_ns = 0;
    int rc = replica_run(s->replica, entry, features, words, scores, &took_ns);
    if (rc < 0)
        return rc;
    backlog_busy(&s->backlog, took_ns);
    if (s->options.energy)
        energy_busy(s->options.energy, lane_index(s->lane), took_ns);
    schedule_count_batch(s, words);
    schedule_count(s, words);
    *ret_ns = took_ns;
    return 0;
}

void schedule_credit(struct schedule *s, struct request *request, uint64_t ns)
{
    request->private->inference_ns += ns;
    request->replica = s->replica->id;
    request->backend = s->replica->backend->name;
    request->device = s->replica->backend->device;
}

int schedule_run(struct schedule *s, struct request *request, const uint8_t *const *features,
                 size_t words, int32_t *scores)
{
    uint64_t took_ns = 0;
    int rc = schedule_compute(s, request->model, features, words, scores, &took_ns);
    if (rc == 0)
        schedule_credit(s, request, took_ns);
    return rc;
}

/* Computes the next words of the request. */
static int run_words(struct schedule *s, struct request *request, size_t words)
{
    struct request_private *p = request->private;
    const uint8_t *features[REPLICA_BATCH];
    for (size_t i = 0; i < words; i++)
        features[i] = schedule_word(request, p->next_word + i);
    int rc = schedule_run(s, request, features, words,
                          request->scores +
                              p->next_word * sparrow_model_label_count(request->model->model));
    if (rc < 0)
        return rc;
    p->next_word += words;
    p->words_left -= words;
    return 0;
}

void schedule_run_failed(struct schedule *s, struct request *request, int rc)
{
    if (rc != SPARROW_NO_MEMORY && dispatch_any_up(s)) {
        if (s->metrics)
            metrics_count(s->metrics, METRIC_JOBS_RETRIED, 0, request->private->words_left);
        dispatch_submit(s, request);
        return;
    }
    request->retry_ms = RETRY_MS;
    if (rc == SPARROW_NO_MEMORY)
        request_fail(request, SPARROW_NO_MEMORY, "no memory to compute");
    else
        request_fail(request, SPARROW_BACKEND, "replica %u failed, and no other is alive",
                     s->replica->id);
    schedule_answer(s, request);
}

static void lane_step(struct request *request, uint64_t until_us)
{
    struct request_private *p = request->private;
    struct schedule *s = p->schedule;
    size_t quantum = QUANTUM;
    do {
        if (schedule_service_us(s) <= 0) {
            schedule_run_failed(s, request, SPARROW_BACKEND);
            return;
        }
        if (gather_offer(s, request))
            return;
        size_t words = schedule_batch(s);
        words = words < p->words_left ? words : p->words_left;
        int rc = run_words(s, request, words);
        if (rc < 0) {
            schedule_run_failed(s, request, rc);
            return;
        }
        quantum -= words < quantum ? words : quantum;
    } while (p->words_left > 0 && quantum > 0 && lane_clock_us() < until_us);
    if (p->words_left > 0)
        backlog_push(s, request, p->words_left, lane_step, false);
    else
        schedule_answer(s, request);
}

void schedule_take_back(struct schedule *s, struct request *request)
{
    struct request_private *p = request->private;
    uint64_t now_us = lane_clock_us();
    p->queue_us += now_us - p->handed_us;
    p->handed_us = 0;
    backlog_push(s, request, p->words_left, lane_step, false);
}

/* ---- the choice ---- */

void schedule_place(struct schedule *s, struct request *request, uint64_t until_us)
{
    struct request_private *p = request->private;
    double words = (double)request->words, service_us = schedule_service_us(s),
           now_us = (double)lane_clock_us();
    p->next_word = 0;
    p->words_left = request->words;
    double lane_us = service_us > 0 ? admission_backlog_us(s) + 2 * words * service_us : INFINITY;
    double workers_us = s->dispatch.workers ? dispatch_expected_us(s, request->words) : INFINITY;
    double soonest_us =
        fmin(service_us > 0 ? words * quick_us(s) : INFINITY,
             s->dispatch.workers ? dispatch_soonest_us(s, request->words) : INFINITY);
    if (isinf(soonest_us)) {
        request->retry_ms = RETRY_MS;
        request_fail(request, SPARROW_NO_REPLICA, "no replica is alive");
        schedule_answer(s, request);
    } else if (now_us + soonest_us > (double)request->deadline_us) {
        request_fail(request, SPARROW_DEADLINE,
                     "%zu words take about %.3g ms, the deadline is sooner", request->words,
                     soonest_us / 1e3);
        schedule_answer(s, request);
    } else if (lane_us <= workers_us) {
        if (until_us > 0) /* even if decoding took all of the time: one call of the engine is less
                             than coming back for it */
            lane_step(request, until_us);
        else
            backlog_push(s, request, p->words_left, lane_step, false);
    } else {
        dispatch_submit(s, request);
    }
}

int schedule_submit(struct schedule *s, struct request *request)
{
    int rc = admission_check(s, request, request->words, true);
    if (rc < 0)
        return rc;
    rc = request_reserve_scores(request, request->words,
                                sparrow_model_label_count(request->model->model));
    if (rc < 0)
        return rc;
    uint64_t until_us = 0;
    schedule_adopt(s, request);
    backlog_may_run(&s->backlog, lane_clock_us(), &until_us);
    schedule_place(s, request, until_us);
    return 0;
}

/* ---- life ---- */

static void test_replica(struct schedule *s)
{
    if (replica_state(s->replica) == REPLICA_DEAD &&
        (s->replica->wrong || replica_reopen(s->replica) < 0))
        return;
    struct model_set *set = models_current(s->options.models);
    replica_selftest(s->replica, set, replicas_interval_us(s->replicas), replicas_log(s->replicas));
    model_set_unref(set);
}

static void on_test(uv_timer_t *timer)
{
    struct schedule *s = timer->data;
    test_replica(s);
    uv_timer_start(&s->test, on_test, replicas_interval_us(s->replicas) / 1000u, 0);
}

int schedule_new(const struct schedule_options *options, struct schedule **ret_schedule,
                 struct sparrow_error *err)
{
    struct schedule *s = calloc(1, sizeof *s);
    if (!s)
        goto fail;
    unsigned index = lane_index(options->lane);
    s->options = *options;
    s->lane = options->lane;
    s->metrics = lane_metrics(options->lane);
    s->replicas = options->replicas;
    s->replica = replicas_of_lane(options->replicas, index);
    s->shared = replicas_lane(options->replicas, index);
    s->prepare_us = PREPARE_US;
    pace_init(&s->pace);
    s->stall_at = fault_of_lane(options->config->test_fault, index);
    if (dispatch_init(&s->dispatch, s, err) < 0)
        goto fail_schedule;
    deadlines_init(&s->deadlines, s);
    backlog_init(&s->backlog, s);
    uv_timer_init(lane_loop(s->lane), &s->test);
    s->test.data = s;
    if (s->replica) {
        test_replica(s);
        uv_timer_start(&s->test, on_test, replicas_interval_us(s->replicas) / 1000u, 0);
    }
    s->options.config = NULL;
    schedule_set_config(s, options->config);
    *ret_schedule = s;
    return 0;

fail_schedule:
    free(s);
fail:
    if (err) {
        err->status = SPARROW_NO_MEMORY;
        snprintf(err->text, sizeof err->text, "no memory for a lane's schedule");
    }
    return SPARROW_NO_MEMORY;
}

void schedule_set_config(struct schedule *s, struct config *config)
{
    struct config *before = s->options.config;
    s->options.config = config_ref(config);
    atomic_store_explicit(&s->shared->limit, (unsigned)config->schedule_queue_words,
                          memory_order_relaxed);
    if (!before)
        return;
    if (s->replica) /* by the new interval, and the new models */
        uv_timer_start(&s->test, on_test, 0, 0);
    config_unref(before);
}

void schedule_drain(struct schedule *s)
{
    s->draining = true;
}

unsigned schedule_running(const struct schedule *s)
{
    return s->running;
}

void schedule_close(struct schedule *s)
{
    uv_close((uv_handle_t *)&s->test, NULL);
    backlog_close(&s->backlog);
    dispatch_close(&s->dispatch);
    deadlines_close(&s->deadlines);
}

void schedule_free(struct schedule *s)
{
    if (!s)
        return;
    dispatch_done(&s->dispatch);
    gather_done(&s->gather);
    deadlines_done(&s->deadlines);
    config_unref(s->options.config);
    free(s);
}
