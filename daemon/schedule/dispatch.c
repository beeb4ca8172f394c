/* dispatch.c - words that worker replicas compute: sent one by one as jobs, answered in any order,
 * sent again when their worker is lost.
 *
 * Words wait here, in the lane, and only a few are with each worker: so a word is bound to a worker
 * late, one that was slow or got lost has little in its hands, and what is cancelled is simply not
 * sent. How few: as many as it computes while a hand-over takes. A ticket stands for a word that is
 * sent. The job carries the ticket's number and generation; a lost worker's tickets get a new
 * generation and wait to be sent again (three times at most), so its late answers match nothing and
 * are dropped.
 * A ticket whose request is gone keeps its generation until its job is back: the worker is not
 * lost, only nobody wants the answer.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/schedule/schedule_private.h"

#define NONE        UINT_MAX
#define DEPTH_LAST  32u /* of a lane with one worker; less than the slots of a ring */
#define DEPTH_US    200.0
#define AGEING_US   100000.0 /* idle for so long: what was learned counts half */
#define ATTEMPTS    3u
#define HANDOVER_US 50.0 /* until it is measured */
#define ROUND_WORDS 16u  /* of one request, before the next one has its turn */
#define WATCH_MS    50u
#define RETRY_MS    1000u

static void on_jobs(struct lane *lane, struct lane_message *message);
static void on_notice(struct lane *lane, struct lane_message *message);
static void run(struct schedule *s);

/* ---- jobs: kept by the lane and used again ---- */

struct lane_job {
    struct job job;
    struct schedule *schedule;
    struct job *all_next;
    size_t feature_cap, label_cap;
};

static struct job *job_new(struct schedule *s, const struct model_entry *entry)
{
    struct dispatch *d = &s->dispatch;
    size_t bytes = sparrow_model_frames(entry->model) * sparrow_model_bands(entry->model);
    size_t labels = sparrow_model_label_count(entry->model);
    struct lane_job *l = (struct lane_job *)d->free_jobs;
    if (l) {
        d->free_jobs = l->job.next;
    } else {
        l = calloc(1, sizeof *l);
        if (!l)
            return NULL;
        l->all_next = d->all_jobs;
        d->all_jobs = &l->job;
    }
    if (bytes > l->feature_cap || labels > l->label_cap) {
        uint8_t *features = realloc(l->job.features, bytes);
        l->job.features = features ? features : l->job.features;
        int32_t *scores = reallocarray(l->job.scores, labels, sizeof *scores);
        l->job.scores = scores ? scores : l->job.scores;
        if (!features || !scores) {
            l->feature_cap = l->label_cap = 0;
            l->job.next = d->free_jobs;
            d->free_jobs = &l->job;
            return NULL;
        }
        l->feature_cap = bytes;
        l->label_cap = labels;
    }
    l->schedule = s;
    l->job.message.run = on_jobs;
    l->job.lane = s->lane;
    l->job.entry = entry;
    model_set_ref(entry->set);
    return &l->job;
}

static void job_free(struct dispatch *d, struct job *job)
{
    model_set_unref(job->entry->set);
    job->entry = NULL;
    job->next = d->free_jobs;
    d->free_jobs = job;
}

/* ---- tickets ---- */

static void ticket_free(struct dispatch *d, unsigned index)
{
    struct ticket *t = &d->tickets[index];
    t->state = TICKET_FREE;
    t->request = NULL;
    t->generation++;
    t->next = d->free_ticket;
    d->free_ticket = index;
}

/* The word is to be sent again: its worker was lost, or gave it back. */
static void ticket_again(struct dispatch *d, unsigned index)
{
    struct ticket *t = &d->tickets[index];
    if (!t->request) {
        ticket_free(d, index);
        return;
    }
    t->state = TICKET_AGAIN;
    t->generation++;
    t->next = NONE;
    *(d->again_first == NONE ? &d->again_first : &d->tickets[d->again_last].next) = index;
    d->again_last = index;
}

static void left(struct dispatch *d, unsigned worker, unsigned count)
{
    d->in_flight[worker] -= count;
    d->sent -= count;
}

/* ---- the choice of a worker ---- */

static double service_us(struct replica *r)
{
    uint64_t ns = atomic_load_explicit(&r->service_ns, memory_order_relaxed);
    return ns ? (double)ns / 1e3 : 1;
}

static unsigned depth(struct replica *r, double handover_us)
{
    double words = (DEPTH_US > handover_us ? DEPTH_US : handover_us) / service_us(r);
    return words >= DEPTH_LAST ? DEPTH_LAST : words < 2 ? 2 : (unsigned)words;
}

