/* steps.h - cycles of what a stage is made of, by the stages' own kernels: a step, and what follows
 * the steps of eight outputs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_STEPS_H
#define BENCH_STEPS_H

#include <stddef.h>

struct sp_kernels;

struct steps_result {
    const char *what;
    double step; /* cycles of 8 outputs at sixteen words, or at `lanes` positions */
    double end;  /* from sums to winners, and the loops around */
};

#define STEPS_MOST 9

/* Times stages of 8 and of 24 steps for each eight outputs: the difference is steps, the rest is
 * ends. ghz: the clock (peak.h). Values stay in L1. How many results there are: none of kernels
 * that the set lacks. */
size_t steps_measure(const struct sp_kernels *kernels, double ghz,
                     struct steps_result ret_results[STEPS_MOST]);

#endif
