/* front_end.c - samples to features, one frame after the other: ARITHMETIC.md section 2 as it is
 * written. The order of operations is the contract: no fused multiply-add, nothing re-associated.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

#include <assert.h>
#include <float.h>
#include <string.h>

static_assert(FLT_EVAL_METHOD == 0, "each float operation rounds to float");

static void load(const struct sp_front_end_tables *t, const int16_t *row, float *re, float *im)
{
    for (size_t m = 0; m < t->window / 2; m++) {
        size_t to = t->reversed[m];
        re[to] = (float)row[2 * m] * t->hann[2 * m];
        im[to] = (float)row[2 * m + 1] * t->hann[2 * m + 1];
    }
}

static void butterfly(float *re, float *im, size_t a, size_t b, float ur, float ui)
{
    float ar = re[a], ai = im[a];
    re[a] = ar + ur;
    im[a] = ai + ui;
    re[b] = ar - ur;
    im[b] = ai - ui;
}

static void transform(const struct sp_front_end_tables *t, float *re, float *im)
{
    size_t half = t->window / 2;
    for (size_t len = 2; len <= half; len *= 2) {
        size_t step = half / len;
        for (size_t start = 0; start < half; start += len) {
            size_t mid = start + len / 2;
            butterfly(re, im, start, mid, re[mid], im[mid]);
            for (size_t j = 1; j < len / 2; j++) {
                float tr = t->tr[j * step], ti = t->ti[j * step];
                float br = re[mid + j], bi = im[mid + j];
                butterfly(re, im, start + j, mid + j, br * tr - bi * ti, br * ti + bi * tr);
            }
        }
    }
}

static void power(const struct sp_front_end_tables *t, const float *re, const float *im, float *p)
{
    size_t half = t->window / 2;
    for (size_t k = 0; k <= half / 2; k++) {
        size_t mirror = (half - k) % half;
        float er = 0.5f * (re[k] + re[mirror]), ei = 0.5f * (im[k] - im[mirror]);
        float or = 0.5f * (im[k] + im[mirror]), oi = 0.5f * (re[mirror] - re[k]);
        float vr = or *t->pr[k] - oi * t->pi[k], vi = or *t->pi[k] + oi * t->pr[k];
        float xr = er + vr, xi = ei + vi, yr = er - vr, yi = ei - vi;
        p[k] = xr * xr + xi * xi;
        p[half - k] = yr * yr + yi * yi;
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
    return e + x * (0x1.71217ap+0f +
                    x * (-0x1.6b0eb0p-1f +
                         x * (0x1.a9949ep-2f + x * (-0x1.8c7160p-3f + x * 0x1.71dc58p-5f))));
}

static uint8_t quantise(const struct sp_front_end_tables *t, float m)
{
    float v = log2_of(m) * t->log_scale + t->log_offset;
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
        load(t, rows[f], re, im);
        transform(t, re, im);
        power(t, re, im, p);
        const float *weight = t->weights;
        for (size_t b = 0; b < t->bands; b++) {
            float m = 1.0f;
            for (size_t i = 0; i < t->bins[b]; i++)
                m += p[t->first[b] + i] * weight[i];
            weight += t->bins[b];
            features[f * t->bands + b] = quantise(t, m);
        }
    }
}
