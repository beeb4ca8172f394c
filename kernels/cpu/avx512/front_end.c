/* front_end.c - samples to features, sixteen frames side by side: each lane does what the page
 * says, in its order.
 *
 * What is left out hangs on no bit of the result. A product with a twiddle of 1 or -i is not made
 * (the page skips the first; the second only moves the parts, and the sign of a zero is squared
 * away), nor is one with the halves of the split: a power is 4 times the page's, exactly, and
 * t->slopes hold a quarter of the weights. Some sums are fused multiply-adds by one, which round as
 * a sum does: the adders have more to do than the multipliers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

#include <assert.h>
#include <immintrin.h>
#include <string.h>

#define LANES  SP_FRONT_END_LANES
#define INLINE static inline __attribute__((always_inline))

static_assert(LANES == 16, "a register holds sixteen frames");

struct complex16 {
    __m512 re, im;
};

/* The working memory: packed samples, later powers; and the transform's values. */
struct memory {
    float *packed, *z;
};

INLINE __m512 all(const float *p)
{
    return _mm512_set1_ps(*p);
}

INLINE __m512 add(__m512 a, __m512 b)
{
    return _mm512_add_ps(a, b);
}

INLINE __m512 sub(__m512 a, __m512 b)
{
    return _mm512_sub_ps(a, b);
}

INLINE __m512 mul(__m512 a, __m512 b)
{
    return _mm512_mul_ps(a, b);
}

/* a times *p. As an operand in memory a scalar is spread on its way in; spread into a register it
 * costs the multipliers and adders a turn (Zen 4). */
INLINE __m512 mul_all(__m512 a, const float *p)
{
#ifdef EMULATED_IMMINTRIN_H /* tests/support/emulated */
    return mul(a, _mm512_set1_ps(*p));
#else
    __m512 product;
    __asm__("vmulps %2%{1to16%}, %1, %0" : "=v"(product) : "v"(a), "m"(*p));
    return product;
#endif
}

/* 1.0, for sums as fused multiply-adds: what a compiler knows to be 1 it makes a sum again. */
INLINE __m512 one(void)
{
    __m512 x = _mm512_set1_ps(1.0f);
    __asm__("" : "+v"(x));
    return x;
}

/* a + b and a - b where the multipliers have time. */
INLINE __m512 add_by_one(__m512 a, __m512 b, __m512 unity)
{
    return _mm512_fmadd_ps(b, unity, a);
}

INLINE __m512 sub_by_one(__m512 a, __m512 b, __m512 unity)
{
    return _mm512_fnmadd_ps(b, unity, a);
}

INLINE struct complex16 get(const float *z, size_t i)
{
    return (struct complex16){_mm512_load_ps(z + 2 * LANES * i),
                              _mm512_load_ps(z + 2 * LANES * i + LANES)};
}

INLINE void set(float *z, size_t i, struct complex16 v)
{
    _mm512_store_ps(z + 2 * LANES * i, v.re);
    _mm512_store_ps(z + 2 * LANES * i + LANES, v.im);
}

/* ---- samples ---- */

