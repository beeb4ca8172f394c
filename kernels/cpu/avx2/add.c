/* add.c - sums of values, eight elements at once.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

#include <immintrin.h>

static __m256i load8(const struct sp_add *add, const void *const *in, size_t j, size_t i)
{
    __m256i v =
        add->active[j]
            ? _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i_u *)((const uint8_t *)in[j] + i)))
            : _mm256_loadu_si256((const __m256i_u *)((const int32_t *)in[j] + i));
    if (add->multipliers[j] != 1)
        v = _mm256_mullo_epi32(v, _mm256_set1_epi32((int)add->multipliers[j]));
    return v;
}

/* What is left over at the end goes one by one, as in the scalar kernel. */
static int32_t one(const struct sp_add *add, const void *const *in, size_t i)
{
    uint32_t sum = 0;
    for (size_t j = 0; j < add->inputs; j++)
        sum += add->multipliers[j] * (add->active[j] ? ((const uint8_t *)in[j])[i]
                                                     : (uint32_t)((const int32_t *)in[j])[i]);
    return (int32_t)sum;
}

/* Two sums that are only added: what residual networks have. Returns how many elements are done. */
static size_t add_two_sums(const int32_t *a, const int32_t *b, size_t elements, int32_t *out)
{
    size_t i = 0;
    for (; i + 8 <= elements; i += 8) {
        __m256i x = _mm256_loadu_si256((const __m256i_u *)(a + i));
        __m256i y = _mm256_loadu_si256((const __m256i_u *)(b + i));
        _mm256_storeu_si256((__m256i_u *)(out + i), _mm256_add_epi32(x, y));
    }
    return i;
}

void sp_add__avx2(const struct sp_add *add, const void *const *in, size_t elements, int32_t *out)
{
    size_t i = 0;
    if (add->inputs == 2 && !add->active[0] && !add->active[1] && add->multipliers[0] == 1 &&
        add->multipliers[1] == 1)
        i = add_two_sums(in[0], in[1], elements, out);
    for (; i + 8 <= elements; i += 8) {
        __m256i sum = load8(add, in, 0, i);
        for (size_t j = 1; j < add->inputs; j++)
            sum = _mm256_add_epi32(sum, load8(add, in, j, i));
        _mm256_storeu_si256((__m256i_u *)(out + i), sum);
    }
    for (; i < elements; i++)
        out[i] = one(add, in, i);
}
