/* lane.c - the thread, the loop and the inbox.
 * The inbox is a stack that any thread pushes to and the lane takes whole (one exchange), then
 * turns round: so posting is one compare-and-swap, and a burst costs one wake-up. The fields stand
 * in three groups, each on its own cache lines: the lane's own, what the lane writes and others
 * read, what others write.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/loop/lane.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BEAT_MS    100u
#define CACHE_LINE 64

struct lane {
    /* mine */
    uv_loop_t loop;
    uv_async_t wake;
    uv_timer_t beat;
    pthread_t thread;
    bool started, stopping;
    unsigned index;
    struct metrics_block *metrics;
    struct log *log;

    /* written by the lane, read by others */
    _Alignas(CACHE_LINE) _Atomic uint64_t heartbeat_us;
    _Atomic unsigned connections, requests;

    /* written by others */
    _Alignas(CACHE_LINE) _Atomic(struct lane_message *) inbox;
    atomic_bool stop;
};

uint64_t lane_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t lane_clock_us(void)
{
    return lane_clock_ns() / 1000u;
}

unsigned lane_cores(void)
{
    cpu_set_t cpus;
    int n = sched_getaffinity(0, sizeof cpus, &cpus) ? 1 : CPU_COUNT(&cpus);
    return n < 1 ? 1 : (unsigned)n;
}

static struct lane_message *reversed(struct lane_message *list)
{
    struct lane_message *first = NULL;
    while (list) {
        struct lane_message *next = list->next;
        list->next = first;
        first = list;
        list = next;
    }
    return first;
}

/* Runs what was in the inbox. Returns how many messages that was. */
static size_t drain_inbox(struct lane *lane)
{
    struct lane_message *list =
        reversed(atomic_exchange_explicit(&lane->inbox, NULL, memory_order_acquire));
    size_t count = 0;
    while (list) {
        struct lane_message *message = list;
        list = message->next; /* run() may free the message, or post it again */
        message->run(lane, message);
        count++;
    }
    return count;
}

static void on_wake(uv_async_t *wake)
{
    struct lane *lane = wake->data;
    drain_inbox(lane);
    if (atomic_load(&lane->stop) && !lane->stopping) {
        lane->stopping = true;
        uv_close((uv_handle_t *)&lane->beat, NULL);
        uv_unref((uv_handle_t *)&lane
                     ->wake); /* open until lane_free: a late post must not meet a closed handle */
    }
}

static void on_beat(uv_timer_t *beat)
{
    struct lane *lane = beat->data;
    atomic_store_explicit(&lane->heartbeat_us, lane_clock_us(), memory_order_relaxed);
}

int lane_new(unsigned index, struct metrics_block *metrics, struct log *log, struct lane **ret_lane,
             struct sparrow_error *err)
{
    int uv = UV_ENOMEM;
    struct lane *lane =
        aligned_alloc(CACHE_LINE, (sizeof *lane + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
    if (!lane)
        goto fail;
    memset(lane, 0, sizeof *lane);
    lane->index = index;
    lane->metrics = metrics;
    lane->log = log;
    atomic_init(&lane->heartbeat_us, lane_clock_us());
    if ((uv = uv_loop_init(&lane->loop)))
        goto fail_lane;
    if ((uv = uv_async_init(&lane->loop, &lane->wake, on_wake)))
        goto fail_loop;
    uv_timer_init(&lane->loop, &lane->beat);
    lane->wake.data = lane->beat.data = lane;
    uv_timer_start(&lane->beat, on_beat, 0, BEAT_MS);
    *ret_lane = lane;
    return 0;

fail_loop:
    uv_loop_close(&lane->loop);
fail_lane:
    free(lane);
fail:
    if (err) {
        err->status = uv == UV_ENOMEM ? SPARROW_NO_MEMORY : SPARROW_IO;
        snprintf(err->text, sizeof err->text, "lane %u: no event loop: %s", index, uv_strerror(uv));
    }
    return uv == UV_ENOMEM ? SPARROW_NO_MEMORY : SPARROW_IO;
}

static void *lane_main(void *arg)
{
    struct lane *lane = arg;
    do
        uv_run(&lane->loop, UV_RUN_DEFAULT);
    while (drain_inbox(lane) >
           0); /* posted while the last handles closed: may have opened new ones */
    return NULL;
}

int lane_start(struct lane *lane, struct sparrow_error *err)
{
    /* Signals are the main loop's: a lane's thread inherits a mask that blocks them all. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&lane->thread, NULL, lane_main, lane);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        if (err) {
            err->status = SPARROW_IO;
            snprintf(err->text, sizeof err->text, "lane %u: no thread: %s", lane->index,
                     strerror(failed));
        }
        return SPARROW_IO;
    }
    lane->started = true;
    char name[16];
    snprintf(name, sizeof name, "lane %u", lane->index);
    pthread_setname_np(lane->thread, name);
    return 0;
}

void lane_stop(struct lane *lane)
{
    atomic_store(&lane->stop, true);
    uv_async_send(&lane->wake);
}

void lane_join(struct lane *lane)
{
    if (!lane->started)
        return;
    pthread_join(lane->thread, NULL);
    lane->started = false;
}

void lane_free(struct lane *lane)
{
    if (!lane)
        return;
    uv_close((uv_handle_t *)&lane->wake, NULL);
    if (!lane->stopping)
        uv_close((uv_handle_t *)&lane->beat, NULL);
    uv_run(&lane->loop, UV_RUN_DEFAULT);
    uv_loop_close(&lane->loop);
    free(lane);
}

void lane_post(struct lane *lane, struct lane_message *message)
{
    struct lane_message *head = atomic_load_explicit(&lane->inbox, memory_order_relaxed);
    do
        message->next = head;
    while (!atomic_compare_exchange_weak_explicit(&lane->inbox, &head, message,
                                                  memory_order_release, memory_order_relaxed));
    if (!head) /* else whoever found it empty wakes the lane, and ours goes with theirs */
        uv_async_send(&lane->wake);
}

uv_loop_t *lane_loop(struct lane *lane)
{
    return &lane->loop;
}

unsigned lane_index(const struct lane *lane)
{
    return lane->index;
}

struct metrics_block *lane_metrics(struct lane *lane)
{
    return lane->metrics;
}

struct log *lane_log(struct lane *lane)
{
    return lane->log;
}

uint64_t lane_heartbeat_us(const struct lane *lane)
{
    return atomic_load_explicit(&lane->heartbeat_us, memory_order_relaxed);
}

/* One writer: a load and a store are enough, and cheaper than a locked add. */
static void add(_Atomic unsigned *value, int n)
{
    unsigned now = atomic_load_explicit(value, memory_order_relaxed);
    atomic_store_explicit(value, now + (unsigned)n, memory_order_relaxed);
}

void lane_load_add(struct lane *lane, int connections, int requests)
{
    if (connections)
        add(&lane->connections, connections);
    if (requests)
        add(&lane->requests, requests);
}

unsigned lane_connections(const struct lane *lane)
{
    return atomic_load_explicit(&lane->connections, memory_order_relaxed);
}

unsigned lane_load(const struct lane *lane)
{
    return atomic_load_explicit(&lane->connections, memory_order_relaxed) +
           16u * atomic_load_explicit(&lane->requests, memory_order_relaxed);
}