/* Eight pairs of samples of row f, and of row f + 8 in the upper half. */
INLINE __m512i halves(const int16_t *const *rows, size_t f, size_t first)
{
    __m256i low = _mm256_loadu_si256((const __m256i_u *)(rows[f] + first));
    __m256i high = _mm256_loadu_si256((const __m256i_u *)(rows[f + 8] + first));
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

/* Four rows of four quarters, each quarter transposed. */
INLINE void transpose_quarters(__m512i *v)
{
    __m512i ab = _mm512_unpacklo_epi32(v[0], v[1]), cd = _mm512_unpacklo_epi32(v[2], v[3]);
    __m512i ef = _mm512_unpackhi_epi32(v[0], v[1]), gh = _mm512_unpackhi_epi32(v[2], v[3]);
    v[0] = _mm512_unpacklo_epi64(ab, cd);
    v[1] = _mm512_unpackhi_epi64(ab, cd);
    v[2] = _mm512_unpacklo_epi64(ef, gh);
    v[3] = _mm512_unpackhi_epi64(ef, gh);
}

/* packed[m]: samples 2m (lower half) and 2m + 1 of all frames, in the order 0-3, 8-11, 4-7, 12-15.
 */
static void pack(const int16_t *const *rows, size_t window, float *packed)
{
    for (size_t m = 0; m < window / 2; m += 8) {
        __m512i a[4], b[4];
        float *to = packed + LANES * m;
#pragma GCC unroll 4
        for (size_t f = 0; f < 4; f++) {
            a[f] = halves(rows, f, 2 * m);
            b[f] = halves(rows, f + 4, 2 * m);
        }
        transpose_quarters(a);
        transpose_quarters(b);
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; i++) {
            _mm512_store_si512(to + LANES * i, _mm512_shuffle_i32x4(a[i], b[i], 0x88));
            _mm512_store_si512(to + LANES * (i + 4), _mm512_shuffle_i32x4(a[i], b[i], 0xdd));
        }
    }
}

/* Value m of the transform's input: 2^16 times the samples, windowed. */
INLINE struct complex16 windowed(const struct sp_front_end_tables *t, const float *packed, size_t m)
{
    __m512i pair = _mm512_load_si512(packed + LANES * m);
    __m512i re = _mm512_madd_epi16(pair, _mm512_set1_epi32(1));
    __m512i im = _mm512_madd_epi16(pair, _mm512_set1_epi32(1 << 16));
    return (struct complex16){
        mul(_mm512_cvtepi32_ps(re), all(t->hann + 2 * m)),
        mul(_mm512_cvtepi32_ps(im), all(t->hann + 2 * m + 1)),
    };
}

/* ---- the transform ---- */

/* b times the twiddle r + i*s, each product rounded, then the sum. */
INLINE struct complex16 turned(struct complex16 b, __m512 r, __m512 s)
{
    return (struct complex16){
        sub(mul(b.re, r), mul(b.im, s)),
        add(mul(b.re, s), mul(b.im, r)),
    };
}

/* The same, where each part of the twiddle is needed for one value or two. */
INLINE struct complex16 turned_by(struct complex16 b, const float *r, const float *s)
{
    return (struct complex16){
        sub(mul_all(b.re, r), mul_all(b.im, s)),
        add(mul_all(b.re, s), mul_all(b.im, r)),
    };
}

/* b times the twiddle of an eighth of the circle; c = cos(pi / 4) */
INLINE struct complex16 turned_eighth(struct complex16 b, __m512 c)
{
    __m512 p = mul(b.re, c), q = mul(b.im, c);
    return (struct complex16){add(p, q), sub(q, p)};
}

/* a + u and a - u, in place. */
INLINE void butterfly(struct complex16 *a, struct complex16 *u, __m512 unity)
{
    struct complex16 sum = {add(a->re, u->re), add(a->im, u->im)};
    *u = (struct complex16){sub(a->re, u->re), sub_by_one(a->im, u->im, unity)};
    *a = sum;
}

/* The same with -i*u. */
INLINE void butterfly_quarter(struct complex16 *a, struct complex16 *u, __m512 unity)
{
    struct complex16 sum = {add(a->re, u->im), sub(a->im, u->re)};
    *u = (struct complex16){sub(a->re, u->im), add_by_one(a->im, u->re, unity)};
    *a = sum;
}

/* Three passes over eight values whose j is 0. */
INLINE void eight_plain(struct complex16 *v, __m512 c, __m512 unity)
{
    butterfly(&v[0], &v[1], unity);
    butterfly(&v[2], &v[3], unity);
    butterfly(&v[4], &v[5], unity);
    butterfly(&v[6], &v[7], unity);
    butterfly(&v[0], &v[2], unity);
    butterfly_quarter(&v[1], &v[3], unity);
    butterfly(&v[4], &v[6], unity);
    butterfly_quarter(&v[5], &v[7], unity);
    v[5] = turned_eighth(v[5], c);
    v[7] = turned_eighth(v[7], c);
    butterfly(&v[0], &v[4], unity);
    butterfly(&v[1], &v[5], unity);
    butterfly_quarter(&v[2], &v[6], unity);
    butterfly_quarter(&v[3], &v[7], unity);
}

