/* conv_dense.c - dense dot products of any u8 and s8, four outputs at a time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

#include <immintrin.h>
#include <string.h>

/* The sums of four registers. */
static inline __m128i four_sums(const __m512i v[4])
{
    __m128i x[4];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        __m256i half =
            _mm256_add_epi32(_mm512_castsi512_si256(v[i]), _mm512_extracti64x4_epi64(v[i], 1));
        x[i] = _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    }
    __m128i a = _mm_add_epi32(_mm_unpacklo_epi32(x[0], x[1]), _mm_unpackhi_epi32(x[0], x[1]));
    __m128i b = _mm_add_epi32(_mm_unpacklo_epi32(x[2], x[3]), _mm_unpackhi_epi32(x[2], x[3]));
    return _mm_add_epi32(_mm_unpacklo_epi64(a, b), _mm_unpackhi_epi64(a, b));
}

/* Adds to up to four outputs, whose weights lie `row` bytes apart. */
static void add_outputs(const uint8_t *v, const int8_t *w, size_t row, size_t n, size_t outputs,
                        int32_t *out)
{
    __m512i acc[4];
#pragma GCC unroll 4
    for (size_t o = 0; o < 4; o++)
        acc[o] = _mm512_setzero_si512();
    for (size_t i = 0; i < n; i += 64) {
        __mmask64 inside = n - i >= 64 ? ~0ull : (1ull << (n - i)) - 1;
        __m512i x = _mm512_maskz_loadu_epi8(inside, v + i);
#pragma GCC unroll 4
        for (size_t o = 0; o < 4; o++) {
            /* an output too many reads the first one's weights again */
            const int8_t *own = w + (o < outputs ? o : 0) * row + i;
            acc[o] = _mm512_dpbusd_epi32(acc[o], x, _mm512_maskz_loadu_epi8(inside, own));
        }
    }
    __mmask8 these = (__mmask8)((1u << outputs) - 1);
    __m128i sums = _mm_add_epi32(four_sums(acc), _mm_maskz_loadu_epi32(these, out));
    _mm_mask_storeu_epi32(out, these, sums);
}

void sp_conv_dense__avx512(const struct sp_conv_shape *shape, const int8_t *weights,
                           const int32_t *bias, const uint8_t *in, int32_t *out)
{
    size_t taps = shape->kernel_height * shape->kernel_width, n = shape->in_channels;
    size_t outputs = shape->out_channels;
    for (size_t p = 0; p < shape->out_height * shape->out_width; p++, out += outputs) {
        memcpy(out, bias, outputs * sizeof(*out));
        for (size_t tap = 0; tap < taps; tap++) {
            const uint8_t *v =
                sp_conv_tap(shape, in, p / shape->out_width, p % shape->out_width, tap);
            for (size_t o = 0; v != NULL && o < outputs; o += 4)
                add_outputs(v, weights + (o * taps + tap) * n, taps * n, n,
                            outputs - o < 4 ? outputs - o : 4, out + o);
        }
    }
}
