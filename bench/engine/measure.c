/* measure.c - the clock, the core and the order of samples.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* sched_setaffinity() */
#include "bench/engine/measure.h"

#include <sched.h>
#include <stdlib.h>
#include <time.h>

double measure_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

double measure_now_us(void)
{
    return measure_now_ns() / 1e3;
}

void measure_pin(size_t core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

void measure_sort(double *samples, size_t n)
{
    qsort(samples, n, sizeof(*samples), by_size);
}
