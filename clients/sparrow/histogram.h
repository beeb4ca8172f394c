/* histogram.h - times counted in log-linear buckets: three significant digits from a nanosecond to
 * hours, in bounded memory (as HdrHistogram does).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_HISTOGRAM_H
#define CLIENTS_SPARROW_HISTOGRAM_H

#include <stdint.h>

/* Values below HISTOGRAM_EXACT have a bucket each; each doubling above has half as many buckets. */
enum { HISTOGRAM_EXACT = 2048, HISTOGRAM_DOUBLINGS = 34 };
enum { HISTOGRAM_BUCKETS = HISTOGRAM_EXACT + HISTOGRAM_DOUBLINGS * (HISTOGRAM_EXACT / 2) };

/* All zero is an empty one. */
struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t count, max;
    double sum;
};

/* Counts a value in nanoseconds; what is beyond nine hours counts as nine hours, but max keeps it.
 */
void histogram_add(struct histogram *histogram, uint64_t ns);

/* The smallest value that at least `share` (0 .. 1) of all counted values do not pass: the upper
 * end of its bucket, no more than the largest value. 0 when empty. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);

#endif
