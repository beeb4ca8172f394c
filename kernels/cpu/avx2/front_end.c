/* front_end.c - samples to features, eight frames side by side: each lane does what the page says,
 * in its order.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

#include <assert.h>
#include <immintrin.h>
#include <stdbool.h>
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
#pragma GCC unroll 8
    for (size_t f = 0; f < 8; f++)
        r[f] = _mm_loadu_si128((const __m128i_u *)(rows[f] + first));
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        a[2 * i] = _mm_unpacklo_epi16(r[2 * i], r[2 * i + 1]);
        a[2 * i + 1] = _mm_unpackhi_epi16(r[2 * i], r[2 * i + 1]);
    }
#pragma GCC unroll 2
    for (size_t i = 0; i < 2; i++)
#pragma GCC unroll 2
        for (size_t h = 0; h < 2; h++) {
            b[4 * i + 2 * h] = _mm_unpacklo_epi32(a[4 * i + h], a[4 * i + 2 + h]);
            b[4 * i + 2 * h + 1] = _mm_unpackhi_epi32(a[4 * i + h], a[4 * i + 2 + h]);
        }
#pragma GCC unroll 4
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
#pragma GCC unroll 8
        for (size_t s = 0; s < 8; s++) {
            __m256 v = _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(samples[s]));
            v = _mm256_mul_ps(v, _mm256_set1_ps(t->hann[n + s]));
            put(s % 2 == 0 ? re : im, t->reversed[(n + s) / 2], v);
        }
    }
}

struct complex8 {
    __m256 re, im;
};

INLINE struct complex8 get(const float *re, const float *im, size_t i)
{
    return (struct complex8){at(re, i), at(im, i)};
}

INLINE void set(float *re, float *im, size_t i, struct complex8 v)
{
    put(re, i, v.re);
    put(im, i, v.im);
}

/* b times the twiddle i, each product rounded, then the sum. */
INLINE struct complex8 turned(const struct sp_front_end_tables *t, struct complex8 b, size_t i)
{
    __m256 tr = _mm256_broadcast_ss(t->tr + i), ti = _mm256_broadcast_ss(t->ti + i);
    return (struct complex8){
        _mm256_sub_ps(_mm256_mul_ps(b.re, tr), _mm256_mul_ps(b.im, ti)),
        _mm256_add_ps(_mm256_mul_ps(b.re, ti), _mm256_mul_ps(b.im, tr)),
    };
}

/* a + u and a - u, in place. */
INLINE void butterfly(struct complex8 *a, struct complex8 *u)
{
    struct complex8 sum = {_mm256_add_ps(a->re, u->re), _mm256_add_ps(a->im, u->im)};
    *u = (struct complex8){_mm256_sub_ps(a->re, u->re), _mm256_sub_ps(a->im, u->im)};
    *a = sum;
}

/* The passes len and 2 * len for the four values j of a run of 2 * len; step = half / len. First: j
 * is 0, the twiddles that are 1 are skipped. */
INLINE void two_passes_at(const struct sp_front_end_tables *t, float *re, float *im, size_t len,
                          size_t step, size_t j, bool first)
{
    size_t quarter = len / 2;
    struct complex8 a = get(re, im, j), b = get(re, im, j + quarter);
    struct complex8 c = get(re, im, j + len), d = get(re, im, j + len + quarter);
    if (!first) {
        b = turned(t, b, j * step);
        d = turned(t, d, j * step);
    }
    butterfly(&a, &b);
    butterfly(&c, &d);
    if (!first)
        c = turned(t, c, j * (step / 2));
    d = turned(t, d, (j + quarter) * (step / 2));
    butterfly(&a, &c);
    butterfly(&b, &d);
    set(re, im, j, a);
    set(re, im, j + quarter, b);
    set(re, im, j + len, c);
    set(re, im, j + len + quarter, d);
}

/* Two passes at a time, in registers; one alone, the first, where their number is odd. */
static void transform(const struct sp_front_end_tables *t, float *re, float *im)
{
    size_t half = t->window / 2, len = 2;
    if (__builtin_ctzll(half) % 2 != 0) {
        for (size_t i = 0; i < half; i += 2) {
            struct complex8 a = get(re, im, i), b = get(re, im, i + 1);
            butterfly(&a, &b);
            set(re, im, i, a);
            set(re, im, i + 1, b);
        }
        len = 4;
    }
    for (; len < half; len *= 4)
        for (size_t start = 0; start < half; start += 2 * len) {
            float *r = re + LANES * start, *i = im + LANES * start;
            two_passes_at(t, r, i, len, half / len, 0, true);
            for (size_t j = 1; j < len / 2; j++)
                two_passes_at(t, r, i, len, half / len, j, false);
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
    __m256 e =
        _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_srli_epi32(bits, 23), _mm256_set1_epi32(127)));
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

/* One band of all frames. Clamping before the rounding gives what the page's three cases give: max
 * is whole. */
INLINE void quantise(const struct sp_front_end_tables *t, __m256 m, size_t frames,
                     uint8_t *features)
{
    __m256 v = _mm256_mul_ps(log2_of(m), _mm256_set1_ps(t->log_scale));
    v = _mm256_add_ps(v, _mm256_set1_ps(t->log_offset));
    v = _mm256_min_ps(_mm256_max_ps(v, _mm256_setzero_ps()), _mm256_set1_ps(t->max_value));
    int32_t whole[LANES];
    _mm256_storeu_si256((__m256i_u *)whole,
                        _mm256_cvttps_epi32(_mm256_add_ps(v, _mm256_set1_ps(0.5f))));
    for (size_t f = 0; f < frames; f++)
        features[f * t->bands] = (uint8_t)whole[f];
}

void sp_front_end__avx2(const struct sp_front_end_tables *t, const int16_t *const *rows,
                        size_t frames, float *work, uint8_t *features)
{
    const int16_t *all[LANES]; /* lanes without a frame repeat the first */
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
