/* worker.c - the thread of a worker replica.
 *
 * Rings. The producer writes a slot, then the tail; the consumer reads the tail, then the slot,
 * then writes the head.
 * Sleep. A worker that finds every ring empty says that it is asleep, looks again, and waits; a
 * lane writes the tail, then looks whether the worker is asleep. Both sides use sequentially
 * consistent stores and loads, so one of the two sees the other: no wake-up is lost, and a lane
 * whose worker is awake pays one load. The mutex is taken only to sleep and to wake a sleeper.
 * Loss. A back end that fails makes the replica dead (replica_run); the thread gives back what it
 * has, tells the lanes, waits (RETRY_US, doubled each time) and opens the back end anew; the known
 * word decides whether it is up again. One that hung and returns finds its state changed by the
 * lane that missed it: it gives its words back late and takes the known word, too.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/schedule/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOTS         64u /* a power of two */
#define RETRY_US      5000000u
#define PAUSE_US      100000u /* when the known word could not even be tried: no memory */
#define RETRY_LAST_US 60000000u
#define FIRST_CELL    256u /* lanes come first */

struct link {
    _Alignas(64) _Atomic size_t tail; /* the lane's */
    _Alignas(64) _Atomic size_t head; /* the worker's */
    struct job *slots[SLOTS];
    struct lane *lane;
    struct notice {
        struct lane_message message;
        struct link *link;
    } notice;
    atomic_bool noticed; /* the notice is on its way */
    void *arg;
};

struct worker {
    struct replica replica;
    struct worker_options options;
    struct link *links; /* one per lane */
    pthread_t thread;
    bool started;
    unsigned turn;                       /* the lane whose ring is looked at first */
    uint64_t tested_us, tested_every_us; /* its last test, and the interval that this one said */
    uint64_t retry_us;
    int32_t *scores; /* of a batch */
    size_t score_cap;

    _Alignas(64) atomic_bool asleep;
    atomic_bool stop, ended, poked;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool woken; /* under lock */
};

/* ---- life ---- */

int worker_new(const struct worker_options *options, struct worker **ret_worker,
               struct sparrow_error *err)
{
    int rc = SPARROW_NO_MEMORY;
    struct worker *w = aligned_alloc(64, sizeof *w);
    if (!w)
        goto fail;
    memset(w, 0, sizeof *w);
    w->options = *options;
    w->links = aligned_alloc(64, options->lanes * sizeof *w->links);
    if (!w->links)
        goto fail_worker;
    memset(w->links, 0, options->lanes * sizeof *w->links);
    rc = replica_init(&w->replica, options->backend, &options->setup, false, err);
    if (rc < 0)
        goto fail_links;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&w->lock, NULL);
    w->retry_us = RETRY_US;
    *ret_worker = w;
    return 0;

fail_links:
    free(w->links);
fail_worker:
    free(w);
fail:
    if (rc == SPARROW_NO_MEMORY && err) {
        err->status = SPARROW_NO_MEMORY;
        snprintf(err->text, sizeof err->text, "no memory for worker replica %u", options->setup.id);
    }
    return rc;
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    replica_done(&w->replica);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w->scores);
    free(w->links);
    free(w);
}

struct replica *worker_replica(struct worker *w)
{
    return &w->replica;
}

/* ---- the links ---- */

void worker_attach(struct worker *w, unsigned index, struct lane *lane,
                   void (*run)(struct lane *, struct lane_message *), void *arg)
{
    struct link *link = &w->links[index];
    link->lane = lane;
    link->notice.message.run = run;
    link->notice.link = link;
    link->arg = arg;
}

void *worker_noticed(struct lane_message *message)
{
    struct link *link = ((struct notice *)message)->link;
    atomic_store(&link->noticed, false);
    return link->arg;
}

void worker_tell(struct worker *w)
{
    for (unsigned i = 0; i < w->options.lanes; i++) {
        struct link *link = &w->links[i];
        if (link->lane && !atomic_exchange(&link->noticed, true))
            lane_post(link->lane, &link->notice.message);
    }
}

bool worker_push(struct worker *w, unsigned index, struct job *job)
{
    struct link *link = &w->links[index];
    size_t tail = atomic_load_explicit(&link->tail, memory_order_relaxed);
    if (tail - atomic_load_explicit(&link->head, memory_order_acquire) == SLOTS)
        return false;
    link->slots[tail % SLOTS] = job;
    atomic_fetch_add_explicit(&w->replica.load, 1, memory_order_relaxed);
    atomic_store(&link->tail, tail + 1);
    return true;
}

