/* interval.h - how far a measured share may be from the true one.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_INTERVAL_H
#define CLIENTS_SPARROW_INTERVAL_H

#include <stddef.h>

/* The 95 % score interval of `hits` out of `count` (E. B. Wilson, 1927): both ends are shares, 0
 * .. 1. Without any count it is all of 0 .. 1. */
void interval_wilson(size_t hits, size_t count, double *ret_low, double *ret_high);

#endif
