/* front_end.c - samples to features, four frames side by side: each lane does what the page says,
 * in its order.
 *
 * What is left out hangs on no bit of the result. A product with a twiddle of 1 or -i is not made
 * (the page skips the first; the second only moves the parts, and the sign of a zero is squared
 * away), nor is one with the halves of the split: a power is 4 times the page's, exactly, and
 * t->slopes hold a quarter of the weights.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

#include <arm_neon.h>
#include <string.h>

#define LANES  4
#define INLINE static inline __attribute__((always_inline))

struct complex4 {
    float32x4_t re, im;
};

/* The working memory: packed samples, later powers; and the transform's values. */
struct memory {
    float *packed, *z;
};

INLINE float32x4_t all(const float *p)
{
    return vld1q_dup_f32(p);
}

INLINE float32x4_t add(float32x4_t a, float32x4_t b)
{
    return vaddq_f32(a, b);
}

INLINE float32x4_t sub(float32x4_t a, float32x4_t b)
{
    return vsubq_f32(a, b);
}

INLINE float32x4_t mul(float32x4_t a, float32x4_t b)
{
    return vmulq_f32(a, b);
}

INLINE struct complex4 get(const float *z, size_t i)
{
    return (struct complex4){vld1q_f32(z + 2 * LANES * i), vld1q_f32(z + 2 * LANES * i + LANES)};
}

INLINE void set(float *z, size_t i, struct complex4 v)
{
    vst1q_f32(z + 2 * LANES * i, v.re);
    vst1q_f32(z + 2 * LANES * i + LANES, v.im);
}

/* ---- samples ---- */

/* Four rows of four 32-bit lanes become columns. */
INLINE void transpose(uint32x4_t *v)
{
    uint32x4_t a = vzip1q_u32(v[0], v[2]), b = vzip2q_u32(v[0], v[2]);
    uint32x4_t c = vzip1q_u32(v[1], v[3]), d = vzip2q_u32(v[1], v[3]);
    v[0] = vzip1q_u32(a, c);
    v[1] = vzip2q_u32(a, c);
    v[2] = vzip1q_u32(b, d);
    v[3] = vzip2q_u32(b, d);
}

/* packed[m]: samples 2m (lower half) and 2m + 1 of all frames. */
static void pack(const int16_t *const *rows, size_t window, float *packed)
{
    for (size_t m = 0; m < window / 2; m += 4) {
        uint32x4_t v[4];
#pragma GCC unroll 4
        for (size_t f = 0; f < 4; f++)
            v[f] = vreinterpretq_u32_s16(vld1q_s16(rows[f] + 2 * m));
        transpose(v);
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; i++)
            vst1q_f32(packed + LANES * (m + i), vreinterpretq_f32_u32(v[i]));
    }
}

/* Value m of the transform's input: the samples, windowed. */
INLINE struct complex4 windowed(const struct sp_front_end_tables *t, const float *packed, size_t m)
{
    int32x4_t pair = vreinterpretq_s32_f32(vld1q_f32(packed + LANES * m));
    int32x4_t re = vshrq_n_s32(vshlq_n_s32(pair, 16), 16), im = vshrq_n_s32(pair, 16);
    return (struct complex4){
        mul(vcvtq_f32_s32(re), all(t->hann + 2 * m)),
        mul(vcvtq_f32_s32(im), all(t->hann + 2 * m + 1)),
    };
}

/* ---- the transform ---- */

/* b times the twiddle r + i*s, each product rounded, then the sum. */
INLINE struct complex4 turned(struct complex4 b, float32x4_t r, float32x4_t s)
{
    return (struct complex4){
        sub(mul(b.re, r), mul(b.im, s)),
        add(mul(b.re, s), mul(b.im, r)),
    };
}

/* a + u and a - u, in place. */
INLINE void butterfly(struct complex4 *a, struct complex4 *u)
{
    struct complex4 sum = {add(a->re, u->re), add(a->im, u->im)};
    *u = (struct complex4){sub(a->re, u->re), sub(a->im, u->im)};
    *a = sum;
}

/* The same with -i*u. */
INLINE void butterfly_quarter(struct complex4 *a, struct complex4 *u)
{
    struct complex4 sum = {add(a->re, u->im), sub(a->im, u->re)};
    *u = (struct complex4){sub(a->re, u->im), add(a->im, u->re)};
    *a = sum;
}

/* Two passes over four values whose j is 0. */
INLINE void four_plain(struct complex4 *v)
{
    butterfly(&v[0], &v[1]);
    butterfly(&v[2], &v[3]);
    butterfly(&v[0], &v[2]);
    butterfly_quarter(&v[1], &v[3]);
}

/* Two passes, from runs of q to runs of 4q; at = j * (half / 4q). */
INLINE void four(const struct sp_front_end_tables *t, struct complex4 *v, size_t at)
{
    float32x4_t r = all(t->tr + 2 * at), s = all(t->ti + 2 * at);
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

INLINE void get_four(const float *z, size_t j, size_t q, struct complex4 *v)
{
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++)
        v[i] = get(z, j + i * q);
}

