/* pairs.h - which two steps a kernel can take at once: those whose products add up in 16 bits,
 * whatever wins. A step is 8 outputs' weights of one window (or quad) under one tap.
 * Threads: pure functions; any.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_PAIRS_H
#define SP_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SP_PAIRS_OUTPUTS 8 /* of a step */

/* How far the products of a step that share a 16-bit lane can bring it, up and down: for each
 * output in the two halves of a window, one after the other. Neither is negative. */
struct sp_pairs_span {
    int32_t up[2 * SP_PAIRS_OUTPUTS], down[2 * SP_PAIRS_OUTPUTS];
};

/* weights: outputs x window, window even; no more than two winners of a half of a window meet in a
 * lane. max: the largest value of an input, at most 255. */
struct sp_pairs_span sp_pairs_span_of(const int8_t *weights, size_t window, uint32_t max);

/* Whether two steps' products add up in 16 bits for one output; for all eight. */
bool sp_pairs_fit_output(const struct sp_pairs_span *a, const struct sp_pairs_span *b,
                         size_t output);
bool sp_pairs_fit(const struct sp_pairs_span *a, const struct sp_pairs_span *b);

#endif
