/* energies.c - how loud slices of a clip are: two squares add up to at most 2^31, which vpmaddwd
 * holds as an unsigned number.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

#include <immintrin.h>

void sp_energies__avx2(const int16_t *pcm, size_t slice, size_t count, uint64_t *energy)
{
    const __m256i low = _mm256_set1_epi64x(0xffffffff);
    for (size_t i = 0; i < count; i++) {
        __m256i even = _mm256_setzero_si256(), odd = even;
        for (size_t j = 0; j < slice; j += 16, pcm += 16) {
            __m256i v = _mm256_loadu_si256((const __m256i_u *)pcm);
            __m256i pairs = _mm256_madd_epi16(v, v);
            even = _mm256_add_epi64(even, _mm256_and_si256(pairs, low));
            odd = _mm256_add_epi64(odd, _mm256_srli_epi64(pairs, 32));
        }
        __m256i all = _mm256_add_epi64(even, odd);
        __m128i half = _mm_add_epi64(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
        energy[i] = (uint64_t)_mm_cvtsi128_si64(half) + (uint64_t)_mm_extract_epi64(half, 1);
    }
}
