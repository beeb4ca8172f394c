/* worker.h - a worker replica: a thread of its own that takes words from every lane in batches.
 * Between each lane and each worker there is a link: a ring with one producer (the lane) and one
 * consumer (the worker). A job belongs to whoever holds it: the lane, then the ring and the worker,
 * then the message that brings it back. So a worker that comes back late still writes into a job
 * that is its own, and nobody frees it under its hands.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_SCHEDULE_WORKER_H
#define DAEMON_SCHEDULE_WORKER_H

#include "daemon/loop/lane.h"
#include "daemon/schedule/replica.h"

/* One word on its way. features and scores are the job's own. */
struct job {
    struct lane_message message; /* brings it, and the chain behind it, back to its lane */
    struct job *next;            /* in that chain, or on the lane's free list */
    struct lane *lane;
    const struct model_entry *entry; /* the job holds a reference on entry->set */
    uint64_t epoch;                  /* the worker's, when it was sent */
    uint64_t sent_us;
    unsigned ticket,
        generation; /* the lane's: which word this is, and whether it is still wanted */
    /* set by the worker */
    bool run;        /* false: it was not computed (the worker was lost before) */
    int status;      /* if run: 0, or why not */
    uint64_t run_ns; /* this word's share of its batch */
    unsigned batch;  /* in one word of each batch: how many words it had; 0 in the others */
    uint64_t
        overhead_us; /* from being sent to the begin of its batch; the lane adds the way back */
    bool alone; /* its batch began while the ring held nothing else: overhead is the hand-over alone
                 */
    uint64_t ended_us;
    uint8_t *features;
    int32_t *scores;
};

struct worker;
struct worker_options {
    struct replica_setup setup;
    const struct replica_backend *backend;
    unsigned lanes;
    struct models *models;
    struct energy *energy;
    struct log *log;
    const _Atomic uint64_t *interval_us; /* between self-tests; outlives the worker */
    const _Atomic unsigned *batch;       /* words in one call at most; outlives the worker */
};

int worker_new(const struct worker_options *options, struct worker **ret_worker,
               struct sparrow_error *err);
void worker_free(struct worker *w); /* joined, or never started; takes NULL */
struct replica *worker_replica(struct worker *w);

/* Before the start: where notices go when this worker is lost or comes back. run(lane, notice) is
 * called on the lane. */
void worker_attach(struct worker *w, unsigned index, struct lane *lane,
                   void (*run)(struct lane *, struct lane_message *), void *arg);
/* The arg of worker_attach from the message that run() was given; after it the next notice may be
 * sent. On the lane. */
void *worker_noticed(struct lane_message *message);
/* The worker stands in a hung replica's place no more, or is lost: tells every lane. [any thread]
 */
void worker_tell(struct worker *w);

/* The interval between self-tests may have changed: if so, the next one comes at once. [any
 * thread] */
void worker_poke(struct worker *w);

int worker_start(struct worker *w, struct sparrow_error *err);
void worker_stop(struct worker *w); /* asks it to end */
bool worker_join(struct worker *w,
                 uint64_t until_us); /* false: it did not end in time, and still runs */

/* On lane `index`: hands over a job. False: no room. Jobs that belong together are pushed, then
 * worker_wake() is called once. */
bool worker_push(struct worker *w, unsigned index, struct job *job);
void worker_wake(struct worker *w);

#endif
