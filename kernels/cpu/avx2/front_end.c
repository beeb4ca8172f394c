/* front_end.c - samples to features, eight frames side by side: each lane does what the page says, in its order.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

#include <assert.h>
#include <immintrin.h>
#include <string.h>

#define LANES  SP_FRONT_END_LANES
#define INLINE static inline __attribute__((always_inline))

static_assert(LANES == 8, "a register holds eight frames");

INLINE __m256 at(const float *rows, size_t i)
{
    return _mm256_load_ps(rows + LANES * i);
}

INLINE void put(float *rows, size_t i, __m256 v)
{
    _mm256_store_ps(rows + LANES * i, v);
}

/* 8 samples of 8 frames: out[s] holds sample s of all frames. */
INLINE void transpose(const int16_t *const *rows, size_t first, __m128i *out)
{
    __m128i r[8], a[8], b[8];
    for (size_t f = 0; f < 8; f++)
        r[f] = _mm_loadu_si128((const __m128i_u *) (rows[f] + first));
    for (size_t i = 0; i < 4; i++) {
        a[2 * i] = _mm_unpacklo_epi16(r[2 * i], r[2 * i + 1]);
        a[2 * i + 1] = _mm_unpackhi_epi16(r[2 * i], r[2 * i + 1]);
    }
    for (size_t i = 0; i < 2; i++)
        for (size_t h = 0; h < 2; h++) {
            b[4 * i + 2 * h] = _mm_unpacklo_epi32(a[4 * i + h], a[4 * i + 2 + h]);
            b[4 * i + 2 * h + 1] = _mm_unpackhi_epi32(a[4 * i + h], a[4 * i + 2 + h]);
        }
    for (size_t i = 0; i < 4; i++) {
        out[2 * i] = _mm_unpacklo_epi64(b[i], b[4 + i]);
        out[2 * i + 1] = _mm_unpackhi_epi64(b[i], b[4 + i]);
    }
}

static void load(const struct sp_front_end_tables *t, const int16_t *const *rows, float *re,
                 float *im)
{
    for (size_t n = 0; n < t->window; n += 8) {
        __m128i samples[8];
        transpose(rows, n, samples);
        for (size_t s = 0; s < 8; s++) {
            __m256 v = _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(samples[s]));
            v = _mm256_mul_ps(v, _mm256_set1_ps(t->hann[n + s]));
            put(s % 2 == 0 ? re : im, t->reversed[(n + s) / 2], v);
        }
    }
}

INLINE void butterfly(float *re, float *im, size_t a, size_t b, __m256 ur, __m256 ui)
{
    __m256 ar = at(re, a), ai = at(im, a);
    put(re, a, _mm256_add_ps(ar, ur));
    put(im, a, _mm256_add_ps(ai, ui));
    put(re, b, _mm256_sub_ps(ar, ur));
    put(im, b, _mm256_sub_ps(ai, ui));
}

static void transform(const struct sp_front_end_tables *t, float *re, float *im)
{
    size_t half = t->window / 2;
    for (size_t len = 2; len <= half; len *= 2) {
        size_t step = half / len;
        for (size_t start = 0; start < half; start += len) {
            size_t mid = start + len / 2;
            butterfly(re, im, start, mid, at(re, mid), at(im, mid));
            for (size_t j = 1; j < len / 2; j++) {
                __m256 tr = _mm256_set1_ps(t->tr[j * step]), ti = _mm256_set1_ps(t->ti[j * step]);
                __m256 br = at(re, mid + j), bi = at(im, mid + j);
                __m256 ur = _mm256_sub_ps(_mm256_mul_ps(br, tr), _mm256_mul_ps(bi, ti));
                __m256 ui = _mm256_add_ps(_mm256_mul_ps(br, ti), _mm256_mul_ps(bi, tr));
                butterfly(re, im, start + j, mid + j, ur, ui);
            }
        }
    }
}

INLINE __m256 square_sum(__m256 a, __m256 b)
{
    return _mm256_add_ps(_mm256_mul_ps(a, a), _mm256_mul_ps(b, b));
}

