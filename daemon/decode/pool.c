/* pool.c - the decode pool: one queue, a few threads, a lock for both.
 * The lock is held to put one request in or take one out; work that comes here costs at least a
 * hundred times as much.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/decode/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/decode/clips.h"

#define SERVICE_US 2000.0 /* of a request, until it is measured */

struct decode_pool {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct request *first, *last; /* under lock, and so are the next five */
    struct request **running;     /* per thread: what it works on, or NULL */
    unsigned queued, busy, limit;
    double service_us; /* an ageing mean */
    bool stop;
    pthread_t *threads;
    unsigned thread_count;
};

struct decoder { /* what a thread is given */
    struct decode_pool *pool;
    unsigned index;
};

/* ---- the queue, under lock ---- */

static void push(struct decode_pool *pool, struct request *request)
{
    request->private->decode_next = NULL;
    *(pool->last ? &pool->last->private->decode_next : &pool->first) = request;
    pool->last = request;
    pool->queued++;
}

static bool take_out(struct decode_pool *pool, struct request *request)
{
    struct request *before = NULL;
    for (struct request *r = pool->first; r; before = r, r = r->private->decode_next) {
        if (r != request)
            continue;
        *(before ? &before->private->decode_next : &pool->first) = r->private->decode_next;
        if (pool->last == r)
            pool->last = before;
        pool->queued--;
        return true;
    }
    return false;
}

/* ---- from the lane ---- */

int decode_pool_submit(struct decode_pool *pool, struct request *request)
{
    uint64_t now_us = lane_clock_us();
    double slack_us = request->deadline_us > now_us ? (double)(request->deadline_us - now_us) : 0;
    request->private->decode_queued_us = now_us;
    pthread_mutex_lock(&pool->lock);
    double wait_us = (pool->queued + pool->busy >= pool->thread_count)
                         ? (pool->queued + 1) * pool->service_us / pool->thread_count
                         : 0;
    bool full = pool->queued >= pool->limit, slow = pool->queued > 0 && wait_us > slack_us * 3 / 4;
    if (!full && !slow) {
        push(pool, request);
        pthread_cond_signal(&pool->wake);
    }
    pthread_mutex_unlock(&pool->lock);
    if (!full && !slow)
        return 0;
    request->retry_ms = (unsigned)(wait_us / 1e3) + 1;
    return request_fail(request, SPARROW_BUSY,
                        full ? "the decode queue is full"
                             : "the decode queue is too long to answer before the deadline");
}

bool decode_pool_withdraw(struct decode_pool *pool, struct request *request)
{
    atomic_store_explicit(&request->private->stop, true, memory_order_relaxed);
    pthread_mutex_lock(&pool->lock);
    bool out = take_out(pool, request);
    pthread_mutex_unlock(&pool->lock);
    return out;
}

/* ---- the threads ---- */

static void decode(struct request *request, struct scratches *scratches)
{
    struct request_private *p = request->private;
    p->decode_begun_us = lane_clock_us();
    p->decode_status = lane_clock_us() > p->decode_limit_us
                           ? request_fail(request, SPARROW_CANCELLED, "the deadline passed")
                           : clips_decode(request, scratches);
}

static void *decoder_main(void *arg)
{
    struct decoder *me = arg;
    struct decode_pool *pool = me->pool;
    struct scratches scratches;
    scratches_init(&scratches);
    pthread_mutex_lock(&pool->lock);
    while (!pool->stop) {
        struct request *request = pool->first;
        if (!request) {
            pthread_cond_wait(&pool->wake, &pool->lock);
            continue;
        }
        take_out(pool, request);
        pool->busy++;
        pool->running[me->index] = request;
        pthread_mutex_unlock(&pool->lock);

        uint64_t began_us = lane_clock_us();
        decode(request, &scratches);
        double took_us = (double)(lane_clock_us() - began_us);

        pthread_mutex_lock(&pool->lock);
        pool->running[me->index] = NULL;
        pool->busy--;
        pool->service_us += (took_us - pool->service_us) / 8;
        lane_post(request->lane, &request->private->decoded); /* from here on it is the lane's */
    }
    pthread_mutex_unlock(&pool->lock);
    scratches_done(&scratches);
    free(me);
    return NULL;
}

