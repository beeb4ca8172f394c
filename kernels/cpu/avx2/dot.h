/* dot.h - adds up four products of bytes in each 32 bits: with the three instructions of AVX2, or,
 * in the set avxvnni, with one. No sum of two neighbouring products may leave 16 bits on AVX2.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_AVX2_DOT_H
#define SP_AVX2_DOT_H

#include <immintrin.h>

#ifdef __AVXVNNI__
#define DOT_SET "avxvnni"
#define DOT_ONE 1 /* sums of 32 bits at once: nothing is gained by adding in 16 bits first */
#else
#define DOT_SET "avx2"
#define DOT_ONE 0
#endif

/* values: unsigned; weights: signed. */
static inline __attribute__((always_inline)) __m256i dot(__m256i sums, __m256i values,
                                                         __m256i weights)
{
#ifdef __AVXVNNI__
    return _mm256_dpbusd_avx_epi32(sums, values, weights);
#else
    __m256i pairs = _mm256_maddubs_epi16(values, weights);
    return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
#endif
}

#endif