INLINE void set_four(float *z, size_t j, size_t q, const struct complex4 *v)
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
        struct complex4 v[4];
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
    struct complex4 v[4];
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
        struct complex4 a = get(z, j), b = get(z, j + q);
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
                        struct complex4 *v)
{
    get_four(z, j, t->window / 8, v);
    four(t, v, j);
}

INLINE float32x4_t square_sum(float32x4_t a, float32x4_t b)
{
    return add(mul(a, a), mul(b, b));
}

/* Bins k and half - k, k <= half / 2, from z[k] and its mirror. */
INLINE void split(const struct sp_front_end_tables *t, size_t k, struct complex4 a,
                  struct complex4 b, float *power)
{
    float32x4_t pr = all(t->pr + k), pi = all(t->pi + k);
    float32x4_t er = add(a.re, b.re), ei = sub(a.im, b.im);
    float32x4_t or = add(a.im, b.im), oi = sub(b.re, a.re);
    float32x4_t vr = sub(mul(or, pr), mul(oi, pi)), vi = add(mul(or, pi), mul(oi, pr));
    vst1q_f32(power + LANES * k, square_sum(add(er, vr), add(ei, vi)));
    vst1q_f32(power + LANES * (t->window / 2 - k), square_sum(sub(er, vr), sub(ei, vi)));
}

/* The last two passes of j and of its mirror give four bins and theirs. */
static void powers(const struct sp_front_end_tables *t, const float *z, float *power)
{
    size_t q = t->window / 8;
    struct complex4 a[4], b[4];
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
    const float32x4_t floor = vdupq_n_f32(1.0f);
    float32x4_t falling = floor;
    for (size_t b = 0; b <= t->bands; b++) {
        float32x4_t rising = floor;
        for (size_t left = t->segments[b]; left > 0; left--, p += LANES, slope += 2) {
            float32x4_t v = vld1q_f32(p);
            falling = add(falling, mul(v, all(slope)));
            rising = add(rising, mul(v, all(slope + 1)));
        }
        if (b > 0)
            vst1q_f32(sums + LANES * (b - 1), falling);
        falling = rising;
    }
}

/* m >= 1 */
INLINE float32x4_t log2_of(float32x4_t m)
{
    static const float coefficients[] = {-0x1.8c7160p-3f, 0x1.a9949ep-2f, -0x1.6b0eb0p-1f,
                                         0x1.71217ap+0f};
    uint32x4_t bits = vreinterpretq_u32_f32(m);
    int32x4_t exponent = vreinterpretq_s32_u32(vshrq_n_u32(bits, 23));
    float32x4_t e = vcvtq_f32_s32(vsubq_s32(exponent, vdupq_n_s32(127)));
    bits = vorrq_u32(vandq_u32(bits, vdupq_n_u32(0x7fffff)), vdupq_n_u32(0x3f800000));
    float32x4_t x = sub(vreinterpretq_f32_u32(bits), vdupq_n_f32(1.0f));
    float32x4_t v = vdupq_n_f32(0x1.71dc58p-5f);
#pragma GCC unroll 4
    for (size_t i = 0; i < sizeof(coefficients) / sizeof(coefficients[0]); i++)
        v = add(vdupq_n_f32(coefficients[i]), mul(x, v));
    return add(e, mul(x, v));
}

/* Clamping before the rounding gives what the page's three cases give: the maximum is whole. */
INLINE uint32x4_t quantised(const struct sp_front_end_tables *t, float32x4_t m)
{
    float32x4_t v = add(mul(log2_of(m), all(&t->log_scale)), all(&t->log_offset));
    v = vminq_f32(vmaxq_f32(v, vdupq_n_f32(0.0f)), all(&t->max_value));
    return vcvtq_u32_f32(add(v, vdupq_n_f32(0.5f)));
}

/* In place: words of the bytes of four bands, in the frames' lanes. */
static void quantise(const struct sp_front_end_tables *t, float *sums)
{
    for (size_t b = 0; b < t->bands; b += 4) {
        uint32x4_t quad = quantised(t, vld1q_f32(sums + LANES * b));
        quad = vsliq_n_u32(quad, quantised(t, vld1q_f32(sums + LANES * (b + 1))), 8);
        quad = vsliq_n_u32(quad, quantised(t, vld1q_f32(sums + LANES * (b + 2))), 16);
        quad = vsliq_n_u32(quad, quantised(t, vld1q_f32(sums + LANES * (b + 3))), 24);
        vst1q_f32(sums + LANES * (b / 4), vreinterpretq_f32_u32(quad));
    }
}

/* Sixteen bands of all frames. */
INLINE void write_sixteen(const uint32_t *quads, size_t frames, size_t n, uint8_t *features)
{
    uint32x4_t v[4];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++)
        v[i] = vld1q_u32(quads + LANES * i);
    transpose(v);
    uint32_t rows[LANES][4];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++)
        vst1q_u32(rows[i], v[i]);
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

static void four_frames(const struct sp_front_end_tables *t, const int16_t *const *rows,
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

void sp_front_end__neon(const struct sp_front_end_tables *t, const int16_t *const *rows,
                        size_t frames, float *work, uint8_t *features)
{
    for (size_t f = 0; f < frames; f += LANES)
        four_frames(t, rows + f, frames - f < LANES ? frames - f : LANES, work,
                    features + f * t->bands);
}
