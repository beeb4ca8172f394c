/* replicas_private.h - what the schedules of the lanes see of the replicas, and of each other.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_SCHEDULE_REPLICAS_PRIVATE_H
#define DAEMON_SCHEDULE_REPLICAS_PRIVATE_H

#include "daemon/schedule/worker.h"

/* What a lane tells the others, on a cache line of its own. Written by the lane, read by any. */
struct replicas_lane {
    _Alignas(64) _Atomic unsigned backlog; /* words waiting in the lane: not read into words yet, or
                                              for the lane's replica */
    _Atomic unsigned waiting;              /* words waiting in the lane for worker replicas */
    _Atomic unsigned limit;                /* of both together */
};

unsigned replicas_workers(const struct replicas *r);
struct worker *replicas_worker(const struct replicas *r, unsigned id);
struct replica *replicas_of_lane(const struct replicas *r,
                                 unsigned lane); /* NULL: lanes have none */
struct replicas_lane *replicas_lane(const struct replicas *r, unsigned lane);
unsigned replicas_waiting(const struct replicas *r); /* over all lanes, and sent to workers */
unsigned replicas_batch(const struct replicas *r);   /* words in one call at most */
uint64_t replicas_hang_us(const struct replicas *r);
uint64_t replicas_interval_us(const struct replicas *r);
struct log *replicas_log(const struct replicas *r);

#endif
