/* energy.h - which sensor each device has, what it says, and how much of it a request used.
 * A sampler (uv timer on the main loop, 10 Hz) reads the sensors; readers take the last window from any thread, without blocking.
 * The rule: (energy of the device over the window - idle power x window) / (busy seconds of all our work in it, corrected for other
 * processes' CPU time) x this request's busy seconds. Unknown is said, never zero: no sensor, too few samples, others used most of it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_ENERGY_H
#define DAEMON_ENERGY_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "daemon/log.h"
#include "daemon/metrics.h"
#include "engine/sparrow.h"

struct energy;

struct energy_share {
    bool known;                     /* false: joules and watts are not */
    double joules;                  /* attributed to the request */
    double watts;                   /* active power of the device over the window */
    double window_s;
    const char *source;             /* "rapl", "hwmon", "none" */
};

struct energy_options {
    const char *sysfs;              /* root of the tree, "/sys" */
    const char *hwmon;              /* "" or name[/label] */
    double window_s;
    double interval_s;              /* between samples: 0.1 */
};

int energy_new(const struct energy_options *opt, struct metrics *metrics, struct log *log, struct energy **ret_energy, struct sparrow_error *err);
int energy_start(struct energy *e, uv_loop_t *loop);     /* main loop */
void energy_stop(struct energy *e);                      /* closes its handles on that loop */
void energy_free(struct energy *e);

/* All our work on the CPU, from any thread: relaxed adds to the calling thread's cell (cell < 512: lane or worker number). */
void energy_busy(struct energy *e, unsigned cell, uint64_t busy_ns);
/* The share of a request that kept the CPU busy for busy_ns. Any thread, never blocks. Adds to sparrow_request_energy_joules_total. */
void energy_share(struct energy *e, unsigned cell, uint64_t busy_ns, struct energy_share *ret_share);

#endif
