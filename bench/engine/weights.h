/* weights.h - the weights of a layer in full, and in the forms of kernels/cpu/rows.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_WEIGHTS_H
#define BENCH_WEIGHTS_H

#include "engine/model/model.h"
#include "kernels/cpu/rows.h"

/* Memory for the whole run of a program: zeroed, aligned to 64; ends the program if there is none.
 */
void *weights_memory(size_t count, size_t size);

/* out x taps x in, whatever the encoding, as the engine unfolds it. The caller frees it; ends the
 * program if there is no memory. */
int8_t *weights_full(const struct sp_conv_params *conv);

/* Fresh random weights (never 0) of the same shape, `zeros` of them gone: single ones, or blocks of
 * 8 outputs x 4 inputs. */
void weights_mask(int8_t *full, const struct sp_conv_shape *shape, double zeros, bool blocks,
                  uint64_t seed);

/* How the inputs of an output position lie: `segments` runs of `length` bytes. */
struct weights_row {
    size_t segments, length, stride; /* length is a multiple of 4 unless lists are made */
};

void weights_dense(const int8_t *full, const int32_t *bias, size_t outputs,
                   const struct weights_row *row, struct sp_rows_dense *ret_dense);
void weights_blocks(const int8_t *full, const int32_t *bias, size_t outputs,
                    const struct weights_row *row, struct sp_rows_blocks *ret_blocks);
void weights_shuffled(const int8_t *full, const int32_t *bias, size_t outputs,
                      const struct weights_row *row, const struct sp_rows_kernels *kernels,
                      struct sp_rows_shuffled *ret_shuffled);
void weights_lists(const int8_t *full, const int32_t *bias, size_t outputs,
                   const struct weights_row *row, struct sp_rows_lists *ret_lists);

#endif
