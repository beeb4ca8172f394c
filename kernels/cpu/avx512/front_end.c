/* front_end.c - samples to features, sixteen frames side by side: what front_end_frames.inc needs
 * of AVX-512.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <immintrin.h>
#include <string.h>

typedef __m512 floats;
typedef __m512i words;
#define LANES      SP_FRONT_END_LANES
#define OP(name)   _mm512_##name
#define BITS(name) _mm512_##name##_si512
#include "kernels/cpu/front_end_x86.inc"

static_assert(LANES == 16, "a register holds sixteen frames");

INLINE floats all(const float *p)
{
    return _mm512_set1_ps(*p);
}

/* As operands in memory scalars are spread on their way in. Spread into a register, for two
 * products, they take a turn of the multipliers or the adders (Zen 4); compilers do that, so they
 * are told. */
#ifndef EMULATED_IMMINTRIN_H
INLINE floats mul_at(floats a, const float *p)
{
    floats product;
    __asm__("vmulps %2%{1to16%}, %1, %0" : "=v"(product) : "v"(a), "m"(*p));
    return product;
}

INLINE floats mul_add_at(floats a, const float *p, floats c)
{
    __asm__("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(c) : "v"(a), "m"(*p));
    return c;
}

INLINE floats sub_mul_at(floats a, const float *p, floats c)
{
    __asm__("vfnmadd231ps %2%{1to16%}, %1, %0" : "+v"(c) : "v"(a), "m"(*p));
    return c;
}
#else
#define mul_at(a, p)        mul(a, all(p))
#define mul_add_at(a, p, c) mul_add(a, all(p), c)
#define sub_mul_at(a, p, c) sub_mul(a, all(p), c)
#endif

INLINE floats exponent(floats m)
{
    return _mm512_getexp_ps(m);
}

INLINE floats fraction(floats m)
{
    return sub(_mm512_getmant_ps(m, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_zero), _mm512_set1_ps(1.0f));
}

/* Eight pairs of samples of row f, and of row f + 4 in the upper half. */
INLINE words halves(const int16_t *const *rows, size_t f, size_t first)
{
    __m256i low = _mm256_loadu_si256((const __m256i_u *)(rows[f] + first));
    __m256i high = _mm256_loadu_si256((const __m256i_u *)(rows[f + 4] + first));
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

/* packed[m]: samples 2m (lower half) and 2m + 1 of all frames. */
static void pack(const int16_t *const *rows, size_t window, float *packed)
{
    for (size_t m = 0; m < window / 2; m += 8) {
        words a[4], b[4];
        float *to = packed + LANES * m;
#pragma GCC unroll 4
        for (size_t f = 0; f < 4; f++) {
            a[f] = halves(rows, f, 2 * m);
            b[f] = halves(rows, f + 8, 2 * m);
        }
        transpose(a);
        transpose(b);
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; i++) {
            _mm512_store_si512(to + LANES * i, _mm512_shuffle_i32x4(a[i], b[i], 0x88));
            _mm512_store_si512(to + LANES * (i + 4), _mm512_shuffle_i32x4(a[i], b[i], 0xdd));
        }
    }
}

/* Sixteen bands of all frames. */
INLINE void write_sixteen(const uint32_t *quads, size_t frames, size_t n, uint8_t *features)
{
    words v[4];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++)
        v[i] = _mm512_load_si512(quads + LANES * i);
    transpose(v);
    _Alignas(64) uint8_t rows[LANES][16];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        _mm_store_si128((__m128i *)rows[i], _mm512_castsi512_si128(v[i]));
        _mm_store_si128((__m128i *)rows[i + 4], _mm512_extracti32x4_epi32(v[i], 1));
        _mm_store_si128((__m128i *)rows[i + 8], _mm512_extracti32x4_epi32(v[i], 2));
        _mm_store_si128((__m128i *)rows[i + 12], _mm512_extracti32x4_epi32(v[i], 3));
    }
    for (size_t f = 0; f < frames; f++)
        memcpy(features + f * n, rows[f], 16);
}

#include "kernels/cpu/front_end_frames.inc"

void sp_front_end__avx512(const struct sp_front_end_tables *t, const int16_t *const *rows,
                          size_t frames, float *work, uint8_t *features)
{
    some_frames(t, rows, frames, work, features);
}
