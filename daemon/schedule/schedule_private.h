/* schedule_private.h - the parts of a lane's schedule, and what intake may use of them. Everything
 * here is on the lane's thread.
 *   schedule.c   the life of a request: adopted, placed, answered; the lane's replica
 *   admission.c  whether to take a request at all
 *   backlog.c    work the lane does later, and how much of a turn it may take
 *   gather.c     words of several requests that the lane's replica computes in one call
 *   pace.c       how many requests may be read while it is behind
 *   dispatch.c   words that worker replicas compute
 *   deadlines.c  when to give up
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_SCHEDULE_SCHEDULE_PRIVATE_H
#define DAEMON_SCHEDULE_SCHEDULE_PRIVATE_H

#include "daemon/request_private.h"
#include "daemon/schedule/replicas_private.h"
#include "daemon/schedule/schedule.h"

struct request_list {
    struct request *first, *last;
};

/* A word that is with a worker, or waits to be sent again. */
struct ticket {
    struct request *request; /* NULL: nobody waits for it any more */
    size_t word;
    unsigned worker, generation, attempts;
    enum { TICKET_FREE, TICKET_SENT, TICKET_AGAIN } state;
    unsigned next; /* in the free list or the list to send again */
};

struct dispatch {
    unsigned workers;
    struct request_list waiting; /* requests with words that no worker has yet */
    size_t waiting_words;
    uint64_t since_us; /* since when words wait; 0: none does */
    struct ticket *tickets;
    unsigned ticket_count, free_ticket;
    unsigned again_first, again_last; /* tickets to send again, in order */
    unsigned *in_flight;              /* per worker: words of this lane it holds */
    uint64_t *epochs;                 /* per worker: as this lane knows it */
    bool *wake;                       /* per worker: it was sent words, and may be asleep */
    unsigned sent;                    /* words with workers */
    unsigned turn;                    /* the worker that is looked at first */
    bool running;
    double handover_us; /* an ageing mean: to a worker that sleeps and back */
    struct job *free_jobs, *all_jobs;
    uv_timer_t watch; /* looks for hung workers while words are sent */
    bool watching;
};

struct backlog {
    struct request_list list;
    size_t words;          /* sum of the weights */
    uint64_t since_us;     /* since when there is a backlog; 0: there is none */
    uint64_t slice_end_us; /* when the lane last worked on it */
    double stretch; /* what passes while the lane works through a backlog, by what the work alone
                       takes: an ageing mean */
    uint64_t turn_busy_ns; /* computed on the lane in this turn of the loop */
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
};

struct gather {
    struct request_list list;  /* of one model: to be computed together */
    struct request_list ready; /* computed, to be answered */
    size_t words;              /* of the list */
    bool slice;                /* the lane works on its backlog */
    bool computing;
    /* small requests' words in this turn of the loop, the one before, and the one before that */
    size_t turn_words, turn_before, turn_before_it;
    int32_t *scores; /* of a batch */
    size_t score_cap;
};

struct pace {
    double credit_us;       /* what may be spent on refusals now */
    double read_us;         /* reading a request and answering it, without its words: */
    double spent_us, reads; /* of the last turns: sums that age */
    unsigned read;          /* requests that were let on since the last turn of the loop */
    unsigned promised;      /* of these, for whom there is room */
    uint64_t turn_us;       /* when the lane began last to work on its backlog; 0: never */
    uint64_t busy_us; /* how long it had been busy when it had done so; 0: there is no backlog */
};

struct deadlines {
    struct request **heap; /* the earliest first */
    size_t count, cap;
    uint64_t armed_us; /* when the timer fires; 0: it does not */
    uv_timer_t timer;
};

struct schedule {
    struct schedule_options options;
    struct lane *lane;
    struct metrics_block *metrics;
    struct replicas *replicas;
    struct replica *replica;      /* the lane's; NULL: it has none */
    struct replicas_lane *shared; /* what the other lanes see of this one */
    bool draining;
    unsigned running;
    double prepare_us;        /* decoding and features of a word's audio: an ageing mean */
    uint64_t words, stall_at; /* for the test that stalls a lane */
    uv_timer_t test;          /* the lane's replica tests itself */
    struct backlog backlog;
    struct gather gather;
    struct pace pace;
    struct dispatch dispatch;
    struct deadlines deadlines;
};

/* ---- schedule.c ---- */

/* From here on the schedule answers for the request; it is REQUEST_RUNNING. */
void schedule_adopt(struct schedule *s, struct request *request);
/* Adopted, its clips' words are counted, its scores reserved: gives the words to a replica. May
 * answer before it returns. Work on the lane begins at once and goes on until until_us, the rest
 * later; 0: all of it later. */
void schedule_place(struct schedule *s, struct request *request, uint64_t until_us);
/* Calls the sink with request->status (and its error) as they stand. The request is api's again. */
void schedule_answer(struct schedule *s, struct request *request);
/* Computes words on the lane's replica, which must be up, and keeps the books. As replica_run(). */
int schedule_run(struct schedule *s, struct request *request, const uint8_t *const *features,
                 size_t words, int32_t *scores);
/* The parts of schedule_run(): computes words of one model on the lane's replica, which must be up,
 * and keeps the lane's books; then each request's. */
