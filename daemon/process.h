/* process.h - the process_* metrics: what the kernel knows of this process.
 * Reads /proc/self only, so it works where ProcSubset=pid hides the rest.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include "daemon/metrics.h"

/* Adds the sources. While starting up. SPARROW_NO_MEMORY. */
int process_add_metrics(struct metrics *m);

#endif
