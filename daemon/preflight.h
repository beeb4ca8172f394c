/* preflight.h - what --check looks at beyond the configuration's own bounds: what only the rooms
 * can judge.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_PREFLIGHT_H
#define DAEMON_PREFLIGHT_H

#include <stdio.h>

#include "daemon/config.h"

/* Reads the addresses, loads the models with the kernels asked for, opens no socket and starts no
 * thread. One line to report for each fault. Returns how many there are. */
unsigned preflight(const struct config *config, FILE *report);

#endif