void worker_wake(struct worker *w)
{
    if (!atomic_load(&w->asleep) || !atomic_exchange(&w->asleep, false))
        return;
    pthread_mutex_lock(&w->lock);
    w->woken = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

void worker_poke(struct worker *w)
{
    atomic_store(&w->poked, true);
    worker_wake(w);
}

static bool has_work(struct worker *w)
{
    for (unsigned i = 0; i < w->options.lanes; i++)
        if (atomic_load(&w->links[i].tail) !=
            atomic_load_explicit(&w->links[i].head, memory_order_relaxed))
            return true;
    return false;
}

/* Takes at most one batch, a fair share from each lane. Returns how many. */
static unsigned take(struct worker *w, struct job **batch)
{
    unsigned count = 0, lanes = w->options.lanes;
    for (unsigned i = 0; i < lanes && count < REPLICA_BATCH; i++) {
        struct link *link = &w->links[(w->turn + i) % lanes];
        size_t head = atomic_load_explicit(&link->head, memory_order_relaxed);
        size_t tail = atomic_load_explicit(&link->tail, memory_order_acquire);
        while (head != tail && count < REPLICA_BATCH)
            batch[count++] = link->slots[head++ % SLOTS];
        atomic_store_explicit(&link->head, head, memory_order_release);
    }
    w->turn = (w->turn + 1) % lanes;
    return count;
}

static void sleep_until(struct worker *w, uint64_t until_us)
{
    atomic_store(&w->asleep, true);
    if (has_work(w) || atomic_load(&w->stop) || atomic_exchange(&w->poked, false)) {
        atomic_store(&w->asleep, false);
        return;
    }
    struct timespec until = {.tv_sec = (time_t)(until_us / 1000000u),
                             .tv_nsec = (long)(until_us % 1000000u * 1000u)};
    pthread_mutex_lock(&w->lock);
    while (!w->woken && pthread_cond_timedwait(&w->wake, &w->lock, &until) == 0)
        ;
    w->woken = false;
    pthread_mutex_unlock(&w->lock);
    atomic_store(&w->asleep, false);
}

/* ---- the work ---- */

/* Gives jobs back, one message per lane. After it they are not ours. */
static void give_back(struct worker *w, struct job **jobs, unsigned count)
{
    atomic_fetch_sub_explicit(&w->replica.load, count, memory_order_relaxed);
    for (unsigned i = 0; i < count; i++) {
        struct job *first = jobs[i], *last = first;
        if (!first)
            continue;
        for (unsigned k = i + 1; k < count; k++)
            if (jobs[k] && jobs[k]->lane == first->lane) {
                last->next = jobs[k];
                last = jobs[k];
                jobs[k] = NULL;
            }
        last->next = NULL;
        lane_post(first->lane, &first->message);
    }
}

static void give_back_unrun(struct worker *w, struct job **jobs, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        jobs[i]->run = false, jobs[i]->batch = 0;
    give_back(w, jobs, count);
}

static bool reserve_scores(struct worker *w, size_t n)
{
    if (n <= w->score_cap)
        return true;
    int32_t *scores = reallocarray(w->scores, n, sizeof *scores);
    if (!scores)
        return false;
    w->scores = scores;
    w->score_cap = n;
    return true;
}

/* Computes jobs of one model and gives them back. */
static void run_chunk(struct worker *w, struct job **jobs, unsigned count, bool alone)
{
    const struct model_entry *entry = jobs[0]->entry;
    size_t labels = sparrow_model_label_count(entry->model);
    const uint8_t *features[REPLICA_BATCH];
    uint64_t began_us = lane_clock_us(), took_ns = 0;
    for (unsigned i = 0; i < count; i++)
        features[i] = jobs[i]->features;
    atomic_store_explicit(&w->replica.began_us, began_us, memory_order_relaxed);
    int rc = reserve_scores(w, labels * REPLICA_BATCH)
                 ? replica_run(&w->replica, entry, features, count, w->scores, &took_ns)
                 : SPARROW_NO_MEMORY;
    uint64_t ended_us = lane_clock_us();
    for (unsigned i = 0; i < count; i++) {
        struct job *job = jobs[i];
        job->run = true;
        job->status = rc;
        job->run_ns = took_ns / count;
        job->batch = i == 0 && rc == 0 ? count : 0;
        job->overhead_us = began_us > job->sent_us ? began_us - job->sent_us : 0;
        job->ended_us = ended_us;
        job->alone = alone;
        if (rc == 0)
            memcpy(job->scores, w->scores + i * labels, labels * sizeof *job->scores);
    }
    if (w->options.energy)
        energy_busy(w->options.energy, FIRST_CELL + w->replica.id, took_ns);
    atomic_store_explicit(&w->replica.began_us, 0, memory_order_relaxed);
    give_back(w, jobs, count);
}

static void run_batch(struct worker *w, struct job **batch, unsigned count)
{
    unsigned i = 0;
    while (i < count) {
        uint64_t epoch = atomic_load(&w->replica.epoch);
        unsigned n = 0,
                 most = replica_batch(&w->replica,
                                      atomic_load_explicit(w->options.batch, memory_order_relaxed));
        while (i + n < count && n < most && batch[i + n]->epoch == epoch &&
               batch[i + n]->entry == batch[i]->entry)
            n++;
        if (n > 0)
            run_chunk(w, batch + i, n, count == 1);
        else
            give_back_unrun(w, batch + i, n = 1);
        i += n;
    }
}

/* ---- the thread ---- */

static uint64_t interval_us(const struct worker *w)
{
    return atomic_load_explicit(w->options.interval_us, memory_order_relaxed);
}

/* A new interval is due at once, be it shorter or longer: others judge the worker by the one that
 * its last test said. */
static bool test_is_due(const struct worker *w)
{
    uint64_t every_us = interval_us(w);
    return every_us != w->tested_every_us || lane_clock_us() >= w->tested_us + every_us;
}

static void test_itself(struct worker *w)
{
    enum replica_state before = replica_state(&w->replica);
    struct model_set *set = models_current(w->options.models);
    atomic_store_explicit(&w->replica.began_us, lane_clock_us(), memory_order_relaxed);
    for (size_t i = 0; i < model_set_count(set); i++) /* now, not when the first word comes */
        reserve_scores(w, sparrow_model_label_count(model_set_at(set, i)->model) * REPLICA_BATCH);
    w->tested_every_us = interval_us(w);
    bool right = replica_selftest(&w->replica, set, w->tested_every_us, w->options.log);
    atomic_store_explicit(&w->replica.began_us, 0, memory_order_relaxed);
    model_set_unref(set);
    w->tested_us = lane_clock_us();
    if (right && before != REPLICA_UP)
        worker_tell(w);
    enum replica_state now = replica_state(&w->replica);
    if (!right && now != REPLICA_UP && now != REPLICA_DEAD)
        sleep_until(w, lane_clock_us() + PAUSE_US);
}

static void log_loss(const struct worker *w, const char *retry)
{
    char id[16];
    snprintf(id, sizeof id, "%u", w->replica.id);
    if (w->options.log)
        log_event(w->options.log, LOG_ERROR, "replica died", "replica", id, "backend",
                  w->replica.backend->name, "retry_s", retry, NULL);
}

/* Dead: gives back what is still sent, waits, tries again. */
static void recover(struct worker *w)
{
    char seconds[32];
    snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)(w->retry_us / 1000000u));
    log_loss(w, w->replica.wrong ? "never" : seconds);
    worker_tell(w);
    uint64_t again_us = w->replica.wrong ? UINT64_MAX / 2 : lane_clock_us() + w->retry_us;
    w->retry_us = w->retry_us < RETRY_LAST_US / 2 ? w->retry_us * 2 : RETRY_LAST_US;
    while (!atomic_load(&w->stop) && lane_clock_us() < again_us) {
        struct job *batch[REPLICA_BATCH];
        unsigned count = take(w, batch);
        if (count > 0)
            give_back_unrun(w, batch, count);
        else
            sleep_until(w, again_us < lane_clock_us() + 1000000u ? again_us
                                                                 : lane_clock_us() + 1000000u);
    }
    if (!atomic_load(&w->stop) && replica_reopen(&w->replica) == 0)
        test_itself(w);
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    while (!atomic_load(&w->stop)) {
        enum replica_state state = replica_state(&w->replica);
        if (state == REPLICA_DEAD) {
            recover(w);
            continue;
        }
        if (state != REPLICA_UP || test_is_due(w)) {
            test_itself(w);
            continue;
        }
        struct job *batch[REPLICA_BATCH];
        unsigned count = take(w, batch);
        if (count > 0)
            run_batch(w, batch, count);
        else
            sleep_until(w, w->tested_us + w->tested_every_us);
    }
    atomic_store(&w->ended, true);
    return NULL;
}

int worker_start(struct worker *w, struct sparrow_error *err)
{
    sigset_t all, before; /* signals are the main loop's */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&w->thread, NULL, worker_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        if (err) {
            err->status = SPARROW_IO;
            snprintf(err->text, sizeof err->text, "worker replica %u: no thread: %s", w->replica.id,
                     strerror(failed));
        }
        return SPARROW_IO;
    }
    w->started = true;
    char name[16];
    snprintf(name, sizeof name, "replica %u", w->replica.id % 1000u);
    pthread_setname_np(w->thread, name);
    return 0;
}

void worker_stop(struct worker *w)
{
    atomic_store(&w->stop, true);
    worker_wake(w);
}

bool worker_join(struct worker *w, uint64_t until_us)
{
    if (!w->started)
        return true;
    const struct timespec tick = {.tv_nsec = 1000000};
    while (!atomic_load(&w->ended)) {
        if (lane_clock_us() >= until_us)
            return false;
        nanosleep(&tick, NULL);
    }
    pthread_join(w->thread, NULL);
    w->started = false;
    return true;
}
