/* conv_dense.c - dense dot products in 16-bit pairs, four outputs at a time; any u8, any weight.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

#include <immintrin.h>
#include <string.h>

/* The sums of four registers. */
static inline __m128i four_sums(const __m256i v[4])
{
    __m256i sums = _mm256_hadd_epi32(_mm256_hadd_epi32(v[0], v[1]), _mm256_hadd_epi32(v[2], v[3]));
    return _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
}

/* Adds to four outputs, whose weights lie `row` bytes apart. */
static void add_four(const uint8_t *v, const int8_t *w, size_t row, size_t n, int32_t *out)
{
    __m256i acc[4];
    size_t i = 0;
#pragma GCC unroll 4
    for (size_t o = 0; o < 4; o++)
        acc[o] = _mm256_setzero_si256();
    for (; i + 16 <= n; i += 16) {
        __m256i a = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i_u *)(v + i)));
#pragma GCC unroll 4
        for (size_t o = 0; o < 4; o++) {
            const __m128i_u *own = (const __m128i_u *)(w + o * row + i);
            __m256i b = _mm256_cvtepi8_epi16(_mm_loadu_si128(own));
            acc[o] = _mm256_add_epi32(acc[o], _mm256_madd_epi16(a, b));
        }
    }
    __m128i sums = _mm_add_epi32(four_sums(acc), _mm_loadu_si128((const __m128i_u *)out));
    _mm_storeu_si128((__m128i_u *)out, sums);
    for (; i < n; i++)
        for (size_t o = 0; o < 4; o++)
            out[o] += v[i] * w[o * row + i];
}

static int32_t dot(const uint8_t *v, const int8_t *w, size_t n)
{
    __m256i acc[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
                      _mm256_setzero_si256()};
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m256i a = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i_u *)(v + i)));
        __m256i b = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i_u *)(w + i)));
        acc[0] = _mm256_add_epi32(acc[0], _mm256_madd_epi16(a, b));
    }
    int32_t sum = _mm_cvtsi128_si32(four_sums(acc));
    for (; i < n; i++)
        sum += v[i] * w[i];
    return sum;
}

/* What the inputs under one tap add to all outputs of a position. */
static void add_tap(const struct sp_conv_shape *shape, const uint8_t *v, const int8_t *w,
                    int32_t *out)
{
    size_t n = shape->in_channels, row = shape->kernel_height * shape->kernel_width * n, o = 0;
    for (; o + 4 <= shape->out_channels; o += 4)
        add_four(v, w + o * row, row, n, out + o);
    for (; o < shape->out_channels; o++)
        out[o] += dot(v, w + o * row, n);
}

void sp_conv_dense__avx2(const struct sp_conv_shape *shape, const int8_t *weights,
                         const int32_t *bias, const uint8_t *in, int32_t *out)
{
    size_t taps = shape->kernel_height * shape->kernel_width;
    for (size_t p = 0; p < shape->out_height * shape->out_width; p++) {
        memcpy(out, bias, shape->out_channels * sizeof(*out));
        for (size_t tap = 0; tap < taps; tap++) {
            const uint8_t *v =
                sp_conv_tap(shape, in, p / shape->out_width, p % shape->out_width, tap);
            if (v != NULL)
                add_tap(shape, v, weights + tap * shape->in_channels, out);
        }
        out += shape->out_channels;
    }
}