static void sweep(struct schedule *s, unsigned worker);

/* When it would be done with one more word. What was learned of a replica that has been idle since
 * ages: else one that was slow once would never be asked again, and never be found to be quick. */
static double done_us(struct replica *r, uint64_t now_us)
{
    unsigned load = atomic_load_explicit(&r->load, memory_order_relaxed);
    uint64_t ended_us = atomic_load_explicit(&r->ended_us, memory_order_relaxed);
    double idle_us = load == 0 && now_us > ended_us ? (double)(now_us - ended_us) : 0;
    return (load + 1) * service_us(r) * AGEING_US / (AGEING_US + idle_us);
}

/* The worker that would be done first with one more word; among those about equal the next in turn,
 * so that all are used. */
static unsigned pick(struct schedule *s)
{
    struct dispatch *d = &s->dispatch;
    unsigned best = NONE;
    double best_us = INFINITY;
    uint64_t now_us = lane_clock_us();
    for (unsigned i = 0; i < d->workers; i++) {
        unsigned id = d->turn + i < d->workers ? d->turn + i : d->turn + i - d->workers;
        struct replica *r = worker_replica(replicas_worker(s->replicas, id));
        if (replica_state(r) != REPLICA_UP)
            continue;
        if (atomic_load(&r->epoch) != d->epochs[id])
            sweep(s, id);
        if (d->in_flight[id] >= depth(r, d->handover_us))
            continue;
        double us = done_us(r, now_us);
        if (us * 4 < best_us * 3) {
            best = id;
            best_us = us;
        }
    }
    if (best != NONE)
        d->turn = best + 1 < d->workers ? best + 1 : 0;
    return best;
}

bool dispatch_any_up(const struct schedule *s)
{
    for (unsigned id = 0; id < s->dispatch.workers; id++)
        if (replica_state(worker_replica(replicas_worker(s->replicas, id))) == REPLICA_UP)
            return true;
    return false;
}

static double quick_us(struct replica *r)
{
    return (double)atomic_load_explicit(&r->quick_ns, memory_order_relaxed) / 1e3;
}

static double words_us(const struct schedule *s, size_t words, double (*word_us)(struct replica *))
{
    double rate = 0; /* words per microsecond */
    for (unsigned id = 0; id < s->dispatch.workers; id++) {
        struct replica *r = worker_replica(replicas_worker(s->replicas, id));
        if (replica_state(r) == REPLICA_UP)
            rate += 1 / word_us(r);
    }
    double ahead = replicas_waiting(s->replicas);
    return rate > 0 ? s->dispatch.handover_us + (ahead + (double)words) / rate : INFINITY;
}

double dispatch_expected_us(const struct schedule *s, size_t words)
{
    return words_us(s, words, service_us);
}

double dispatch_soonest_us(const struct schedule *s, size_t words)
{
    return words_us(s, words, quick_us);
}

/* ---- sending ---- */

static void on_watch(uv_timer_t *timer);

/* False: no memory for the job. */
static bool send_word(struct schedule *s, unsigned worker, unsigned index)
{
    struct dispatch *d = &s->dispatch;
    struct ticket *t = &d->tickets[index];
    struct request *request = t->request;
    const struct sparrow_model *model = request->model->model;
    struct job *job = job_new(s, request->model);
    if (!job)
        return false;
    memcpy(job->features, schedule_word(request, t->word),
           sparrow_model_frames(model) * sparrow_model_bands(model));
    t->state = TICKET_SENT;
    t->worker = worker;
    job->ticket = index;
    job->generation = t->generation;
    job->epoch = d->epochs[worker];
    job->sent_us = lane_clock_us();
    struct worker *w = replicas_worker(s->replicas, worker);
    if (!worker_push(w, lane_index(s->lane),
                     job)) { /* a lost worker's ring may be full of what it never took */
        job_free(d, job);
        return false;
    }
    d->in_flight[worker]++;
    d->sent++;
    d->wake[worker] = true;
    return true;
}

static void publish(struct schedule *s)
{
    size_t words = s->dispatch.waiting_words;
    atomic_store_explicit(&s->shared->waiting, words < UINT32_MAX ? (unsigned)words : UINT32_MAX,
                          memory_order_relaxed);
}

static void waiting_remove(struct schedule *s, struct request *request)
{
    struct dispatch *d = &s->dispatch;
    struct request_private *p = request->private;
    request_list_remove(&d->waiting, request);
    d->waiting_words -= request->words - p->next_word;
    if (!d->waiting.first)
        d->since_us = 0;
    publish(s);
}

