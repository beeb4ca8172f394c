/* schedule.h - which replica works on which word, and when. One per lane, owned by its thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_SCHEDULE_SCHEDULE_H
#define DAEMON_SCHEDULE_SCHEDULE_H

#include "daemon/request.h"

struct schedule;

/* Takes a request whose features are ready and answers it exactly once through request->sink, on this lane, no later than
 * request->deadline_us (plus one timer tick). On success the schedule owns it; on failure the caller still does.
 * Never blocks; may call the sink before it returns. A lane replica computes at once, to completion, when it is the one with the least
 * expected completion time; else the words go as jobs to worker replicas.
 * Errors: SPARROW_BUSY (queues full, or the expected wait is longer than the deadline; request->retry_ms says when to come back),
 *         SPARROW_DRAINING, SPARROW_NO_REPLICA. */
int schedule_submit(struct schedule *s, struct request *request);

/* The replicas, for /healthz, /readyz, /metrics and the watchdog. [any thread] */
struct replicas;                    /* one per process */
enum replica_state { REPLICA_STARTING, REPLICA_UP, REPLICA_HUNG, REPLICA_DEAD, REPLICA_STATE_COUNT };
struct replica_info {
    unsigned id;
    enum replica_state state;
    const char *backend, *device;   /* "cpu", "cpu0" */
    bool on_lane;
    uint64_t words, busy_ns;
    uint64_t selftest_us;           /* when the known word last came out right; 0: never */
};
unsigned replicas_count(const struct replicas *r);
void replicas_info(const struct replicas *r, unsigned id, struct replica_info *ret_info);
const char *replica_state_name(enum replica_state state);
/* True if at least one replica is up and computed its known word within three self-test intervals. */
bool replicas_healthy(const struct replicas *r);

#endif
