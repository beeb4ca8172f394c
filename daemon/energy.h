/* energy.h - which sensor each device has, what it says, and how much of it a request used.
 * A sampler (uv timer on the main loop, 10 Hz) reads the sensors; readers take the last window from
 * any thread, without blocking.
 * The rule, over a window of at least a second:
 *   active = energy of the devices - idle power x window
 *   ours   = active x our process's CPU time / CPU time of all processes
 *   a request's share = ours / busy seconds of all our work in the window x this request's busy
 *   seconds
 * so that the shares of all requests + idle + what others used = what the counters say. Idle power
 * is the least seen: learned in
 * windows in which we used less than 5 % of a core, and again after ten minutes. Windows in which
 * we used more than 1 % of a core
 * give the shares; a share is taken from the last of those, at most ten windows old.
 * Unknown is said, never zero: no sensor or a lost one, no idle power yet, fewer than 3 samples in
 * the window, no more power than idle, other processes used more than half of the busy time, or
 * their time cannot be read (/proc/stat is hidden).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_ENERGY_H
#define DAEMON_ENERGY_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "daemon/log.h"
#include "daemon/metrics.h"
#include "engine/sparrow.h"

#define ENERGY_CELLS 512u

struct energy;

struct energy_share {
    bool known;    /* false: joules and watts are not */
    double joules; /* attributed to the request */
    double watts;  /* active power of the device over the window */
    double window_s;
    const char *source; /* "rapl", "hwmon", "none": a constant */
};

struct energy_options {
    const char *sysfs; /* root of the tree, "/sys" */
    const char *proc;  /* where "stat" is; NULL: "/proc" */
    const char *hwmon; /* "" or name[/label] */
    double window_s;
    double interval_s; /* between samples: 0.1 */
};

/* Finds the sensors and adds the metrics' sources; says in the log what it found. No sensor is no
 * error. SPARROW_NO_MEMORY. */
int energy_new(const struct energy_options *opt, struct metrics *metrics, struct log *log,
               struct energy **ret_energy, struct sparrow_error *err);
int energy_start(struct energy *e, uv_loop_t *loop); /* main loop */
void energy_stop(struct energy *e);                  /* closes its handles on that loop */
void energy_free(struct energy *e);

/* One reading of all sensors at now_ns (CLOCK_MONOTONIC), own_cpu_ns being our process's CPU time
 * so far. The timer calls it; tests call it with a clock of their own. Main thread, blocks on sysfs
 * for some microseconds. */
void energy_sample(struct energy *e, uint64_t now_ns, uint64_t own_cpu_ns);
/* The window, after a reload. Main thread. */
void energy_set_window(struct energy *e, double window_s);

/* All our work on the CPU, from any thread: relaxed adds to the calling thread's cell (cell <
 * ENERGY_CELLS, written by one thread). */
void energy_busy(struct energy *e, unsigned cell, uint64_t busy_ns);
/* The share of a request that kept the CPU busy for busy_ns. Any thread, never blocks. Adds to
 * sparrow_request_energy_joules_total if known. */
void energy_share(struct energy *e, unsigned cell, uint64_t busy_ns,
                  struct energy_share *ret_share);

#endif
