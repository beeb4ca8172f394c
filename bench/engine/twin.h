/* twin.h - whole networks that the sparse-sparse engine is compared with: the layers of a model
 * file on the kernels of kernels/cpu/rows.h, with dense activations (winners become plain
 * requantisation; all positive values stay alive) and dense, block-sparse or randomly sparse
 * weights. Threads: a twin belongs to one thread at a time. Running out of memory ends the program.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_TWIN_H
#define BENCH_TWIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/model/model.h"
#include "kernels/cpu/rows.h"

enum twin_form {
    TWIN_DENSE,    /* all weights are multiplied, zeros too */
    TWIN_BLOCKS,   /* blocks of 8 outputs x 4 inputs that hold a weight */
    TWIN_SHUFFLED, /* single weights, looked up four at a time by a byte shuffle */
    TWIN_WORDS,    /* single weights, 64 words side by side */
    TWIN_ONE       /* single weights, one word at a time, plain C */
};

struct twin_options {
    enum twin_form form;
    const struct sp_rows_kernels *kernels;
    double zeros; /* share of zero weights, at random places in every layer (single weights, or
                     blocks for TWIN_BLOCKS); negative: the model's own weights */
    size_t words; /* most words of one run; a multiple of 64 for TWIN_WORDS */
};

struct twin;

/* What a run costs, counted. */
struct twin_counts {
    uint64_t macs;    /* per word */
    uint64_t weights; /* bytes of weights, places and biases */
    uint64_t values;  /* bytes of values and sums written per word */
};

/* The model must outlive the twin. NULL and a reason for a layer that twins do not know. */
struct twin *twin_new(const struct sparrow_model *model, const struct twin_options *opt,
                      const char **ret_reason);
void twin_free(struct twin *t);

/* As sparrow_run(); words <= opt->words. */
void twin_run(struct twin *t, const uint8_t *const *features, size_t words, int32_t *scores);

void twin_count(const struct twin *t, struct twin_counts *ret_counts);

/* The same network in plain loops over scalar kernels, one word: what a twin's scores have to be.
 */
void twin_reference(const struct twin *t, const uint8_t *features, int32_t *scores);

/* out x taps x in of layer `layer`, all zeros present, as the twin has them; NULL for a layer
 * without weights. */
const int8_t *twin_weights(const struct twin *t, size_t layer);

#endif
