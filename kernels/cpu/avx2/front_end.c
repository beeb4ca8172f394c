/* front_end.c - samples to features, eight frames side by side: what front_end_frames.inc needs of
 * AVX2 and FMA.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <immintrin.h>
#include <string.h>

typedef __m256 floats;
typedef __m256i words;
#define LANES      8
#define OP(name)   _mm256_##name
#define BITS(name) _mm256_##name##_si256
#include "kernels/cpu/front_end_x86.inc"

static_assert(SP_FRONT_END_LANES == 2 * LANES, "a call is at most two rounds");

INLINE floats all(const float *p)
{
    return _mm256_broadcast_ss(p);
}

#define mul_at(a, p)        mul(a, all(p))
#define mul_add_at(a, p, c) mul_add(a, all(p), c)
#define sub_mul_at(a, p, c) sub_mul(a, all(p), c)

INLINE floats exponent(floats m)
{
    return _mm256_cvtepi32_ps(
        _mm256_sub_epi32(_mm256_srli_epi32(_mm256_castps_si256(m), 23), _mm256_set1_epi32(127)));
}

INLINE floats fraction(floats m)
{
    const words mantissa = _mm256_set1_epi32(0x7fffff), one = _mm256_set1_epi32(0x3f800000);
    words bits = _mm256_or_si256(_mm256_and_si256(_mm256_castps_si256(m), mantissa), one);
    return sub(_mm256_castsi256_ps(bits), _mm256_set1_ps(1.0f));
}

/* Four pairs of samples of row f, and of row f + 4 in the upper half. */
INLINE words halves(const int16_t *const *rows, size_t f, size_t first)
{
    __m128i low = _mm_loadu_si128((const __m128i_u *)(rows[f] + first));
    __m128i high = _mm_loadu_si128((const __m128i_u *)(rows[f + 4] + first));
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

/* packed[m]: samples 2m (lower half) and 2m + 1 of all frames. */
static void pack(const int16_t *const *rows, size_t window, float *packed)
{
    for (size_t m = 0; m < window / 2; m += 4) {
        words v[4];
#pragma GCC unroll 4
        for (size_t f = 0; f < 4; f++)
            v[f] = halves(rows, f, 2 * m);
        transpose(v);
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; i++)
            _mm256_store_si256((__m256i *)(void *)(packed + LANES * (m + i)), v[i]);
    }
}

/* Sixteen bands of all frames. */
INLINE void write_sixteen(const uint32_t *quads, size_t frames, size_t n, uint8_t *features)
{
    words v[4];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++)
        v[i] = _mm256_load_si256((const __m256i *)(const void *)(quads + LANES * i));
    transpose(v);
    _Alignas(32) uint8_t rows[LANES][16];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        _mm_store_si128((__m128i *)rows[i], _mm256_castsi256_si128(v[i]));
        _mm_store_si128((__m128i *)rows[i + 4], _mm256_extracti128_si256(v[i], 1));
    }
    for (size_t f = 0; f < frames; f++)
        memcpy(features + f * n, rows[f], 16);
}

#include "kernels/cpu/front_end_frames.inc"

void sp_front_end__avx2(const struct sp_front_end_tables *t, const int16_t *const *rows,
                        size_t frames, float *work, uint8_t *features)
{
    for (size_t f = 0; f < frames; f += LANES)
        some_frames(t, rows + f, frames - f < LANES ? frames - f : LANES, work,
                    features + f * t->bands);
}
