/* replicas.c - all replicas of the process. Fixed after replicas_new(); what changes are atomics
 * inside, so anyone may look.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/schedule/replicas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/backend/cpu.h"
#include "daemon/schedule/fault.h"
#include "daemon/schedule/replicas_private.h"

#define START_US     2000000u
#define STOP_US      1000000u
#define TESTS_MISSED 3u /* so many intervals without a right answer: not healthy */

struct replicas {
    struct replicas_options options;
    unsigned workers, lane_count; /* lane_count: lane replicas, 0 or options.lanes */
    struct worker **worker;
    struct replica *lane;        /* lane_count of them */
    struct replicas_lane *lanes; /* options.lanes of them */
    _Atomic uint64_t hang_us, interval_us;
    _Atomic unsigned batch;
};

static int fail(struct sparrow_error *err, enum sparrow_status status, const char *text)
{
    if (err) {
        err->status = status;
        snprintf(err->text, sizeof err->text, "%s", text);
    }
    return status;
}

static void *zeroed(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    void *memory = aligned_alloc(64, bytes ? bytes : 64);
    if (memory)
        memset(memory, 0, bytes);
    return memory;
}

/* ---- metrics ---- */

static void write_states(void *arg, struct metrics_writer *w)
{
    const struct replicas *r = arg;
    unsigned counts[REPLICA_STATE_COUNT] = {0};
    for (unsigned id = 0; id < replicas_count(r); id++) {
        struct replica_info info;
        replicas_info(r, id, &info);
        counts[info.state]++;
    }
    for (unsigned state = 0; state < REPLICA_STATE_COUNT; state++) {
        char labels[64];
        snprintf(labels, sizeof labels, "state=\"%s\"",
                 replica_state_name((enum replica_state)state));
        metrics_gauge(w, labels, counts[state]);
    }
}

static void write_each(const struct replicas *r, struct metrics_writer *w,
                       double (*value)(const struct replica_info *))
{
    for (unsigned id = 0; id < replicas_count(r); id++) {
        struct replica_info info;
        char labels[64];
        replicas_info(r, id, &info);
        snprintf(labels, sizeof labels, "replica=\"%u\",backend=\"%s\"", id, info.backend);
        metrics_gauge(w, labels, value(&info));
    }
}

static double words_of(const struct replica_info *info)
{
    return (double)info->words;
}

static double busy_of(const struct replica_info *info)
{
    return (double)info->busy_ns / 1e9;
}

static double up_of(const struct replica_info *info)
{
    return info->state == REPLICA_UP;
}

static void write_words(void *arg, struct metrics_writer *w)
{
    write_each(arg, w, words_of);
}

static void write_busy(void *arg, struct metrics_writer *w)
{
    write_each(arg, w, busy_of);
}

static void write_up(void *arg, struct metrics_writer *w)
{
    write_each(arg, w, up_of);
}

static void write_queues(const struct replicas *r, struct metrics_writer *w, bool limits)
{
    for (unsigned i = 0; i < r->options.lanes; i++) {
        const struct replicas_lane *lane = &r->lanes[i];
        char labels[32];
        snprintf(labels, sizeof labels, "queue=\"lane%u\"", i);
        unsigned length = atomic_load_explicit(&lane->backlog, memory_order_relaxed) +
                          atomic_load_explicit(&lane->waiting, memory_order_relaxed);
        metrics_gauge(w, labels,
                      limits ? atomic_load_explicit(&lane->limit, memory_order_relaxed) : length);
    }
}

static void write_lengths(void *arg, struct metrics_writer *w)
{
    write_queues(arg, w, false);
}

static void write_limits(void *arg, struct metrics_writer *w)
{
    write_queues(arg, w, true);
}

static int add_sources(struct replicas *r)
{
    static const struct {
        enum metric id;
        metrics_source_fn fn;
    } sources[] = {
        {METRIC_REPLICAS, write_states},      {METRIC_REPLICA_WORDS, write_words},
        {METRIC_REPLICA_BUSY, write_busy},    {METRIC_REPLICA_UP, write_up},
        {METRIC_QUEUE_LENGTH, write_lengths}, {METRIC_QUEUE_LIMIT, write_limits},
    };
    for (size_t i = 0; r->options.metrics && i < sizeof sources / sizeof *sources; i++)
        if (metrics_add_source(r->options.metrics, sources[i].id, sources[i].fn, r) < 0)
            return SPARROW_NO_MEMORY;
    return 0;
}

/* ---- life ---- */

