/* conv_dense.c - dense dot products in 16-bit pairs; any u8, any weight.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

#include <immintrin.h>
#include <string.h>

static int32_t dot(const uint8_t *v, const int8_t *w, size_t n)
{
    __m256i acc = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m256i a = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i_u *)(v + i)));
        __m256i b = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i_u *)(w + i)));
        acc = _mm256_add_epi32(acc, _mm256_madd_epi16(a, b));
    }
    __m128i half = _mm_add_epi32(_mm256_castsi256_si128(acc), _mm256_extracti128_si256(acc, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4e));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0xb1));
    int32_t sum = _mm_cvtsi128_si32(half);
    for (; i < n; i++)
        sum += v[i] * w[i];
    return sum;
}

void sp_conv_dense__avx2(const struct sp_conv_shape *shape, const int8_t *weights,
                         const int32_t *bias, const uint8_t *in, int32_t *out)
{
    size_t taps = shape->kernel_height * shape->kernel_width, n = shape->in_channels;
    for (size_t p = 0; p < shape->out_height * shape->out_width; p++) {
        memcpy(out, bias, shape->out_channels * sizeof(*out));
        for (size_t tap = 0; tap < taps; tap++) {
            const uint8_t *v =
                sp_conv_tap(shape, in, p / shape->out_width, p % shape->out_width, tap);
            if (v == NULL)
                continue;
            for (size_t o = 0; o < shape->out_channels; o++)
                out[o] += dot(v, weights + (o * taps + tap) * n, n);
        }
        out += shape->out_channels;
    }
}