static bool is_waiting(const struct request *request)
{
    return request->private->next_word < request->words;
}

static void waiting_add(struct schedule *s, struct request *request)
{
    struct dispatch *d = &s->dispatch;
    if (!d->waiting.first)
        d->since_us = lane_clock_us();
    request_list_push(&d->waiting, request, false);
    d->waiting_words += request->words - request->private->next_word;
    publish(s);
}

static void fail_request(struct schedule *s, struct request *request, enum sparrow_status status,
                         const char *why)
{
    request->retry_ms = RETRY_MS;
    request_fail(request, status, "%s", why);
    schedule_answer(s, request);
}

/* Sends the next word of the request that waits first. False: nobody can take it now. */
static bool send_next(struct schedule *s, unsigned *round)
{
    struct dispatch *d = &s->dispatch;
    struct request *request = d->waiting.first;
    struct request_private *p = request->private;
    unsigned worker = d->free_ticket == NONE ? NONE : pick(s);
    if (worker == NONE)
        return false;
    unsigned index = d->free_ticket;
    struct ticket *t = &d->tickets[index];
    d->free_ticket = t->next;
    t->request = request;
    t->word = p->next_word;
    t->attempts = 1;
    if (!send_word(s, worker, index)) {
        ticket_free(d, index);
        return false;
    }
    p->next_word++;
    d->waiting_words--;
    if (!is_waiting(request)) {
        request_list_remove(&d->waiting, request);
        *round = 0;
    } else if (++*round == ROUND_WORDS) {
        request_list_remove(&d->waiting, request);
        request_list_push(&d->waiting, request, false);
        *round = 0;
    }
    return true;
}

/* The lane computes a word itself that no worker can take any more. */
static bool run_here(struct schedule *s, unsigned index)
{
    struct ticket *t = &s->dispatch.tickets[index];
    struct request *request = t->request;
    size_t labels = sparrow_model_label_count(request->model->model);
    const uint8_t *word = schedule_word(request, t->word);
    if (schedule_service_us(s) <= 0 ||
        schedule_run(s, request, &word, 1, request->scores + t->word * labels) < 0)
        return false;
    request->private->words_left--;
    ticket_free(&s->dispatch, index);
    if (request->private->words_left == 0)
        schedule_answer(s, request);
    return true;
}

/* Sends a word again. False: nobody can take it now. */
static bool send_again(struct schedule *s)
{
    struct dispatch *d = &s->dispatch;
    unsigned index = d->again_first;
    struct ticket *t = &d->tickets[index];
    bool any = dispatch_any_up(s);
    unsigned worker = t->request && t->attempts < ATTEMPTS && any ? pick(s) : NONE;
    if (t->request && t->attempts < ATTEMPTS && any && worker == NONE)
        return false;
    d->again_first = t->next;
    t->attempts++;
    if (!t->request) {
        ticket_free(d, index);
    } else if (worker != NONE) {
        if (!send_word(s, worker, index)) {
            t->state = TICKET_AGAIN;
            t->next = d->again_first;
            d->again_last = d->again_first == NONE ? index : d->again_last;
            d->again_first = index;
            return false;
        }
        if (s->metrics)
            metrics_count(s->metrics, METRIC_JOBS_RETRIED, 0, 1);
    } else if (t->attempts > ATTEMPTS || !run_here(s, index)) {
        struct request *request = t->request;
        bool often = t->attempts > ATTEMPTS;
        ticket_free(d, index);
        fail_request(s, request, often ? SPARROW_BACKEND : SPARROW_NO_REPLICA,
                     often ? "every replica that tried a word of it failed"
                           : "no replica is alive");
    } else if (s->metrics) {
        metrics_count(s->metrics, METRIC_JOBS_RETRIED, 0, 1);
    }
    return true;
}

/* Nobody is up to take what waits: the lane's replica does, or it is answered so. Words that were
 * sent to workers of whose loss this lane has not heard yet are waited for: the notice is on its
 * way. */
static void give_up_waiting(struct schedule *s)
{
    struct request *request = s->dispatch.waiting.first;
    while (request) {
        struct request_private *p = request->private;
        struct request *next = p->next;
        if (schedule_service_us(s) <= 0) {
            fail_request(s, request, SPARROW_NO_REPLICA, "no replica is alive");
            next = s->dispatch.waiting.first; /* its sink may have changed the list */
        } else if (p->words_left == request->words - p->next_word) {
            waiting_remove(s, request);
            schedule_take_back(s, request);
        }
        request = next;
    }
}

