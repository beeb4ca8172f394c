/* schedule.h - which replica works on which word, and when. One per lane, owned by its thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_SCHEDULE_SCHEDULE_H
#define DAEMON_SCHEDULE_SCHEDULE_H

#include "daemon/request.h"
#include "daemon/schedule/replicas.h"

struct schedule;

struct schedule_options { /* everything outlives the schedule */
    struct lane *lane;
    struct replicas *replicas;
    struct models *models;
    struct energy *energy;
    struct metrics *metrics;
    struct config *config; /* a reference is taken */
};

/* Before the lane starts. Puts its handles on the lane's loop; the lane's replica computes its
 * known word here for the first time. */
int schedule_new(const struct schedule_options *options, struct schedule **ret_schedule,
                 struct sparrow_error *err);
void schedule_set_config(
    struct schedule *s, struct config *config); /* on the lane, after a reload; takes a reference */
/* On the lane: from now on new requests are refused with SPARROW_DRAINING; those under way are
 * answered. */
void schedule_drain(struct schedule *s);
/* Requests it owns (intake's and its own) that are not answered yet. On the lane. */
unsigned schedule_running(const struct schedule *s);
/* On the lane, nothing running any more: closes the handles (their closing ends on the next turns
 * of the loop). */
void schedule_close(struct schedule *s);
void schedule_free(struct schedule *s); /* after the loop ended and replicas_stop; takes NULL. A
                                           lane that never started: close, turn, free */

/* Takes a request whose features are ready and answers it exactly once through request->sink, on
 * this lane, no later than request->deadline_us (plus one timer tick). On success the schedule owns
 * it; on failure the caller still does.
 * Never blocks; may call the sink before it returns. A lane replica computes at once, to
 * completion, when it is the one with the least expected completion time; else the words go as jobs
 * to worker replicas.
 * Errors: SPARROW_BUSY (queues full, or the expected wait is longer than the deadline;
 * request->retry_ms says when to come back),
 *         SPARROW_DRAINING, SPARROW_NO_REPLICA. */
int schedule_submit(struct schedule *s, struct request *request);

/* ---- back-pressure: requests that the codec holds back unread while the lane is behind ---- */

/* A request's head is here. True: go on with it. False: hold it back until schedule_next_held()
 * lets it go. */
bool schedule_may_read(struct schedule *s);

enum schedule_held { SCHEDULE_NONE, SCHEDULE_ADMIT_NEWEST, SCHEDULE_REFUSE_OLDEST };
/* What to do with those that are held back; asked before each turn until it says SCHEDULE_NONE, or
 * none is held. oldest_us: since when the oldest is held. Never SCHEDULE_NONE when nothing waits on
 * the lane, and not for ever. */
enum schedule_held schedule_next_held(struct schedule *s, uint64_t oldest_us);
/* When one that is refused should come back: as request->retry_ms. */
unsigned schedule_retry_ms(const struct schedule *s);

#endif
