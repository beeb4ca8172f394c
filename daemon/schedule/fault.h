/* fault.h - the configuration's test.fault: a list of die:R:N, hang:R:N, hang:R:N:SECONDS (replica
 * R at its N-th word) and stall:L:N (lane L at its N-th word), separated by commas.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_SCHEDULE_FAULT_H
#define DAEMON_SCHEDULE_FAULT_H

#include "daemon/schedule/replica.h"

/* True if the list is well formed. */
bool fault_check(const char *list);
/* What the list asks of replica `id`; the first one counts. */
struct replica_fault fault_of_replica(const char *list, unsigned id);
/* At which of its words lane `lane` stalls; 0: never. */
uint64_t fault_of_lane(const char *list, unsigned lane);

#endif