/* Once for all that was sent: a worker that slept finds its words together. */
static void wake_workers(struct schedule *s)
{
    struct dispatch *d = &s->dispatch;
    for (unsigned id = 0; id < d->workers; id++)
        if (d->wake[id]) {
            d->wake[id] = false;
            worker_wake(replicas_worker(s->replicas, id));
        }
}

/* A sink that is called from here may submit the next request: the loop sees it, and does not begin
 * anew inside itself. */
static void run(struct schedule *s)
{
    struct dispatch *d = &s->dispatch;
    unsigned round = 0;
    if (d->running)
        return;
    d->running = true;
    for (bool more = true; more && (d->again_first != NONE || d->waiting.first);)
        more = d->again_first != NONE ? send_again(s) : send_next(s, &round);
    wake_workers(s);
    if (d->waiting.first && !dispatch_any_up(s))
        give_up_waiting(s);
    if (!d->waiting.first)
        d->since_us = 0;
    publish(s);
    d->running = false;
}

void dispatch_submit(struct schedule *s, struct request *request)
{
    struct dispatch *d = &s->dispatch;
    struct request_private *p = request->private;
    p->state = REQUEST_WORKERS;
    p->handed_us = lane_clock_us();
    deadlines_add(s, request);
    waiting_add(s, request);
    if (!d->watching) {
        d->watching = true;
        uv_timer_start(&d->watch, on_watch, WATCH_MS, WATCH_MS);
    }
    run(s);
}

void dispatch_remove(struct schedule *s, struct request *request)
{
    struct dispatch *d = &s->dispatch;
    struct request_private *p = request->private;
    if (is_waiting(request))
        waiting_remove(s, request);
    if (p->words_left > 0) /* some are sent: nobody waits for them any more */
        for (unsigned i = 0; i < d->ticket_count; i++)
            if (d->tickets[i].request == request)
                d->tickets[i].request = NULL;
    p->state = REQUEST_RUNNING;
}

/* ---- coming back ---- */

static void learn_handover(struct dispatch *d, const struct job *job)
{
    uint64_t now_us = lane_clock_us();
    if (!job->alone || d->sent > 1)
        return;
    double us =
        (double)job->overhead_us + (double)(now_us > job->ended_us ? now_us - job->ended_us : 0);
    us = us > 8 * d->handover_us ? 8 * d->handover_us : us;
    d->handover_us += (us - d->handover_us) / 8;
}

static void take_scores(struct schedule *s, struct ticket *t, const struct job *job)
{
    struct request *request = t->request;
    struct request_private *p = request->private;
    size_t labels = sparrow_model_label_count(request->model->model);
    struct replica *r = worker_replica(replicas_worker(s->replicas, t->worker));
    memcpy(request->scores + t->word * labels, job->scores, labels * sizeof *request->scores);
    p->inference_ns += job->run_ns;
    p->words_left--;
    request->replica = r->id;
    request->backend = r->backend->name;
    request->device = r->backend->device;
}

static void take_job(struct schedule *s, struct job *job)
{
    struct dispatch *d = &s->dispatch;
    struct ticket *t = &d->tickets[job->ticket];
    if (t->state != TICKET_SENT || t->generation != job->generation) {
        if (job->run && job->status == 0 && s->metrics)
            metrics_count(s->metrics, METRIC_JOBS_LATE, 0, 1);
        return;
    }
    learn_handover(d, job);
    left(d, t->worker, 1);
    if (!job->run || job->status < 0) {
        t->attempts -= !job->run && t->attempts > 0; /* given back untouched: that was no attempt */
        ticket_again(d, job->ticket);
        return;
    }
    struct request *request = t->request;
    if (request)
        take_scores(s, t, job);
    ticket_free(d, job->ticket);
    schedule_count(s, 1);
    if (request && request->private->words_left == 0)
        schedule_answer(s, request);
}

static void on_jobs(struct lane *lane, struct lane_message *message)
{
    (void)lane;
    struct job *job = (struct job *)message; /* message comes first in a job */
    struct schedule *s = ((struct lane_job *)job)->schedule;
    while (job) {
        struct job *next = job->next;
        if (job->run && job->batch > 0)
            schedule_count_batch(s, job->batch);
        take_job(s, job);
        job_free(&s->dispatch, job);
        job = next;
    }
    run(s);
}

/* ---- lost workers ---- */

