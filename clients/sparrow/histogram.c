/* histogram.c - times counted in log-linear buckets.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clients/sparrow/histogram.h"

#include <math.h>

/* Above HISTOGRAM_EXACT: `e` bits are dropped so that 1024 .. 2047 stay, which is at most 1 part in
 * 1024. */
static unsigned bucket_of(uint64_t value)
{
    if (value < HISTOGRAM_EXACT)
        return (unsigned)value;
    unsigned e = (unsigned)(63 - __builtin_clzll(value)) - 10;
    unsigned bucket = HISTOGRAM_EXACT + (e - 1) * (HISTOGRAM_EXACT / 2) +
                      ((unsigned)(value >> e) - HISTOGRAM_EXACT / 2);
    return e > HISTOGRAM_DOUBLINGS ? HISTOGRAM_BUCKETS - 1 : bucket;
}

static uint64_t upper_end(unsigned bucket)
{
    if (bucket < HISTOGRAM_EXACT)
        return bucket;
    unsigned e = (bucket - HISTOGRAM_EXACT) / (HISTOGRAM_EXACT / 2) + 1;
    uint64_t kept = (bucket - HISTOGRAM_EXACT) % (HISTOGRAM_EXACT / 2) + HISTOGRAM_EXACT / 2;
    return ((kept + 1) << e) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t ns)
{
    histogram->counts[bucket_of(ns)]++;
    histogram->count++;
    histogram->sum += (double)ns;
    if (ns > histogram->max)
        histogram->max = ns;
}

uint64_t histogram_quantile(const struct histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)ceil(share * (double)histogram->count), seen = 0;
    if (wanted < 1)
        wanted = 1;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen >= wanted) {
            uint64_t end = upper_end(i);
            return end < histogram->max && i < HISTOGRAM_BUCKETS - 1 ? end : histogram->max;
        }
    }
    return histogram->max;
}