int schedule_compute(struct schedule *s, const struct model_entry *entry,
                     const uint8_t *const *features, size_t words, int32_t *scores,
                     uint64_t *ret_ns);
void schedule_credit(struct schedule *s, struct request *request, uint64_t ns);
/* The lane's replica is lost (or without memory: rc) with the request's words in it: workers take
 * over, or it is answered. */
void schedule_run_failed(struct schedule *s, struct request *request, int rc);
/* Words in one call of the lane's replica, at most. */
size_t schedule_batch(const struct schedule *s);
/* From the workers, none of whom has a word of it, to the lane: in the backlog. */
void schedule_take_back(struct schedule *s, struct request *request);
/* The features of one word. */
const uint8_t *schedule_word(const struct request *request, size_t word);
/* Words whose scores arrived: counts them. */
void schedule_count(struct schedule *s, size_t words);
/* A call of the network with so many words: counts it. */
void schedule_count_batch(struct schedule *s, size_t words);
/* Mean time of a word on the lane's replica, microseconds; 0 without a replica that is up. */
double schedule_service_us(const struct schedule *s);

/* ---- admission.c ---- */

/* Which part of a deadline the queue may take up now. */
double admission_part(const struct schedule *s, uint64_t now_us);
/* Whether a request of so many words may come in. 0, SPARROW_DRAINING, SPARROW_NO_REPLICA,
 * SPARROW_BUSY, SPARROW_NO_MEMORY; on failure with request->error and retry_ms. prepared: nothing
 * is left to decode. */
int admission_check(struct schedule *s, struct request *request, size_t words, bool prepared);
/* What decoding and features took for so many words' audio on the lane. */
void admission_learn(struct schedule *s, size_t words, uint64_t ns);
/* How long until the lane has done what is in its backlog. */
double admission_backlog_us(const struct schedule *s);
/* When to come back to a queue that takes so long. */
unsigned admission_retry_ms(double wait_us);

/* ---- backlog.c ---- */

int backlog_init(struct backlog *b, struct schedule *s);
void backlog_close(struct backlog *b);
/* True if the lane may compute at once: nothing waits, and this turn has not computed for long.
 * *ret_until_us: until when. */
bool backlog_may_run(struct backlog *b, uint64_t now_us, uint64_t *ret_until_us);
void backlog_busy(struct backlog *b, uint64_t ns);
/* step() is called when the request's turn comes; it is then out of the backlog and RUNNING. */
void backlog_push(struct schedule *s, struct request *request, size_t weight,
                  void (*step)(struct request *request, uint64_t until_us), bool first);
void backlog_remove(struct schedule *s, struct request *request);

/* ---- gather.c ---- */

void gather_done(struct gather *g);
/* The lane's replica is to compute the request's words that are left. True: they are computed with
 * others, at the end of this turn of the loop at the latest, and the request is answered; perhaps
 * it was already. False: alone, now. */
bool gather_offer(struct schedule *s, struct request *request);
/* Computes and answers what was gathered. */
void gather_compute(struct schedule *s);
/* The end of a turn of the loop. */
void gather_turn(struct schedule *s);
void gather_remove(struct schedule *s, struct request *request);

/* ---- pace.c ---- */

void pace_init(struct pace *p);
/* A turn of the loop is over, and there is no backlog. */
void pace_idle(struct schedule *s);
/* Or there is, and the lane works on it. */
void pace_work_begins(struct schedule *s, uint64_t now_us);
void pace_work_ends(struct schedule *s);

/* ---- dispatch.c ---- */

int dispatch_init(struct dispatch *d, struct schedule *s, struct sparrow_error *err);
void dispatch_close(struct dispatch *d);
void dispatch_done(struct dispatch *d);
/* Hands the words from request->private->next_word on to the workers. */
void dispatch_submit(struct schedule *s, struct request *request);
void dispatch_remove(struct schedule *s, struct request *request);
/* When the workers would have computed so many more words, from now; infinity: none is up. */
double dispatch_expected_us(const struct schedule *s, size_t words);
/* The same, if they all took as long as the quick ones of late. */
double dispatch_soonest_us(const struct schedule *s, size_t words);
bool dispatch_any_up(const struct schedule *s);

/* ---- deadlines.c ---- */

int deadlines_init(struct deadlines *d, struct schedule *s);
void deadlines_close(struct deadlines *d);
void deadlines_done(struct deadlines *d);
bool deadlines_reserve(struct deadlines *d,
                       size_t count); /* so that adding cannot fail. False: no memory */
void deadlines_add(struct schedule *s,
                   struct request *request); /* does nothing if it is there already */
void deadlines_remove(struct schedule *s, struct request *request);

/* ---- lists ---- */

static inline void request_list_push(struct request_list *list, struct request *request, bool first)
{
    struct request_private *p = request->private;
    p->next = first ? list->first : NULL;
    p->before = first ? NULL : list->last;
    *(p->next ? &p->next->private->before : &list->last) = request;
    *(p->before ? &p->before->private->next : &list->first) = request;
}

static inline void request_list_remove(struct request_list *list, struct request *request)
{
    struct request_private *p = request->private;
    *(p->next ? &p->next->private->before : &list->last) = p->before;
    *(p->before ? &p->before->private->next : &list->first) = p->next;
    p->next = p->before = NULL;
}

#endif
