/* requantise.c - one scale for all channels, in 32 bits where that is exact; the rest goes the
 * scalar way.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

#include <immintrin.h>

/* Above this shift, (top * multiplier + half) may leave 32 bits. */
#define SHIFT_LIMIT 24

/* Sums below 0 give 0 like 0 does, sums above top the maximum like top does. */
struct scale {
    __m256i top, multiplier, half;
    __m128i shift;
};

static struct scale scale_of(const struct sp_requantise *q)
{
    uint32_t multiplier = q->multipliers[0], half = 1u << (q->shifts[0] - 1);
    uint32_t reached = ((uint32_t)q->max_value << q->shifts[0]) - half;
    uint32_t top = reached / multiplier + (reached % multiplier != 0);
    return (struct scale){
        .top = _mm256_set1_epi32((int)top),
        .multiplier = _mm256_set1_epi32((int)multiplier),
        .half = _mm256_set1_epi32((int)half),
        .shift = _mm_cvtsi32_si128(q->shifts[0]),
    };
}

/* Eight sums to eight numbers of 32 bits. */
static inline __m256i eight(const struct scale *s, const int32_t *in)
{
    __m256i v = _mm256_max_epi32(_mm256_loadu_si256((const __m256i_u *)in), _mm256_setzero_si256());
    v = _mm256_mullo_epi32(_mm256_min_epi32(v, s->top), s->multiplier);
    return _mm256_srl_epi32(_mm256_add_epi32(v, s->half), s->shift);
}

/* Returns how many of n are done: all but the last few. */
static size_t in_sixteens(const struct sp_requantise *q, const int32_t *in, size_t n, uint8_t *out)
{
    const struct scale s = scale_of(q);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m256i v = _mm256_packs_epi32(eight(&s, in + i), eight(&s, in + i + 8));
        v = _mm256_permute4x64_epi64(v, 0xd8);
        v = _mm256_packus_epi16(v, _mm256_permute4x64_epi64(v, 0xee));
        v = _mm256_min_epu8(v, _mm256_set1_epi8((char)q->max_value));
        _mm_storeu_si128((__m128i_u *)(out + i), _mm256_castsi256_si128(v));
    }
    return i;
}

void sp_requantise__avx2(const struct sp_requantise *q, const int32_t *in, size_t positions,
                         size_t channels, uint8_t *out)
{
    if (q->share < channels || q->shifts[0] > SHIFT_LIMIT) {
        sp_requantise__scalar(q, in, positions, channels, out);
        return;
    }
    size_t n = positions * channels;
    for (size_t i = in_sixteens(q, in, n, out); i < n; i++)
        out[i] = sp_requantise_one(in[i], q->multipliers[0], q->shifts[0], q->max_value);
}
