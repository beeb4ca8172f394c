/* pairs.c - how far products can bring a lane of 16 bits.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/model/pairs.h"

#include <assert.h>

#include "kernels/cpu/lanes.h"
#include "kernels/cpu/words.h"

static_assert(SP_PAIRS_OUTPUTS == SP_LANES_BLOCK && SP_PAIRS_OUTPUTS == SP_WORDS_GROUP,
              "steps of one word and of sixteen have as many outputs");

/* The largest sum of two weights of n, in the direction of `sign`. */
static int32_t largest_two(const int8_t *weights, size_t n, int32_t sign)
{
    int32_t best[2] = {0, 0};
    for (size_t i = 0; i < n; i++) {
        int32_t w = sign * weights[i];
        if (w > best[0]) {
            best[1] = best[0];
            best[0] = w;
        } else if (w > best[1]) {
            best[1] = w;
        }
    }
    return best[0] + best[1];
}

struct sp_pairs_span sp_pairs_span_of(const int8_t *weights, size_t window, uint32_t max)
{
    struct sp_pairs_span span;
    size_t half = window / 2;
    for (size_t i = 0; i < 2 * SP_PAIRS_OUTPUTS; i++) {
        span.up[i] = (int32_t)max * largest_two(weights + i * half, half, 1);
        span.down[i] = (int32_t)max * largest_two(weights + i * half, half, -1);
    }
    return span;
}

bool sp_pairs_fit_output(const struct sp_pairs_span *a, const struct sp_pairs_span *b,
                         size_t output)
{
    for (size_t i = 2 * output; i < 2 * output + 2; i++)
        if (a->up[i] + b->up[i] > INT16_MAX || a->down[i] + b->down[i] > INT16_MAX)
            return false;
    return true;
}

bool sp_pairs_fit(const struct sp_pairs_span *a, const struct sp_pairs_span *b)
{
    for (size_t o = 0; o < SP_PAIRS_OUTPUTS; o++)
        if (!sp_pairs_fit_output(a, b, o))
            return false;
    return true;
}
