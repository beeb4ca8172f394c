/* energies.c - how loud slices of a clip are, as avx2/energies.c has it, 32 samples at a time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

#include <immintrin.h>

struct sums {
    __m512i both, upper;
};

static inline struct sums add(struct sums s, __m512i v)
{
    __m512i pairs = _mm512_madd_epi16(v, v);
    return (struct sums){_mm512_add_epi64(s.both, pairs),
                         _mm512_add_epi64(s.upper, _mm512_srli_epi64(pairs, 32))};
}

void sp_energies__avx512(const int16_t *pcm, size_t slice, size_t count, uint64_t *energy)
{
    for (size_t i = 0; i < count; i++) {
        struct sums s = {_mm512_setzero_si512(), _mm512_setzero_si512()};
        const int16_t *end = pcm + slice;
        for (; end - pcm >= 32; pcm += 32)
            s = add(s, _mm512_loadu_si512(pcm));
        if (pcm < end) {
            __m256i rest = _mm256_loadu_si256((const __m256i_u *)pcm);
            s = add(s, _mm512_inserti64x4(_mm512_setzero_si512(), rest, 0));
            pcm = end;
        }
        __m512i lower = _mm512_sub_epi64(s.both, _mm512_slli_epi64(s.upper, 32));
        energy[i] = (uint64_t)_mm512_reduce_add_epi64(_mm512_add_epi64(lower, s.upper));
    }
}