static int add_workers(struct replicas *r, struct sparrow_error *err)
{
    const struct config *config = r->options.config;
    unsigned wanted = (unsigned)config->replicas_workers;
    r->worker = calloc(wanted ? wanted : 1, sizeof(struct worker *));
    if (!r->worker)
        return fail(err, SPARROW_NO_MEMORY, "no memory for replicas");
    for (unsigned id = 0; id < wanted; id++) {
        struct worker_options options = {
            .setup = {.id = id,
                      .word_cost_s = config->test_word_cost,
                      .fault = fault_of_replica(config->test_fault, id)},
            .backend = cpu_backend(),
            .lanes = r->options.lanes,
            .models = r->options.models,
            .energy = r->options.energy,
            .log = r->options.log,
            .interval_us = &r->interval_us,
            .batch = &r->batch,
        };
        int rc = worker_new(&options, &r->worker[id], err);
        if (rc < 0)
            return rc;
        r->workers++;
    }
    return 0;
}

static int add_lanes(struct replicas *r, struct sparrow_error *err)
{
    const struct config *config = r->options.config;
    r->lanes = zeroed(r->options.lanes, sizeof *r->lanes);
    r->lane = zeroed(r->options.lanes, sizeof *r->lane);
    if (!r->lanes || !r->lane)
        return fail(err, SPARROW_NO_MEMORY, "no memory for replicas");
    for (unsigned i = 0; config->replicas_lane && i < r->options.lanes; i++) {
        unsigned id = r->workers + i;
        struct replica_setup setup = {.id = id,
                                      .word_cost_s = config->test_word_cost,
                                      .fault = fault_of_replica(config->test_fault, id)};
        int rc = replica_init(&r->lane[i], cpu_backend(), &setup, true, err);
        if (rc < 0)
            return rc;
        r->lane_count++;
    }
    return 0;
}

int replicas_check(const struct config *config, struct sparrow_error *err)
{
    if (!config->replicas_lane && config->replicas_workers == 0)
        return fail(err, SPARROW_CONFIG,
                    "replicas.lane = no needs replicas.workers: nobody could compute a word");
    if (!fault_check(config->test_fault))
        return fail(err, SPARROW_CONFIG,
                    "test.fault: a list of die:R:N, hang:R:N[:SECONDS] and stall:L:N is wanted");
    return 0;
}

int replicas_new(const struct replicas_options *options, struct replicas **ret_replicas,
                 struct sparrow_error *err)
{
    int rc = replicas_check(options->config, err);
    if (rc)
        return rc;
    struct replicas *r = calloc(1, sizeof *r);
    if (!r)
        return fail(err, SPARROW_NO_MEMORY, "no memory for replicas");
    r->options = *options;
    r->options.config = config_ref(options->config);
    replicas_set_config(r, options->config);
    rc = add_workers(r, err);
    if (rc == 0)
        rc = add_lanes(r, err);
    if (rc == 0 && add_sources(r) < 0)
        rc = fail(err, SPARROW_NO_MEMORY, "no memory for metrics");
    if (rc < 0) {
        replicas_free(r);
        return rc;
    }
    *ret_replicas = r;
    return 0;
}

/* Until every worker has computed its known word for the first time, so that the first request
 * finds them up. */
static void wait_for_tests(const struct replicas *r)
{
    const struct timespec tick = {.tv_nsec = 1000000};
    uint64_t until_us = lane_clock_us() + START_US;
    for (unsigned i = 0; i < r->workers; i++)
        while (replica_state(worker_replica(r->worker[i])) == REPLICA_STARTING &&
               lane_clock_us() < until_us)
            nanosleep(&tick, NULL);
}

int replicas_start(struct replicas *r, struct sparrow_error *err)
{
    for (unsigned i = 0; i < r->workers; i++) {
        int rc = worker_start(r->worker[i], err);
        if (rc < 0) {
            replicas_stop(r);
            return rc;
        }
    }
    wait_for_tests(r);
    return 0;
}

void replicas_set_config(struct replicas *r, struct config *config)
{
    atomic_store(&r->hang_us, (uint64_t)(config->replicas_hang_timeout * 1e6));
    atomic_store(&r->interval_us, (uint64_t)(config->replicas_selftest_interval * 1e6));
    atomic_store(&r->batch, (unsigned)config->replicas_batch);
    for (unsigned i = 0; i < r->workers; i++)
        worker_poke(r->worker[i]);
}

