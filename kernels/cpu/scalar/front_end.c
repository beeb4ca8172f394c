/* front_end.c - samples to features, one frame after the other: ARITHMETIC.md section 2 as it is
 * written. The order of operations is the contract: nothing is re-associated, and fused is what the
 * page fuses.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

#include <assert.h>
#include <float.h>
#include <string.h>

#include "kernels/cpu/scalar/fused.h"

static_assert(FLT_EVAL_METHOD == 0, "each float operation rounds to float");

/* The samples, windowed, at their bit-reversed places, and the first pass over them: runs of 2 from
 * inputs that lie half the transform apart. */
static void first_pass(const struct sp_front_end_tables *t, const int16_t *row, float *z[2])
{
    size_t half = t->window / 2;
    for (size_t m = 0; m < half / 2; m++)
        for (size_t part = 0; part < 2; part++) {
            size_t first = 2 * m + part, second = first + half, at = t->reversed[m];
            float a = (float)row[first] * t->hann[first], b = (float)row[second];
            z[part][at] = sp_fused(b, t->hann[second], a);
            z[part][at + 1] = sp_fused(-b, t->hann[second], a);
        }
}

/* z[i] times twiddle j */
static inline void turn(const struct sp_front_end_tables *t, float *re, float *im, size_t i,
                        size_t j)
{
    float r = re[i], s = im[i];
    re[i] = sp_fused(-s, t->ti[j], r * t->tr[j]);
    im[i] = sp_fused(s, t->tr[j], r * t->ti[j]);
}

/* z[a] + u and z[a] - u to places a and b, where u is z[b], turned clockwise by so many eighths of
 * the circle; c is the cosine of one. */
static inline __attribute__((always_inline)) void butterfly(float *re, float *im, size_t a,
                                                            size_t b, size_t eighths, float c)
{
    float ar = re[a], ai = im[a];
    float ur = eighths < 2 ? re[b] : im[b], ui = eighths < 2 ? im[b] : -re[b];
    if (eighths % 2 == 0) {
        re[a] = ar + ur;
        im[a] = ai + ui;
        re[b] = ar - ur;
        im[b] = ai - ui;
    } else {
        float x = ur + ui, y = ui - ur;
        re[a] = sp_fused(x, c, ar);
        im[a] = sp_fused(y, c, ai);
        re[b] = sp_fused(-x, c, ar);
        im[b] = sp_fused(-y, c, ai);
    }
}

/* q of them, whose partners lie `apart`. */
static void butterflies(float *re, float *im, size_t q, size_t apart, size_t eighths, float c)
{
    switch (eighths) {
    case 0:
        for (size_t j = 0; j < q; j++)
            butterfly(re, im, j, j + apart, 0, c);
        break;
    case 1:
        for (size_t j = 0; j < q; j++)
            butterfly(re, im, j, j + apart, 1, c);
        break;
    case 2:
        for (size_t j = 0; j < q; j++)
            butterfly(re, im, j, j + apart, 2, c);
        break;
    default:
        for (size_t j = 0; j < q; j++)
            butterfly(re, im, j, j + apart, 3, c);
    }
}

/* A group of passes over runs of 2^passes parts of q values each. */
static void group(const struct sp_front_end_tables *t, float *re, float *im, size_t q,
                  unsigned passes)
{
    static const size_t reversed[4][8] = {{0}, {0, 1}, {0, 2, 1, 3}, {0, 4, 2, 6, 1, 5, 3, 7}};
    size_t half = t->window / 2, parts = (size_t)1 << passes, step = half / parts / q;
    float c = t->tr[t->window / 16];
    for (size_t start = 0; start < half; start += parts * q)
        for (size_t i = 1; i < parts; i++)
            for (size_t j = 1; j < q; j++)
                turn(t, re, im, start + i * q + j, reversed[passes][i] * j * step);
    for (size_t mid = q == 1 ? 2 : 1; mid < parts; mid *= 2) /* the first pass of all is done */
        for (size_t i = 0; i < parts; i += (i + 1) % mid == 0 ? mid + 1 : 1)
            for (size_t start = i * q; start < half; start += parts * q)
                butterflies(re + start, im + start, q, mid * q, i % mid * (4 / mid), c);
}

/* Threes of passes while two or more are left behind them; what else is before the last two; these.
 */
static void transform(const struct sp_front_end_tables *t, float *re, float *im)
{
    size_t half = t->window / 2;
    for (size_t q = 1; q < half;) {
        unsigned passes = half >= 32 * q ? 3 : half == 8 * q ? 1 : 2;
        group(t, re, im, q, passes);
        q <<= passes;
    }
}

static float square(float re, float im)
{
    return sp_fused(re, re, im * im);
}

static void power(const struct sp_front_end_tables *t, const float *re, const float *im, float *p)
{
    size_t half = t->window / 2;
    for (size_t k = 0; k <= half / 2; k++) {
        size_t mirror = (half - k) % half;
        float er = 0.5f * (re[k] + re[mirror]), ei = 0.5f * (im[k] - im[mirror]);
        float or = 0.5f * (im[k] + im[mirror]), oi = 0.5f * (re[mirror] - re[k]);
        float vr = sp_fused(-oi, t->pi[k], or *t->pr[k]), vi = sp_fused(oi, t->pr[k], or *t->pi[k]);
        p[k] = square(er + vr, ei + vi);
        p[half - k] = square(er - vr, ei - vi);
    }
}

/* m >= 1 */
static float log2_of(float m)
{
    uint32_t bits;
    memcpy(&bits, &m, sizeof(bits));
    float e = (float)((int32_t)(bits >> 23) - 127);
    bits = (bits & 0x7fffffu) | 0x3f800000u;
    float c;
    memcpy(&c, &bits, sizeof(c));
    float x = c - 1.0f;
    float v = sp_fused(x, 0x1.71dc58p-5f, -0x1.8c7160p-3f);
    v = sp_fused(x, v, 0x1.a9949ep-2f);
    v = sp_fused(x, v, -0x1.6b0eb0p-1f);
    v = sp_fused(x, v, 0x1.71217ap+0f);
    return sp_fused(x, v, e);
}

static uint8_t quantise(const struct sp_front_end_tables *t, float m)
{
    float v = sp_fused(log2_of(m), t->log_scale, t->log_offset);
    if (v < 0.0f)
        return 0;
    if (v >= t->max_value)
        return (uint8_t)t->max_value;
    return (uint8_t)(v + 0.5f);
}

void sp_front_end__scalar(const struct sp_front_end_tables *t, const int16_t *const *rows,
                          size_t frames, float *work, uint8_t *features)
{
    float *re = work, *im = re + t->window / 2, *p = im + t->window / 2;
    for (size_t f = 0; f < frames; f++) {
        first_pass(t, rows[f], (float *[]){re, im});
        transform(t, re, im);
        power(t, re, im, p);
        const float *weight = t->weights;
        for (size_t b = 0; b < t->bands; b++) {
            float m = 1.0f;
            for (size_t i = 0; i < t->bins[b]; i++)
                m = sp_fused(p[t->first[b] + i], weight[i], m);
            weight += t->bins[b];
            features[f * t->bands + b] = quantise(t, m);
        }
    }
}
