/* rival.h - one way to run a network, as the benchmark sees it.
 * Threads: an instance belongs to one thread at a time; make and run use one thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_RIVAL_H
#define BENCH_RIVAL_H

#include "bench/engine/twin.h"

struct rival_options {
    const struct sp_rows_kernels *kernels; /* for the twins */
    const char *form;                      /* what follows the name: "0.9" of "lists:0.9" */
    size_t words;                          /* of each run */
};

struct rival {
    const char *name;
    /* NULL and a reason if the network cannot be run so. The model outlives the instance. */
    void *(*make)(const struct sparrow_model *model, const struct rival_options *opt,
                  const char **ret_reason);
    /* opt->words words. scores: words x labels, integers or nearly (libraries round differently).
     */
    void (*run)(void *self, const uint8_t *const *features, int32_t *scores);
    /* Multiply-adds, bytes of weights and values, per word; zeros where only the library knows. */
    void (*count)(const void *self, struct twin_counts *ret_counts);
    void (*free)(void *self);
};

extern const struct rival rival_sparrow, rival_dense, rival_blocks, rival_shuffled, rival_lists,
    rival_one, rival_onednn, rival_xnnpack;

#endif
