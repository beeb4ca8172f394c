/* lane_kit.h - all that hangs on one lane: request pool, schedule, intake, api, HTTP/1.1. Made,
 * told and taken apart as one.
 * Threads: the main thread calls; what must happen on the lane is posted to it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_LANE_KIT_H
#define DAEMON_LANE_KIT_H

#include "daemon/config.h"
#include "daemon/decode/intake.h"
#include "daemon/door/door.h"
#include "daemon/energy.h"
#include "daemon/lifecycle.h"
#include "daemon/loop/lane.h"
#include "daemon/metrics.h"
#include "daemon/models.h"
#include "daemon/schedule/replicas.h"

struct lane_kit;

struct lane_kit_options { /* everything outlives the kit */
    unsigned index;
    struct config *config;
    struct models *models;
    struct replicas *replicas;
    struct decode_pool *decode_pool;
    struct energy *energy;
    struct metrics *metrics;
    struct log *log;
    const struct lifecycle *lifecycle;
    void (*ended)(
        void *arg); /* on the lane, once: nothing is left on it, its thread is about to end */
    void *arg;
};

int lane_kit_new(const struct lane_kit_options *options, struct lane_kit **ret_kit,
                 struct sparrow_error *err);
int lane_kit_start(struct lane_kit *kit, struct sparrow_error *err);

struct lane *lane_kit_lane(struct lane_kit *kit);
struct door_lane
lane_kit_place(struct lane_kit *kit); /* for the door: connections are taken by lane_kit_take */
void lane_kit_take(void *arg, struct lane *lane, int fd, const struct sockaddr_storage *address,
                   socklen_t len);

/* False: no memory; the kit goes on with what it had. */
bool lane_kit_set_config(struct lane_kit *kit, struct config *config);
/* Answers what comes on open connections, closes each after its answer, idle ones after a grace;
 * ends when none is left. */
void lane_kit_drain(struct lane_kit *kit);
/* Ends all connections now; what runs is told to stop. */
void lane_kit_stop(struct lane_kit *kit);

/* Taking apart, after `ended` (or if it was never started), in three steps for all kits alike,
 * since they share rooms. */
void lane_kit_join(
    struct lane_kit *kit); /* the thread is over; then no request is left: api and intake go */
void lane_kit_free(struct lane_kit *kit); /* after decode_pool_free and replicas_stop; takes NULL */

#endif