static void power(const struct sp_front_end_tables *t, const float *re, const float *im, float *p)
{
    const __m256 h = _mm256_set1_ps(0.5f);
    size_t half = t->window / 2;
    for (size_t k = 0; k <= half / 2; k++) {
        size_t m = (half - k) % half;
        __m256 pr = _mm256_set1_ps(t->pr[k]), pi = _mm256_set1_ps(t->pi[k]);
        __m256 er = _mm256_mul_ps(h, _mm256_add_ps(at(re, k), at(re, m)));
        __m256 ei = _mm256_mul_ps(h, _mm256_sub_ps(at(im, k), at(im, m)));
        __m256 or = _mm256_mul_ps(h, _mm256_add_ps(at(im, k), at(im, m)));
        __m256 oi = _mm256_mul_ps(h, _mm256_sub_ps(at(re, m), at(re, k)));
        __m256 vr = _mm256_sub_ps(_mm256_mul_ps(or, pr), _mm256_mul_ps(oi, pi));
        __m256 vi = _mm256_add_ps(_mm256_mul_ps(or, pi), _mm256_mul_ps(oi, pr));
        put(p, k, square_sum(_mm256_add_ps(er, vr), _mm256_add_ps(ei, vi)));
        put(p, half - k, square_sum(_mm256_sub_ps(er, vr), _mm256_sub_ps(ei, vi)));
    }
}

/* m >= 1 */
INLINE __m256 log2_of(__m256 m)
{
    __m256i bits = _mm256_castps_si256(m);
    __m256 e = _mm256_cvtepi32_ps(
        _mm256_sub_epi32(_mm256_srli_epi32(bits, 23), _mm256_set1_epi32(127)));
    bits = _mm256_or_si256(_mm256_and_si256(bits, _mm256_set1_epi32(0x7fffff)),
                           _mm256_set1_epi32(0x3f800000));
    __m256 x = _mm256_sub_ps(_mm256_castsi256_ps(bits), _mm256_set1_ps(1.0f));
    static const float coefficients[] = {-0x1.8c7160p-3f, 0x1.a9949ep-2f, -0x1.6b0eb0p-1f,
                                         0x1.71217ap+0f};
    __m256 v = _mm256_set1_ps(0x1.71dc58p-5f);
    for (size_t i = 0; i < sizeof(coefficients) / sizeof(coefficients[0]); i++)
        v = _mm256_add_ps(_mm256_set1_ps(coefficients[i]), _mm256_mul_ps(x, v));
    return _mm256_add_ps(e, _mm256_mul_ps(x, v));
}

/* One band of all frames. Clamping before the rounding gives what the page's three cases give: max is whole. */
INLINE void quantise(const struct sp_front_end_tables *t, __m256 m, size_t frames, uint8_t *features)
{
    __m256 v = _mm256_mul_ps(log2_of(m), _mm256_set1_ps(t->log_scale));
    v = _mm256_add_ps(v, _mm256_set1_ps(t->log_offset));
    v = _mm256_min_ps(_mm256_max_ps(v, _mm256_setzero_ps()), _mm256_set1_ps(t->max_value));
    int32_t whole[LANES];
    _mm256_storeu_si256((__m256i_u *) whole,
                        _mm256_cvttps_epi32(_mm256_add_ps(v, _mm256_set1_ps(0.5f))));
    for (size_t f = 0; f < frames; f++)
        features[f * t->bands] = (uint8_t) whole[f];
}

void sp_front_end__avx2(const struct sp_front_end_tables *t, const int16_t *const *rows,
                        size_t frames, float *work, uint8_t *features)
{
    const int16_t *all[LANES];      /* lanes without a frame repeat the first */
    for (size_t f = 0; f < LANES; f++)
        all[f] = rows[f < frames ? f : 0];
    size_t half = t->window / 2;
    float *re = work, *im = re + LANES * half, *p = im + LANES * half;
    load(t, all, re, im);
    transform(t, re, im);
    power(t, re, im, p);
    const float *weight = t->weights;
    for (size_t b = 0; b < t->bands; b++) {
        __m256 m = _mm256_set1_ps(1.0f);
        for (size_t i = 0; i < t->bins[b]; i++)
            m = _mm256_add_ps(m, _mm256_mul_ps(at(p, t->first[b] + i), _mm256_set1_ps(*weight++)));
        quantise(t, m, frames, features + b);
    }
}