/* The worker was lost since this lane looked last: what it had is sent again. */
static void sweep(struct schedule *s, unsigned worker)
{
    struct dispatch *d = &s->dispatch;
    struct replica *r = worker_replica(replicas_worker(s->replicas, worker));
    d->epochs[worker] = atomic_load(&r->epoch);
    for (unsigned i = 0; i < d->ticket_count && d->in_flight[worker] > 0; i++)
        if (d->tickets[i].state == TICKET_SENT && d->tickets[i].worker == worker) {
            left(d, worker, 1);
            ticket_again(d, i);
        }
}

static void on_notice(struct lane *lane, struct lane_message *message)
{
    (void)lane;
    struct schedule *s = worker_noticed(message);
    for (unsigned id = 0; id < s->dispatch.workers; id++)
        if (atomic_load(&worker_replica(replicas_worker(s->replicas, id))->epoch) !=
            s->dispatch.epochs[id])
            sweep(s, id);
    run(s);
}

static void log_hung(struct schedule *s, const struct replica *r, uint64_t since_us)
{
    char id[16], ms[32];
    snprintf(id, sizeof id, "%u", r->id);
    snprintf(ms, sizeof ms, "%llu", (unsigned long long)since_us / 1000u);
    if (replicas_log(s->replicas))
        log_event(replicas_log(s->replicas), LOG_ERROR, "replica hangs: its words go elsewhere",
                  "replica", id, "backend", r->backend->name, "silent_ms", ms, NULL);
}

static void on_watch(uv_timer_t *timer)
{
    struct schedule *s = timer->data;
    struct dispatch *d = &s->dispatch;
    uint64_t now_us = lane_clock_us(), hang_us = replicas_hang_us(s->replicas);
    if (d->sent == 0 && d->again_first == NONE && !d->waiting.first) {
        d->watching = false;
        uv_timer_stop(timer);
        return;
    }
    for (unsigned id = 0; id < d->workers; id++) {
        struct worker *w = replicas_worker(s->replicas, id);
        struct replica *r = worker_replica(w);
        uint64_t began_us = atomic_load_explicit(&r->began_us, memory_order_relaxed);
        if (began_us && now_us > began_us + hang_us && replica_lose(r, REPLICA_HUNG)) {
            log_hung(s, r, now_us - began_us);
            worker_tell(w); /* every lane, this one too: on_notice */
        }
    }
    run(s); /* what found no memory before */
}

/* ---- life ---- */

static void link_workers(struct schedule *s)
{
    struct dispatch *d = &s->dispatch;
    for (unsigned id = 0; id < d->workers; id++)
        worker_attach(replicas_worker(s->replicas, id), lane_index(s->lane), s->lane, on_notice, s);
}

int dispatch_init(struct dispatch *d, struct schedule *s, struct sparrow_error *err)
{
    d->workers = replicas_workers(s->replicas);
    d->ticket_count = d->workers * DEPTH_LAST;
    d->handover_us = HANDOVER_US;
    d->again_first = d->again_last = d->free_ticket = NONE;
    d->tickets = calloc(d->ticket_count + 1u, sizeof *d->tickets);
    d->in_flight = calloc(d->workers + 1u, sizeof *d->in_flight);
    d->epochs = calloc(d->workers + 1u, sizeof *d->epochs);
    d->wake = calloc(d->workers + 1u, sizeof *d->wake);
    if (!d->tickets || !d->in_flight || !d->epochs || !d->wake) {
        dispatch_done(d);
        if (err) {
            err->status = SPARROW_NO_MEMORY;
            snprintf(err->text, sizeof err->text, "no memory for a lane's words");
        }
        return SPARROW_NO_MEMORY;
    }
    for (unsigned i = d->ticket_count; i > 0; i--)
        ticket_free(d, i - 1);
    link_workers(s);
    uv_timer_init(lane_loop(s->lane), &d->watch);
    d->watch.data = s;
    return 0;
}

void dispatch_close(struct dispatch *d)
{
    uv_close((uv_handle_t *)&d->watch, NULL);
}

void dispatch_done(struct dispatch *d)
{
    while (d->all_jobs) {
        struct lane_job *l = (struct lane_job *)d->all_jobs;
        d->all_jobs = l->all_next;
        if (l->job.entry) /* a worker never gave it back */
            model_set_unref(l->job.entry->set);
        free(l->job.features);
        free(l->job.scores);
        free(l);
    }
    free(d->tickets);
    free(d->in_flight);
    free(d->epochs);
    free(d->wake);
}
