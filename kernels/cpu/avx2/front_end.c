/* front_end.c - samples to features, eight frames side by side: each lane does what the page says,
 * in its order.
 *
 * What is left out hangs on no bit of the result. A product with a twiddle of 1 or -i is not made
 * (the page skips the first; the second only moves the parts, and the sign of a zero is squared
 * away), nor is one with the halves of the split: a power is 4 times the page's, exactly, and
 * t->slopes hold a quarter of the weights.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

#include <assert.h>
#include <immintrin.h>
#include <string.h>

#define LANES  8
#define INLINE static inline __attribute__((always_inline))

static_assert(SP_FRONT_END_LANES == 2 * LANES, "a call is at most two rounds");

struct complex8 {
    __m256 re, im;
};

/* The working memory: packed samples, later powers; and the transform's values. */
struct memory {
    float *packed, *z;
};

INLINE __m256 all(const float *p)
{
    return _mm256_broadcast_ss(p);
}

INLINE __m256 add(__m256 a, __m256 b)
{
    return _mm256_add_ps(a, b);
}

INLINE __m256 sub(__m256 a, __m256 b)
{
    return _mm256_sub_ps(a, b);
}

INLINE __m256 mul(__m256 a, __m256 b)
{
    return _mm256_mul_ps(a, b);
}

INLINE struct complex8 get(const float *z, size_t i)
{
    return (struct complex8){_mm256_load_ps(z + 2 * LANES * i),
                             _mm256_load_ps(z + 2 * LANES * i + LANES)};
}

INLINE void set(float *z, size_t i, struct complex8 v)
{
    _mm256_store_ps(z + 2 * LANES * i, v.re);
    _mm256_store_ps(z + 2 * LANES * i + LANES, v.im);
}

/* ---- samples ---- */

/* Four pairs of samples of row f, and of row f + 4 in the upper half. */
INLINE __m256i halves(const int16_t *const *rows, size_t f, size_t first)
{
    __m128i low = _mm_loadu_si128((const __m128i_u *)(rows[f] + first));
    __m128i high = _mm_loadu_si128((const __m128i_u *)(rows[f + 4] + first));
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

/* Four rows of two halves, each half transposed. */
INLINE void transpose_halves(__m256i *v)
{
    __m256i ab = _mm256_unpacklo_epi32(v[0], v[1]), cd = _mm256_unpacklo_epi32(v[2], v[3]);
    __m256i ef = _mm256_unpackhi_epi32(v[0], v[1]), gh = _mm256_unpackhi_epi32(v[2], v[3]);
    v[0] = _mm256_unpacklo_epi64(ab, cd);
    v[1] = _mm256_unpackhi_epi64(ab, cd);
    v[2] = _mm256_unpacklo_epi64(ef, gh);
    v[3] = _mm256_unpackhi_epi64(ef, gh);
}

/* packed[m]: samples 2m (lower half) and 2m + 1 of all frames. */
static void pack(const int16_t *const *rows, size_t window, float *packed)
{
    for (size_t m = 0; m < window / 2; m += 4) {
        __m256i v[4];
#pragma GCC unroll 4
        for (size_t f = 0; f < 4; f++)
            v[f] = halves(rows, f, 2 * m);
        transpose_halves(v);
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; i++)
            _mm256_store_si256((__m256i *)(void *)(packed + LANES * (m + i)), v[i]);
    }
}

/* Value m of the transform's input: the samples, windowed. */
INLINE struct complex8 windowed(const struct sp_front_end_tables *t, const float *packed, size_t m)
{
    __m256i pair = _mm256_load_si256((const __m256i *)(const void *)(packed + LANES * m));
    __m256i re = _mm256_madd_epi16(pair, _mm256_set1_epi32(1));
    __m256i im = _mm256_madd_epi16(pair, _mm256_set1_epi32(1 << 16));
    return (struct complex8){
        mul(_mm256_cvtepi32_ps(re), all(t->hann + 2 * m)),
        mul(_mm256_cvtepi32_ps(im), all(t->hann + 2 * m + 1)),
    };
}

/* ---- the transform ---- */

/* b times the twiddle r + i*s, each product rounded, then the sum. */
INLINE struct complex8 turned(struct complex8 b, __m256 r, __m256 s)
{
    return (struct complex8){
        sub(mul(b.re, r), mul(b.im, s)),
        add(mul(b.re, s), mul(b.im, r)),
    };
}

/* a + u and a - u, in place. */
INLINE void butterfly(struct complex8 *a, struct complex8 *u)
{
    struct complex8 sum = {add(a->re, u->re), add(a->im, u->im)};
    *u = (struct complex8){sub(a->re, u->re), sub(a->im, u->im)};
    *a = sum;
}

/* The same with -i*u. */
INLINE void butterfly_quarter(struct complex8 *a, struct complex8 *u)
{
    struct complex8 sum = {add(a->re, u->im), sub(a->im, u->re)};
    *u = (struct complex8){sub(a->re, u->im), add(a->im, u->re)};
    *a = sum;
}

