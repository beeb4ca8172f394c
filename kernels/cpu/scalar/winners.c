/* winners.c - requantisation, and who stays alive.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

#include <string.h>

void sp_requantise__scalar(const struct sp_requantise *q, const int32_t *in, size_t positions,
                           size_t channels, uint8_t *out)
{
    for (size_t p = 0; p < positions; p++)
        for (size_t c = 0; c < channels; c++) {
            size_t scale = c / q->share;
            *out++ =
                sp_requantise_one(*in++, q->multipliers[scale], q->shifts[scale], q->max_value);
        }
}

/* Of the channels that have not won yet the one that ranks first; ties go to the lowest. */
static size_t next_winner(const int32_t *sums, const uint8_t *won, size_t block, unsigned shift)
{
    size_t best = block;
    for (size_t c = 0; c < block; c++)
        if (won[c] == 0 && (best == block || sums[c] >> shift > sums[best] >> shift))
            best = c;
    return best;
}

/* `out` marks who has won while the winners are found; their values take the marks' places at the
 * end. */
void sp_block_winners__scalar(const struct sp_block_winners *b, const int32_t *in, size_t positions,
                              size_t channels, uint8_t *out)
{
    const int32_t low = (1 << b->rank_shift) - 1;
    memset(out, 0, positions * channels);
    for (size_t first = 0; first < positions * channels; first += b->block) {
        size_t scale = first % channels / b->q.share;
        for (size_t i = 0; i < b->winners; i++)
            out[first + next_winner(in + first, out + first, b->block, b->rank_shift)] = 1;
        for (size_t c = first; c < first + b->block; c++)
            if (out[c] != 0)
                out[c] = sp_requantise_one(in[c] & ~low, b->q.multipliers[scale],
                                           b->q.shifts[scale], b->q.max_value);
    }
}

/* Values are bytes, so counting them finds the smallest winner, and how many of its equals win with
 * it. */
void sp_k_winners__scalar(size_t k, const uint8_t *in, size_t rows, size_t n, uint8_t *out)
{
    for (size_t r = 0; r < rows; r++, in += n, out += n) {
        size_t counts[256] = {0};
        for (size_t i = 0; i < n; i++)
            counts[in[i]]++;
        size_t smallest = 255, left = k;
        while (smallest > 1 && counts[smallest] < left)
            left -= counts[smallest--];
        for (size_t i = 0; i < n; i++) {
            uint8_t v = in[i];
            if (v < smallest || v == 0 || (v == smallest && left == 0))
                v = 0;
            else if (v == smallest)
                left--;
            out[i] = v;
        }
    }
}
