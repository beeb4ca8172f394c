/* stages.h - a model's layers as other people's libraries see them: convolutions with everything
 * that follows them up to the next active value, and means.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_STAGES_H
#define BENCH_STAGES_H

#include "engine/model/model.h"

struct stage {
    const struct sp_conv_params *conv; /* NULL: the mean of a value over its positions */
    size_t in, out;                    /* values; several stages may read one */
    const struct sp_requantise *q;     /* NULL: the sums are the scores */
    const struct sp_pool_shape *pool;
    size_t later; /* not 0: the scaled sums go to that value's stage and are added there */
    size_t added; /* not 0: the value whose scaled sums are added */
};

/* The caller frees *ret_stages. NULL, or the reason why the model cannot be told in stages. Winners
 * are left out: all positive values stay. */
const char *stages_make(const struct sparrow_model *m, struct stage **ret_stages,
                        size_t *ret_count);

/* What one unit of a sum of channel c is worth after requantisation. */
double stages_scale(const struct sp_requantise *q, size_t c);

/* The mean of `words` values over their positions, requantised; plain C. */
void stages_mean(const struct sparrow_model *m, const struct stage *s, size_t words,
                 const uint8_t *in, uint8_t *out);

#endif