/* Three passes, from runs of q to runs of 8q; step = half / 8q. */
INLINE void eight(const struct sp_front_end_tables *t, struct complex16 *v, size_t j, size_t q,
                  size_t step, __m512 unity)
{
    __m512 r = all(t->tr + 4 * j * step), s = all(t->ti + 4 * j * step);
    v[1] = turned(v[1], r, s);
    v[3] = turned(v[3], r, s);
    v[5] = turned(v[5], r, s);
    v[7] = turned(v[7], r, s);
    butterfly(&v[0], &v[1], unity);
    butterfly(&v[2], &v[3], unity);
    butterfly(&v[4], &v[5], unity);
    butterfly(&v[6], &v[7], unity);
    r = all(t->tr + 2 * j * step), s = all(t->ti + 2 * j * step);
    v[2] = turned(v[2], r, s);
    v[3] = turned(v[3], r, s);
    v[6] = turned(v[6], r, s);
    v[7] = turned(v[7], r, s);
    butterfly(&v[0], &v[2], unity);
    butterfly_quarter(&v[1], &v[3], unity);
    butterfly(&v[4], &v[6], unity);
    butterfly_quarter(&v[5], &v[7], unity);
    v[4] = turned_by(v[4], t->tr + j * step, t->ti + j * step);
    v[6] = turned_by(v[6], t->tr + j * step, t->ti + j * step);
    butterfly(&v[0], &v[4], unity);
    butterfly_quarter(&v[2], &v[6], unity);
    v[5] = turned_by(v[5], t->tr + (j + q) * step, t->ti + (j + q) * step);
    v[7] = turned_by(v[7], t->tr + (j + q) * step, t->ti + (j + q) * step);
    butterfly(&v[1], &v[5], unity);
    butterfly_quarter(&v[3], &v[7], unity);
}

/* The first three passes of runs of 8, from `from` to `to`. */
static void first_passes(const struct sp_front_end_tables *t, const struct memory *w, size_t from,
                         size_t to)
{
    __m512 c = all(t->tr + t->window / 16), unity = one();
    for (size_t start = from; start < to; start += 8) {
        struct complex16 v[8];
#pragma GCC unroll 8
        for (size_t i = 0; i < 8; i++)
            v[i] = windowed(t, w->packed, t->reversed[start + i]);
        eight_plain(v, c, unity);
#pragma GCC unroll 8
        for (size_t i = 0; i < 8; i++)
            set(w->z, start + i, v[i]);
    }
}

/* Three more: a run of 8q at z. */
static void next_passes(const struct sp_front_end_tables *t, float *z, size_t q)
{
    size_t step = t->window / 16 / q;
    __m512 c = all(t->tr + t->window / 16), unity = one();
    struct complex16 v[8];
#pragma GCC unroll 8
    for (size_t i = 0; i < 8; i++)
        v[i] = get(z, i * q);
    eight_plain(v, c, unity);
#pragma GCC unroll 8
    for (size_t i = 0; i < 8; i++)
        set(z, i * q, v[i]);
    for (size_t j = 1; j < q; j++) {
#pragma GCC unroll 8
        for (size_t i = 0; i < 8; i++)
            v[i] = get(z, j + i * q);
        eight(t, v, j, q, step, unity);
#pragma GCC unroll 8
        for (size_t i = 0; i < 8; i++)
            set(z, j + i * q, v[i]);
    }
}

/* One pass over a run of 2q. */
static void next_pass(const struct sp_front_end_tables *t, float *z, size_t q)
{
    size_t step = t->window / 4 / q;
    __m512 unity = one();
    for (size_t j = 0; j < q; j++) {
        struct complex16 a = get(z, j), b = get(z, j + q);
        if (j > 0)
            b = turned(b, all(t->tr + j * step), all(t->ti + j * step));
        butterfly(&a, &b, unity);
        set(z, j, a);
        set(z, j + q, b);
    }
}