bool replicas_stop(struct replicas *r)
{
    bool all = true;
    for (unsigned i = 0; i < r->workers; i++)
        worker_stop(r->worker[i]);
    uint64_t until_us = lane_clock_us() + STOP_US;
    for (unsigned i = 0; i < r->workers; i++)
        all &= worker_join(r->worker[i], until_us);
    return all;
}

void replicas_free(struct replicas *r)
{
    if (!r)
        return;
    for (unsigned i = 0; i < r->workers; i++)
        worker_free(r->worker[i]);
    for (unsigned i = 0; i < r->lane_count; i++)
        replica_done(&r->lane[i]);
    config_unref(r->options.config);
    free(r->worker);
    free(r->lane);
    free(r->lanes);
    free(r);
}

/* ---- what others see ---- */

unsigned replicas_workers(const struct replicas *r)
{
    return r->workers;
}

struct worker *replicas_worker(const struct replicas *r, unsigned id)
{
    return r->worker[id];
}

struct replica *replicas_of_lane(const struct replicas *r, unsigned lane)
{
    return lane < r->lane_count ? &r->lane[lane] : NULL;
}

struct replicas_lane *replicas_lane(const struct replicas *r, unsigned lane)
{
    return &r->lanes[lane];
}

unsigned replicas_waiting(const struct replicas *r)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < r->options.lanes; i++)
        sum += atomic_load_explicit(&r->lanes[i].waiting, memory_order_relaxed);
    for (unsigned i = 0; i < r->workers; i++)
        sum += atomic_load_explicit(&worker_replica(r->worker[i])->load, memory_order_relaxed);
    return sum;
}

uint64_t replicas_hang_us(const struct replicas *r)
{
    return atomic_load_explicit(&r->hang_us, memory_order_relaxed);
}

unsigned replicas_batch(const struct replicas *r)
{
    return atomic_load_explicit(&r->batch, memory_order_relaxed);
}

uint64_t replicas_interval_us(const struct replicas *r)
{
    return atomic_load_explicit(&r->interval_us, memory_order_relaxed);
}

struct log *replicas_log(const struct replicas *r)
{
    return r->options.log;
}

unsigned replicas_count(const struct replicas *r)
{
    return r->workers + r->lane_count;
}

static const struct replica *replica_at(const struct replicas *r, unsigned id)
{
    return id < r->workers ? worker_replica(r->worker[id]) : &r->lane[id - r->workers];
}

/* The interval that counts is that of its last test: a shorter one that came with a reload says
 * nothing about it yet. It is written after the test's time and read before it, so that a new
 * interval never meets an old time. */
static bool missed_tests(const struct replica *replica)
{
    uint64_t every_us = atomic_load_explicit(&replica->test_every_us, memory_order_acquire);
    uint64_t tested_us = atomic_load_explicit(&replica->selftest_us, memory_order_relaxed);
    return tested_us == 0 || lane_clock_us() > tested_us + TESTS_MISSED * every_us;
}

/* A lane's replica that missed its self-tests is on a lane that stalls: it is hung, though nobody
 * could tell it. */
void replicas_info(const struct replicas *r, unsigned id, struct replica_info *ret_info)
{
    const struct replica *replica = replica_at(r, id);
    struct replica_info info = {
        .id = replica->id,
        .state = replica_state(replica),
        .backend = replica->backend->name,
        .device = replica->backend->device,
        .on_lane = replica->on_lane,
        .words = atomic_load_explicit(&replica->words, memory_order_relaxed),
        .busy_ns = atomic_load_explicit(&replica->busy_ns, memory_order_relaxed),
        .selftest_us = atomic_load_explicit(&replica->selftest_us, memory_order_relaxed),
    };
    if (info.on_lane && info.state == REPLICA_UP && missed_tests(replica))
        info.state = REPLICA_HUNG;
    *ret_info = info;
}

const char *replica_state_name(enum replica_state state)
{
    static const char *const names[REPLICA_STATE_COUNT] = {
        [REPLICA_STARTING] = "starting",
        [REPLICA_UP] = "up",
        [REPLICA_HUNG] = "hung",
        [REPLICA_DEAD] = "dead",
    };
    return (unsigned)state < REPLICA_STATE_COUNT ? names[state] : "unknown";
}

bool replicas_healthy(const struct replicas *r)
{
    for (unsigned id = 0; id < replicas_count(r); id++) {
        const struct replica *replica = replica_at(r, id);
        if (replica_state(replica) == REPLICA_UP && !missed_tests(replica))
            return true;
    }
    return false;
}