/* Two passes over four values whose j is 0. */
INLINE void four_plain(struct complex8 *v)
{
    butterfly(&v[0], &v[1]);
    butterfly(&v[2], &v[3]);
    butterfly(&v[0], &v[2]);
    butterfly_quarter(&v[1], &v[3]);
}

/* Two passes, from runs of q to runs of 4q; at = j * (half / 4q). */
INLINE void four(const struct sp_front_end_tables *t, struct complex8 *v, size_t at)
{
    __m256 r = all(t->tr + 2 * at), s = all(t->ti + 2 * at);
    v[1] = turned(v[1], r, s);
    v[3] = turned(v[3], r, s);
    butterfly(&v[0], &v[1]);
    butterfly(&v[2], &v[3]);
    r = all(t->tr + at), s = all(t->ti + at);
    v[2] = turned(v[2], r, s);
    v[3] = turned(v[3], r, s);
    butterfly(&v[0], &v[2]);
    butterfly_quarter(&v[1], &v[3]);
}

INLINE void get_four(const float *z, size_t j, size_t q, struct complex8 *v)
{
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++)
        v[i] = get(z, j + i * q);
}

INLINE void set_four(float *z, size_t j, size_t q, const struct complex8 *v)
{
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++)
        set(z, j + i * q, v[i]);
}

/* The first two passes of runs of 4, from `from` to `to`. */
static void first_passes(const struct sp_front_end_tables *t, const struct memory *w, size_t from,
                         size_t to)
{
    for (size_t start = from; start < to; start += 4) {
        struct complex8 v[4];
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; i++)
            v[i] = windowed(t, w->packed, t->reversed[start + i]);
        four_plain(v);
        set_four(w->z, start, 1, v);
    }
}

/* Two more: a run of 4q at z. */
static void next_passes(const struct sp_front_end_tables *t, float *z, size_t q)
{
    size_t step = t->window / 8 / q;
    struct complex8 v[4];
    get_four(z, 0, q, v);
    four_plain(v);
    set_four(z, 0, q, v);
    for (size_t j = 1; j < q; j++) {
        get_four(z, j, q, v);
        four(t, v, j * step);
        set_four(z, j, q, v);
    }
}

/* One pass over a run of 2q. */
static void next_pass(const struct sp_front_end_tables *t, float *z, size_t q)
{
    size_t step = t->window / 4 / q;
    for (size_t j = 0; j < q; j++) {
        struct complex8 a = get(z, j), b = get(z, j + q);
        if (j > 0)
            b = turned(b, all(t->tr + j * step), all(t->ti + j * step));
        butterfly(&a, &b);
        set(z, j, a);
        set(z, j + q, b);
    }
}

/* All passes but the last two; a run at a time as far as 64 goes, which stays near. */
static void transform(const struct sp_front_end_tables *t, const struct memory *w)
{
    size_t half = t->window / 2, q = 16;
    for (size_t start = 0; start < half; start += q) {
        first_passes(t, w, start, start + q);
        if (half >= 4 * q)
            next_passes(t, w->z + 2 * LANES * start, 4);
    }
    if (half < 4 * q)
        q = 4;
    for (; q < half / 8; q *= 4)
        for (size_t start = 0; start < half; start += 4 * q)
            next_passes(t, w->z + 2 * LANES * start, q);
    if (q < half / 4)
        for (size_t start = 0; start < half; start += 2 * q)
            next_pass(t, w->z + 2 * LANES * start, q);
}

/* ---- power ---- */

/* The last two passes for the four values j of all. */
INLINE void last_passes(const struct sp_front_end_tables *t, const float *z, size_t j,
                        struct complex8 *v)
{
    get_four(z, j, t->window / 8, v);
    four(t, v, j);
}

INLINE __m256 square_sum(__m256 a, __m256 b)
{
    return add(mul(a, a), mul(b, b));
}

/* Bins k and half - k, k <= half / 2, from z[k] and its mirror. */
INLINE void split(const struct sp_front_end_tables *t, size_t k, struct complex8 a,
                  struct complex8 b, float *power)
{
    __m256 pr = all(t->pr + k), pi = all(t->pi + k);
    __m256 er = add(a.re, b.re), ei = sub(a.im, b.im);
    __m256 or = add(a.im, b.im), oi = sub(b.re, a.re);
    __m256 vr = sub(mul(or, pr), mul(oi, pi)), vi = add(mul(or, pi), mul(oi, pr));
    _mm256_store_ps(power + LANES * k, square_sum(add(er, vr), add(ei, vi)));
    _mm256_store_ps(power + LANES * (t->window / 2 - k), square_sum(sub(er, vr), sub(ei, vi)));
}

/* The last two passes of j and of its mirror give four bins and theirs. */
static void powers(const struct sp_front_end_tables *t, const float *z, float *power)
{
    size_t q = t->window / 8;
    struct complex8 a[4], b[4];
    get_four(z, 0, q, a);
    four_plain(a);
    split(t, 0, a[0], a[0], power);
    split(t, q, a[1], a[3], power);
    split(t, 2 * q, a[2], a[2], power);
    for (size_t j = 1; j < q / 2; j++) {
        last_passes(t, z, j, a);
        last_passes(t, z, q - j, b);
        split(t, j, a[0], b[3], power);
        split(t, q + j, a[1], b[2], power);
        split(t, 2 * q - j, b[1], a[2], power);
        split(t, q - j, b[0], a[3], power);
    }
    last_passes(t, z, q / 2, a);
    split(t, q / 2, a[0], a[3], power);
    split(t, q + q / 2, a[1], a[2], power);
}

