/* cpu.h - replicas made of a CPU core and the engine.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_BACKEND_CPU_H
#define DAEMON_BACKEND_CPU_H

#include "daemon/schedule/replica.h"

const struct replica_backend *cpu_backend(void);

#endif