/* All passes but the last two; a run at a time as far as 64 goes, which stays near. */
static void transform(const struct sp_front_end_tables *t, const struct memory *w)
{
    size_t half = t->window / 2, q = 8;
    if (half < 256) {
        first_passes(t, w, 0, half);
    } else {
        for (size_t start = 0; start < half; start += 64) {
            first_passes(t, w, start, start + 64);
            next_passes(t, w->z + 2 * LANES * start, 8);
        }
        q = 64;
    }
    for (; q < half / 4; q *= 2)
        for (size_t start = 0; start < half; start += 2 * q)
            next_pass(t, w->z + 2 * LANES * start, q);
}

/* ---- power ---- */

/* The last two passes for the four values j of all. */
INLINE void last_passes(const struct sp_front_end_tables *t, const float *z, size_t j,
                        struct complex16 *v, __m512 unity)
{
    size_t q = t->window / 8;
    v[0] = get(z, j);
    v[1] = get(z, j + q);
    v[2] = get(z, j + 2 * q);
    v[3] = get(z, j + 3 * q);
    v[1] = turned_by(v[1], t->tr + 2 * j, t->ti + 2 * j);
    v[3] = turned_by(v[3], t->tr + 2 * j, t->ti + 2 * j);
    butterfly(&v[0], &v[1], unity);
    butterfly(&v[2], &v[3], unity);
    v[2] = turned_by(v[2], t->tr + j, t->ti + j);
    v[3] = turned_by(v[3], t->tr + j, t->ti + j);
    butterfly(&v[0], &v[2], unity);
    butterfly_quarter(&v[1], &v[3], unity);
}

INLINE __m512 square_sum(__m512 a, __m512 b)
{
    return add(mul(a, a), mul(b, b));
}

/* Bins k and half - k, k <= half / 2, from z[k] and its mirror. */
INLINE void split(const struct sp_front_end_tables *t, size_t k, struct complex16 a,
                  struct complex16 b, float *power)
{
    __m512 er = add(a.re, b.re), ei = sub(a.im, b.im), or = add(a.im, b.im), oi = sub(b.re, a.re);
    struct complex16 v = turned_by((struct complex16){ or, oi}, t->pr + k, t->pi + k);
    __m512 direct = square_sum(add(er, v.re), add(ei, v.im));
    __m512 mirror = square_sum(sub(er, v.re), sub(ei, v.im));
    _mm512_store_ps(power + LANES * k, direct);
    _mm512_store_ps(power + LANES * (t->window / 2 - k), mirror);
}

/* The last two passes of j and of its mirror give four bins and theirs. */
static void powers(const struct sp_front_end_tables *t, const float *z, float *power)
{
    size_t q = t->window / 8;
    __m512 unity = one();
    struct complex16 a[4], b[4];
    last_passes(t, z, 0, a, unity);
    split(t, 0, a[0], a[0], power);
    split(t, q, a[1], a[3], power);
    split(t, 2 * q, a[2], a[2], power);
    for (size_t j = 1; j < q / 2; j++) {
        last_passes(t, z, j, a, unity);
        last_passes(t, z, q - j, b, unity);
        split(t, j, a[0], b[3], power);
        split(t, q + j, a[1], b[2], power);
        split(t, 2 * q - j, b[1], a[2], power);
        split(t, q - j, b[0], a[3], power);
    }
    last_passes(t, z, q / 2, a, unity);
    split(t, q / 2, a[0], a[3], power);
    split(t, q + q / 2, a[1], a[2], power);
}

/* ---- bands ---- */

/* m >= 1 */
INLINE __m512 log2_of(__m512 m, __m512 unity)
{
    static const float coefficients[] = {-0x1.8c7160p-3f, 0x1.a9949ep-2f, -0x1.6b0eb0p-1f,
                                         0x1.71217ap+0f};
    __m512 e = _mm512_getexp_ps(m);
    __m512 x =
        sub(_mm512_getmant_ps(m, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_zero), _mm512_set1_ps(1.0f));
    __m512 v = _mm512_set1_ps(0x1.71dc58p-5f);
#pragma GCC unroll 4
    for (size_t i = 0; i < sizeof(coefficients) / sizeof(coefficients[0]); i++)
        v = add_by_one(_mm512_set1_ps(coefficients[i]), mul(x, v), unity);
    return add(e, mul(x, v));
}