/* ---- bands ---- */

/* Segment by segment between edges: the band whose top lies behind falls, the next one rises. */
static void add_up(const struct sp_front_end_tables *t, const float *power, float *sums)
{
    const float *p = power + LANES * t->first_bin, *slope = t->slopes;
    const __m256 floor = _mm256_set1_ps(1.0f);
    __m256 falling = floor;
    for (size_t b = 0; b <= t->bands; b++) {
        __m256 rising = floor;
        for (size_t left = t->segments[b]; left > 0; left--, p += LANES, slope += 2) {
            __m256 v = _mm256_load_ps(p);
            falling = add(falling, mul(v, all(slope)));
            rising = add(rising, mul(v, all(slope + 1)));
        }
        if (b > 0)
            _mm256_store_ps(sums + LANES * (b - 1), falling);
        falling = rising;
    }
}

/* m >= 1 */
INLINE __m256 log2_of(__m256 m)
{
    static const float coefficients[] = {-0x1.8c7160p-3f, 0x1.a9949ep-2f, -0x1.6b0eb0p-1f,
                                         0x1.71217ap+0f};
    __m256i bits = _mm256_castps_si256(m);
    __m256 e =
        _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_srli_epi32(bits, 23), _mm256_set1_epi32(127)));
    bits = _mm256_or_si256(_mm256_and_si256(bits, _mm256_set1_epi32(0x7fffff)),
                           _mm256_set1_epi32(0x3f800000));
    __m256 x = sub(_mm256_castsi256_ps(bits), _mm256_set1_ps(1.0f));
    __m256 v = _mm256_set1_ps(0x1.71dc58p-5f);
#pragma GCC unroll 4
    for (size_t i = 0; i < sizeof(coefficients) / sizeof(coefficients[0]); i++)
        v = add(_mm256_set1_ps(coefficients[i]), mul(x, v));
    return add(e, mul(x, v));
}

/* Clamping before the rounding gives what the page's three cases give: the maximum is whole. */
INLINE __m256i quantised(const struct sp_front_end_tables *t, __m256 m)
{
    __m256 v = add(mul(log2_of(m), all(&t->log_scale)), all(&t->log_offset));
    v = _mm256_min_ps(_mm256_max_ps(v, _mm256_setzero_ps()), all(&t->max_value));
    return _mm256_cvttps_epi32(add(v, _mm256_set1_ps(0.5f)));
}

/* In place: words of the bytes of four bands, in the frames' lanes. */
static void quantise(const struct sp_front_end_tables *t, float *sums)
{
    for (size_t b = 0; b < t->bands; b += 4) {
        __m256i quad = _mm256_setzero_si256();
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; i++)
            quad = _mm256_or_si256(
                quad, _mm256_slli_epi32(quantised(t, _mm256_load_ps(sums + LANES * (b + i))),
                                        8 * (int)i));
        _mm256_store_si256((__m256i *)(void *)(sums + LANES * (b / 4)), quad);
    }
}

/* Sixteen bands of all frames. */
INLINE void write_sixteen(const uint32_t *quads, size_t frames, size_t n, uint8_t *features)
{
    __m256i v[4];
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

static void write_features(const uint32_t *quads, size_t frames, size_t n, uint8_t *features)
{
    size_t b = 0;
    for (; b + 16 <= n; b += 16)
        write_sixteen(quads + LANES * (b / 4), frames, n, features + b);
    for (; b < n; b++)
        for (size_t f = 0; f < frames; f++)
            features[f * n + b] = (uint8_t)(quads[LANES * (b / 4) + f] >> (8 * (b % 4)));
}

static void eight_frames(const struct sp_front_end_tables *t, const int16_t *const *rows,
                         size_t frames, float *work, uint8_t *features)
{
    const int16_t *lanes[LANES]; /* lanes without a frame repeat the first */
    for (size_t f = 0; f < LANES; f++)
        lanes[f] = rows[f < frames ? f : 0];
    size_t half = t->window / 2;
    struct memory w = {.packed = work, .z = work + LANES * (half + 1)};
    pack(lanes, t->window, w.packed);
    transform(t, &w);
    powers(t, w.z, w.packed);
    float *sums = w.z; /* read to its end by now */
    add_up(t, w.packed, sums);
    quantise(t, sums);
    write_features((const uint32_t *)(const void *)sums, frames, t->bands, features);
}

void sp_front_end__avx2(const struct sp_front_end_tables *t, const int16_t *const *rows,
                        size_t frames, float *work, uint8_t *features)
{
    size_t first = frames < LANES ? frames : LANES;
    eight_frames(t, rows, first, work, features);
    if (frames > LANES)
        eight_frames(t, rows + LANES, frames - LANES, work, features + LANES * t->bands);
}
