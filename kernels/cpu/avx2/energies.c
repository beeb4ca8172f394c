/* energies.c - how loud slices of a clip are: two squares add up to at most 2^31, which vpmaddwd
 * holds as an unsigned number. Two such numbers stand in 64 bits: their sum is kept, and that of
 * the upper ones, from which the lower ones' follows.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

#include <immintrin.h>

struct sums {
    __m256i both, upper;
};

static inline struct sums add(struct sums s, const int16_t *pcm)
{
    __m256i v = _mm256_loadu_si256((const __m256i_u *)pcm);
    __m256i pairs = _mm256_madd_epi16(v, v);
    return (struct sums){_mm256_add_epi64(s.both, pairs),
                         _mm256_add_epi64(s.upper, _mm256_srli_epi64(pairs, 32))};
}

void sp_energies__avx2(const int16_t *pcm, size_t slice, size_t count, uint64_t *energy)
{
    for (size_t i = 0; i < count; i++) {
        struct sums s = {_mm256_setzero_si256(), _mm256_setzero_si256()};
        const int16_t *end = pcm + slice;
        for (; end - pcm >= 32; pcm += 32)
            s = add(add(s, pcm), pcm + 16);
        if (pcm < end) {
            s = add(s, pcm);
            pcm = end;
        }
        __m256i lower = _mm256_sub_epi64(s.both, _mm256_slli_epi64(s.upper, 32));
        __m256i all = _mm256_add_epi64(lower, s.upper);
        __m128i half = _mm_add_epi64(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
        energy[i] = (uint64_t)_mm_cvtsi128_si64(half) + (uint64_t)_mm_extract_epi64(half, 1);
    }
}