/* ---- life ---- */

static void write_length(void *arg, struct metrics_writer *w)
{
    struct decode_pool *pool = arg;
    pthread_mutex_lock(&pool->lock);
    unsigned queued = pool->queued;
    pthread_mutex_unlock(&pool->lock);
    metrics_gauge(w, "queue=\"decode\"", queued);
}

static void write_limit(void *arg, struct metrics_writer *w)
{
    struct decode_pool *pool = arg;
    pthread_mutex_lock(&pool->lock);
    unsigned limit = pool->limit;
    pthread_mutex_unlock(&pool->lock);
    metrics_gauge(w, "queue=\"decode\"", limit);
}

static unsigned wanted_threads(const struct config *config)
{
    if (config->audio_decode_threads)
        return (unsigned)config->audio_decode_threads;
    unsigned cores = lane_cores();
    return cores > 2 ? cores / 2 : 1;
}

static int start_thread(struct decode_pool *pool)
{
    struct decoder *me = malloc(sizeof *me);
    if (!me)
        return SPARROW_NO_MEMORY;
    *me = (struct decoder){pool, pool->thread_count};
    sigset_t all, before; /* signals are the main loop's */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&pool->threads[pool->thread_count], NULL, decoder_main, me);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        free(me);
        return SPARROW_IO;
    }
    char name[16];
    snprintf(name, sizeof name, "decode %u", me->index % 1000u);
    pthread_setname_np(pool->threads[pool->thread_count], name);
    pool->thread_count++;
    return 0;
}

int decode_pool_new(struct config *config, struct metrics *metrics, struct log *log,
                    struct decode_pool **ret_pool, struct sparrow_error *err)
{
    int rc = SPARROW_NO_MEMORY;
    unsigned threads = wanted_threads(config);
    struct decode_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        goto fail;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool->service_us = SERVICE_US;
    decode_pool_set_config(pool, config);
    pool->threads = calloc(threads, sizeof *pool->threads);
    pool->running = calloc(threads, sizeof(struct request *));
    if (!pool->threads || !pool->running)
        goto fail_pool;
    if (metrics && (metrics_add_source(metrics, METRIC_QUEUE_LENGTH, write_length, pool) < 0 ||
                    metrics_add_source(metrics, METRIC_QUEUE_LIMIT, write_limit, pool) < 0))
        goto fail_pool;
    for (unsigned i = 0; i < threads; i++)
        if ((rc = start_thread(pool)) < 0)
            goto fail_pool;
    char count[16];
    snprintf(count, sizeof count, "%u", threads);
    if (log)
        log_event(log, LOG_DEBUG, "decode pool started", "threads", count, NULL);
    *ret_pool = pool;
    return 0;

fail_pool:
    decode_pool_free(pool);
fail:
    if (err) {
        err->status = rc;
        snprintf(err->text, sizeof err->text, "the decode pool: %s",
                 rc == SPARROW_NO_MEMORY ? "no memory" : "no thread");
    }
    return rc;
}

void decode_pool_set_config(struct decode_pool *pool, struct config *config)
{
    pthread_mutex_lock(&pool->lock);
    pool->limit = (unsigned)config->audio_decode_queue;
    pthread_mutex_unlock(&pool->lock);
}

void decode_pool_free(struct decode_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    for (unsigned i = 0; i < pool->thread_count; i++)
        if (pool->running[i])
            atomic_store_explicit(&pool->running[i]->private->stop, true, memory_order_relaxed);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool->threads);
    free(pool->running);
    free(pool);
}
