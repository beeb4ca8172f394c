/* measure.h - what all that measures here shares: a clock, a core of one's own, and the order of
 * samples. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>

/* Since some moment in the past; never goes back. */
double measure_now_ns(void);
double measure_now_us(void);

/* Keeps the calling thread on one core. Where that is refused it stays as free as it was. */
void measure_pin(size_t core);

/* Least first. */
void measure_sort(double *samples, size_t n);

#endif
