/* replicas.h - all replicas of the process: what they are, how they are, how much they did. One per
 * process, owned by main. Numbers: worker replicas have the ids 0 .. workers - 1, the lane replicas
 * follow.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_SCHEDULE_REPLICAS_H
#define DAEMON_SCHEDULE_REPLICAS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/config.h"
#include "daemon/energy.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/models.h"

struct replicas;
enum replica_state {
    REPLICA_STARTING,
    REPLICA_UP,
    REPLICA_HUNG,
    REPLICA_DEAD,
    REPLICA_STATE_COUNT
};
struct replica_info {
    unsigned id;
    enum replica_state state;
    const char *backend, *device; /* "cpu", "cpu0" */
    bool on_lane;
    uint64_t words, busy_ns;
    uint64_t selftest_us; /* when the known word last came out right; 0: never */
};

struct replicas_options { /* everything outlives the replicas */
    unsigned lanes;
    struct models *models;
    struct energy *energy;
    struct metrics *metrics;
    struct log *log;
    struct config *config; /* a reference is taken */
};

/* Whether the configuration asks for replicas that can be made; makes none. SPARROW_CONFIG if not.
 */
int replicas_check(const struct config *config, struct sparrow_error *err);

/* Order: replicas_new; a schedule_new for each lane; replicas_start; the lanes start.
 * Errors: SPARROW_NO_MEMORY, SPARROW_CONFIG (neither lane nor worker replicas; a bad test.fault).
 */
int replicas_new(const struct replicas_options *options, struct replicas **ret_replicas,
                 struct sparrow_error *err);
/* Starts the workers' threads and waits (two seconds at most) until each has computed its known
 * word. On failure none runs. */
int replicas_start(struct replicas *r, struct sparrow_error *err);
void replicas_set_config(struct replicas *r,
                         struct config *config); /* after a reload; [any] thread */
/* Ends the workers' threads, waiting a second at most. False: one of them hangs; then free nothing
 * that it might use, end the process. */
bool replicas_stop(struct replicas *r);
void replicas_free(struct replicas *r); /* after replicas_stop and the schedules; takes NULL */

/* [any thread], never block. */
unsigned replicas_count(const struct replicas *r);
void replicas_info(const struct replicas *r, unsigned id, struct replica_info *ret_info);
const char *replica_state_name(enum replica_state state);
/* True if at least one replica is up and computed its known word within three self-test intervals.
 */
bool replicas_healthy(const struct replicas *r);

#endif
