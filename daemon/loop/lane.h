/* lane.h - one thread, one uv loop, an inbox that anyone may post to. A lane knows nothing of HTTP,
 * models or replicas: what belongs to it is hung on it by its owner.
 * Threads: functions marked [any] may be called from anywhere, the others on the lane's thread (or
 * before it starts).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_LOOP_LANE_H
#define DAEMON_LOOP_LANE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "daemon/log.h"
#include "daemon/metrics.h"
#include "engine/sparrow.h"

struct lane;

/* A message is owned by the poster until it runs; embed it in what it concerns (no allocation). A
 * message that is already posted must not be posted again before it has run. */
struct lane_message {
    struct lane_message *next;
    void (*run)(struct lane *lane, struct lane_message *message);
};

int lane_new(unsigned index, struct metrics_block *metrics, struct log *log, struct lane **ret_lane,
             struct sparrow_error *err);
int lane_start(struct lane *lane,
               struct sparrow_error *err); /* the thread begins to turn the loop */
void lane_stop(struct lane *lane);         /* [any] the loop ends once all its handles are closed */
void lane_join(struct lane *lane);         /* waits for the thread; main only */
void lane_free(struct lane *lane);         /* after lane_join, or if never started */

void lane_post(
    struct lane *lane,
    struct lane_message *message); /* [any] runs it on the lane, in order of posting per poster */

uv_loop_t *lane_loop(struct lane *lane);
unsigned lane_index(const struct lane *lane); /* [any] */
struct metrics_block *lane_metrics(struct lane *lane);
struct log *lane_log(struct lane *lane); /* [any] */

/* Microseconds of CLOCK_MONOTONIC, read now (about 20 ns). [any] */
uint64_t lane_clock_us(void);
uint64_t lane_clock_ns(void);

/* Cores that this process may use (affinity, cpuset), at least one: as many lanes can turn at once.
 * [any] */
unsigned lane_cores(void);

/* When the loop last turned; a lane turns at least every 250 ms unless it is stuck. [any] */
uint64_t lane_heartbeat_us(const struct lane *lane);

/* How much there is to do, for placing connections: open connections, and requests under way.
 * Written by the lane, read by the door. */
void lane_load_add(struct lane *lane, int connections, int requests);
unsigned lane_connections(const struct lane *lane); /* [any] */
unsigned lane_load(const struct lane *lane); /* [any] connections + 16 x requests under way */

#endif
