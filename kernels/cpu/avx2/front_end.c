/* front_end.c - samples to features, eight frames side by side: what front_end_frames.inc needs of
 * AVX2 and FMA.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

#include <assert.h>
#include <immintrin.h>
#include <string.h>

#define LANES  8
#define INLINE static inline __attribute__((always_inline))

static_assert(SP_FRONT_END_LANES == 2 * LANES, "a call is at most two rounds");

typedef __m256 floats;
typedef __m256i words;

INLINE floats all(const float *p)
{
    return _mm256_broadcast_ss(p);
}

INLINE floats load(const float *p)
{
    return _mm256_load_ps(p);
}

INLINE void store(float *p, floats v)
{
    _mm256_store_ps(p, v);
}

INLINE floats add(floats a, floats b)
{
    return _mm256_add_ps(a, b);
}

INLINE floats sub(floats a, floats b)
{
    return _mm256_sub_ps(a, b);
}

INLINE floats mul(floats a, floats b)
{
    return _mm256_mul_ps(a, b);
}

INLINE floats mul_add(floats a, floats b, floats c)
{
    return _mm256_fmadd_ps(a, b, c);
}

INLINE floats sub_mul(floats a, floats b, floats c)
{
    return _mm256_fnmadd_ps(a, b, c);
}

#define mul_at(a, p)        mul(a, all(p))
#define mul_add_at(a, p, c) mul_add(a, all(p), c)
#define sub_mul_at(a, p, c) sub_mul(a, all(p), c)

INLINE floats first_of(floats pair)
{
    return _mm256_cvtepi32_ps(_mm256_madd_epi16(_mm256_castps_si256(pair), _mm256_set1_epi32(1)));
}

INLINE floats second_of(floats pair)
{
    return _mm256_cvtepi32_ps(
        _mm256_madd_epi16(_mm256_castps_si256(pair), _mm256_set1_epi32(1 << 16)));
}

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

INLINE words rounded(floats v, floats max)
{
    v = _mm256_min_ps(_mm256_max_ps(v, _mm256_setzero_ps()), max);
    return _mm256_cvttps_epi32(add(v, _mm256_set1_ps(0.5f)));
}

INLINE void store_bytes(float *to, const words *v)
{
    words low = _mm256_or_si256(v[0], _mm256_slli_epi32(v[1], 8));
    words high = _mm256_or_si256(_mm256_slli_epi32(v[2], 16), _mm256_slli_epi32(v[3], 24));
    _mm256_store_si256((__m256i *)(void *)to, _mm256_or_si256(low, high));
}

/* Four pairs of samples of row f, and of row f + 4 in the upper half. */
INLINE words halves(const int16_t *const *rows, size_t f, size_t first)
{
    __m128i low = _mm_loadu_si128((const __m128i_u *)(rows[f] + first));
    __m128i high = _mm_loadu_si128((const __m128i_u *)(rows[f + 4] + first));
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

/* Four rows of two halves, each half transposed. */
INLINE void transpose_halves(words *v)
{
    words ab = _mm256_unpacklo_epi32(v[0], v[1]), cd = _mm256_unpacklo_epi32(v[2], v[3]);
    words ef = _mm256_unpackhi_epi32(v[0], v[1]), gh = _mm256_unpackhi_epi32(v[2], v[3]);
    v[0] = _mm256_unpacklo_epi64(ab, cd);
    v[1] = _mm256_unpackhi_epi64(ab, cd);
    v[2] = _mm256_unpacklo_epi64(ef, gh);
    v[3] = _mm256_unpackhi_epi64(ef, gh);
}

/* packed[m]: samples 2m (lower half) and 2m + 1 of all frames. */
static void pack(const int16_t *const *rows, size_t window, float *packed)
{
    for (size_t m = 0; m < window / 2; m += 4) {
        words v[4];
#pragma GCC unroll 4
        for (size_t f = 0; f < 4; f++)
            v[f] = halves(rows, f, 2 * m);
        transpose_halves(v);
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
    transpose_halves(v);
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
