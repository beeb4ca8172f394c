/* clock.h - the monotonic clock.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_CLOCK_H
#define CLIENTS_SPARROW_CLOCK_H

#include <stdint.h>

/* Nanoseconds since some moment before the program began. */
uint64_t clock_now_ns(void);

#endif