/* Clamping before the rounding gives what the page's three cases give: the maximum is whole. */
INLINE __m512i quantised(const struct sp_front_end_tables *t, __m512 m, __m512 unity)
{
    __m512 v = add(mul(log2_of(m, unity), all(&t->log_scale)), all(&t->log_offset));
    v = _mm512_min_ps(_mm512_max_ps(v, _mm512_setzero_ps()), all(&t->max_value));
    return _mm512_cvttps_epi32(add(v, _mm512_set1_ps(0.5f)));
}

/* Segment by segment between edges: the band whose top lies behind falls, the next one rises. */
static void add_up(const struct sp_front_end_tables *t, const float *power, float *sums)
{
    const float *p = power + LANES * t->first_bin, *slope = t->slopes;
    const __m512 floor = _mm512_set1_ps(1.0f);
    __m512 falling = floor;
    for (size_t b = 0; b <= t->bands; b++) {
        __m512 rising = floor;
        for (size_t left = t->segments[b]; left > 0; left--, p += LANES, slope += 2) {
            __m512 v = _mm512_load_ps(p);
            __asm__("" : "+v"(v)); /* one load, not two */
            falling = add(falling, mul(v, all(slope)));
            rising = add(rising, mul(v, all(slope + 1)));
        }
        if (b > 0)
            _mm512_store_ps(sums + LANES * (b - 1), falling);
        falling = rising;
    }
}

/* In place: words of the bytes of four bands, in the frames' lanes. */
static void quantise(const struct sp_front_end_tables *t, float *sums)
{
    __m512 unity = one();
    for (size_t b = 0; b < t->bands; b += 4) {
        __m512i quad = _mm512_setzero_si512();
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; i++)
            quad = _mm512_or_si512(
                quad, _mm512_slli_epi32(quantised(t, _mm512_load_ps(sums + LANES * (b + i)), unity),
                                        8 * (unsigned)i));
        _mm512_store_si512(sums + LANES * (b / 4), quad);
    }
}

/* The first frame of each four lanes. */
static const size_t places[4] = {0, 8, 4, 12};

/* Sixteen bands of all frames. */
INLINE void write_sixteen(const uint32_t *quads, size_t frames, size_t n, uint8_t *features)
{
    __m512i v[4];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++)
        v[i] = _mm512_load_si512(quads + LANES * i);
    transpose_quarters(v);
    _Alignas(64) uint8_t rows[LANES][16];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        _mm_store_si128((__m128i *)rows[places[0] + i], _mm512_castsi512_si128(v[i]));
        _mm_store_si128((__m128i *)rows[places[1] + i], _mm512_extracti32x4_epi32(v[i], 1));
        _mm_store_si128((__m128i *)rows[places[2] + i], _mm512_extracti32x4_epi32(v[i], 2));
        _mm_store_si128((__m128i *)rows[places[3] + i], _mm512_extracti32x4_epi32(v[i], 3));
    }
    for (size_t f = 0; f < frames; f++)
        memcpy(features + f * n, rows[f], 16);
}

static void write_features(const uint32_t *quads, size_t frames, size_t n, uint8_t *features)
{
    size_t b = 0;
    for (; b + 16 <= n; b += 16)
        write_sixteen(quads + LANES * (b / 4), frames, n, features + b);
    if (b == n)
        return;
    for (size_t lane = 0; lane < LANES; lane++) {
        size_t f = places[lane / 4] + lane % 4;
        for (size_t i = b; i < n && f < frames; i++)
            features[f * n + i] = (uint8_t)(quads[LANES * (i / 4) + lane] >> (8 * (i % 4)));
    }
}

void sp_front_end__avx512(const struct sp_front_end_tables *t, const int16_t *const *rows,
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
