/* front_end.c - the constants of the front end, and which samples go into which frame.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/features/front_end.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/error.h"

#define SLOPE_SCALE 0.25f

struct sp_front_end {
    struct sp_front_end_tables tables;
    size_t hop;
    float *floats;      /* one block for all float tables */
    uint16_t *integers; /* one block for all integer tables */
};

/* sin(pi * q), cos(pi * q) for 0 <= q <= 1/4: the polynomials of the page, so that no libm decides
 * a bit. */
static double sinpi_small(double q)
{
    const double s3 = -1.0 / 6, s5 = 1.0 / 120, s7 = -1.0 / 5040, s9 = 1.0 / 362880,
                 s11 = -1.0 / 39916800, s13 = 1.0 / 6227020800;
    double x = q * 3.14159265358979323846, x2 = x * x;
    return x * (1 + x2 * (s3 + x2 * (s5 + x2 * (s7 + x2 * (s9 + x2 * (s11 + x2 * s13))))));
}

static double cospi_small(double q)
{
    const double c2 = -1.0 / 2, c4 = 1.0 / 24, c6 = -1.0 / 720, c8 = 1.0 / 40320,
                 c10 = -1.0 / 3628800, c12 = 1.0 / 479001600, c14 = -1.0 / 87178291200;
    double x = q * 3.14159265358979323846, x2 = x * x;
    return 1 + x2 * (c2 + x2 * (c4 + x2 * (c6 + x2 * (c8 + x2 * (c10 + x2 * (c12 + x2 * c14))))));
}

/* cos and sin after i of n steps round the circle; n is a power of two, at least 8. */
static double circle_cos(size_t i, size_t n)
{
    i %= n;
    if (i > n / 2)
        i = n - i;
    if (i > n / 4)
        return -circle_cos(n / 2 - i, n);
    if (i <= n / 8)
        return cospi_small(2.0 * (double)i / (double)n);
    return sinpi_small(2.0 * (double)(n / 4 - i) / (double)n);
}

static double circle_sin(size_t i, size_t n)
{
    return circle_cos(i + n - n / 4, n);
}

static int check(const struct sp_front_end_params *p, struct sparrow_error *err)
{
    if (p->window < 64 || p->window > 2048 || (p->window & (p->window - 1)) != 0)
        return sp_error_set(err, SPARROW_BAD_MODEL,
                            "front_end: window %u is not a power of two from 64 to 2048",
                            p->window);
    if (p->frames < 1 || p->frames > SP_FRONT_END_WORD_SAMPLES ||
        (uint64_t)p->hop * p->frames != SP_FRONT_END_WORD_SAMPLES)
        return sp_error_set(err, SPARROW_BAD_MODEL,
                            "front_end: %u frames of %u samples are not a word of %d samples",
                            p->frames, p->hop, SP_FRONT_END_WORD_SAMPLES);
    if (p->bands < 1 || p->bands > SP_FRONT_END_MAX_BANDS)
        return sp_error_set(err, SPARROW_BAD_MODEL, "front_end: %u bands, 1 to %d are possible",
                            p->bands, SP_FRONT_END_MAX_BANDS);
    if (p->max_value < 1 || p->max_value > 255)
        return sp_error_set(err, SPARROW_BAD_MODEL,
                            "front_end: max_value %u, 1 to 255 are possible", p->max_value);
    if (!(fabsf(p->log_scale) <= 1e6f) || !(fabsf(p->log_offset) <= 1e6f))
        return sp_error_set(
            err, SPARROW_BAD_MODEL,
            "front_end: log_scale or log_offset is beyond a million, or not a number");
    for (size_t i = 0; i < p->bands + 2u; i++) {
        float edge = p->band_edges_hz[i];
        if (!(edge >= 0.0f && edge <= SP_FRONT_END_RATE_HZ) ||
            (i > 0 && !(edge > p->band_edges_hz[i - 1])))
            return sp_error_set(err, SPARROW_BAD_MODEL,
                                "front_end: band edge %zu is outside 0 to %d Hz or does not rise",
                                i, SP_FRONT_END_RATE_HZ);
    }
    return SPARROW_OK;
}

/* The weight of bin k in band b; not positive outside of the triangle. */
static float mel_weight(const struct sp_front_end_params *p, size_t b, size_t k)
{
    double hz = (double)k * 16000.0 / (double)p->window;
    double low = (double)p->band_edges_hz[b], mid = (double)p->band_edges_hz[b + 1];
    double high = (double)p->band_edges_hz[b + 2];
    double up = (hz - low) / (mid - low), down = (high - hz) / (high - mid);
    return (float)(up < down ? up : down);
}

/* Fills first, bins and (if not NULL) weights. Returns how many weights there are; 0 if a band has
 * none, and *ret_empty says which. */
static size_t mel_filters(const struct sp_front_end_params *p, uint16_t *first, uint16_t *bins,
                          float *weights, size_t *ret_empty)
{
    size_t total = 0;
    for (size_t b = 0; b < p->bands; b++) {
        first[b] = bins[b] = 0;
        for (size_t k = 0; k <= p->window / 2; k++) {
            float w = mel_weight(p, b, k);
            if (!(w > 0.0f))
                continue;
            if (bins[b]++ == 0)
                first[b] = (uint16_t)k;
            if (weights != NULL)
                weights[total] = w;
            total++;
        }
        if (bins[b] == 0) {
            *ret_empty = b;
            return 0;
        }
    }
    return total;
}

/* Segment b holds the bins from edge b up to edge b + 1, in which band b - 1 falls and band b
 * rises. Fills segments and (if not NULL) slopes; returns how many bins there are. */
static size_t mel_segments(const struct sp_front_end_params *p, uint16_t *segments, float *slopes,
                           size_t *ret_first)
{
    size_t total = 0, k = 0;
    while (k <= p->window / 2 &&
           (double)k * 16000.0 / (double)p->window < (double)p->band_edges_hz[0])
        k++;
    *ret_first = k;
    for (size_t b = 0; b <= p->bands; b++) {
        segments[b] = 0;
        for (; k <= p->window / 2 &&
               (double)k * 16000.0 / (double)p->window < (double)p->band_edges_hz[b + 1];
             k++) {
            float falling = b > 0 ? mel_weight(p, b - 1, k) : 0.0f;
            float rising = b < p->bands ? mel_weight(p, b, k) : 0.0f;
            if (slopes != NULL) {
                slopes[2 * total] = falling > 0.0f ? falling * SLOPE_SCALE : 0.0f;
                slopes[2 * total + 1] = rising > 0.0f ? rising * SLOPE_SCALE : 0.0f;
            }
            segments[b]++;
            total++;
        }
    }
    return total;
}

static void fill_circle(struct sp_front_end *fe, float *hann, float *tr, float *ti, float *pr,
                        float *pi)
{
    size_t n = fe->tables.window, half = n / 2;
    for (size_t i = 0; i < n; i++)
        hann[i] = (float)(0.5 - 0.5 * circle_cos(i, n));
    for (size_t i = 0; i < half; i++) {
        tr[i] = (float)circle_cos(2 * i, n);
        ti[i] = (float)-circle_sin(2 * i, n);
    }
    for (size_t k = 0; k <= half / 2; k++) {
        pr[k] = (float)circle_cos(k, n);
        pi[k] = (float)-circle_sin(k, n);
    }
}

static void fill_reversed(uint16_t *reversed, size_t half)
{
    reversed[0] = 0;
    for (size_t i = 1; i < half; i++)
        reversed[i] = (uint16_t)(reversed[i / 2] / 2 + (i % 2 != 0 ? half / 2 : 0));
}

/* fe->integers is there; makes the float tables. */
static int fill(struct sp_front_end *fe, const struct sp_front_end_params *p,
                struct sparrow_error *err)
{
    size_t n = p->window, half = n / 2, split = half / 2 + 1, empty = 0;
    uint16_t *first = fe->integers + half, *bins = first + p->bands;
    size_t weights = mel_filters(p, first, bins, NULL, &empty);
    if (weights == 0)
        return sp_error_set(err, SPARROW_BAD_MODEL,
                            "front_end: band %zu holds no bin of the %u point transform", empty,
                            p->window);
    uint16_t *segments = bins + p->bands;
    size_t slopes = mel_segments(p, segments, NULL, &fe->tables.first_bin);
    fe->floats = calloc(n + 2 * half + 2 * split + weights + 2 * slopes, sizeof(float));
    if (fe->floats == NULL)
        return sp_error_set(err, SPARROW_NO_MEMORY, "no memory for the front end");

    float *hann = fe->floats, *tr = hann + n, *ti = tr + half, *pr = ti + half, *pi = pr + split;
    float *mel = pi + split; /* tr to pi in one block, as kernels.h says */
    fill_circle(fe, hann, tr, ti, pr, pi);
    fill_reversed(fe->integers, half);
    mel_filters(p, first, bins, mel, &empty);
    mel_segments(p, segments, mel + weights, &fe->tables.first_bin);
    fe->tables.hann = hann;
    fe->tables.tr = tr;
    fe->tables.ti = ti;
    fe->tables.pr = pr;
    fe->tables.pi = pi;
    fe->tables.reversed = fe->integers;
    fe->tables.first = first;
    fe->tables.bins = bins;
    fe->tables.weights = mel;
    fe->tables.segments = segments;
    fe->tables.slopes = mel + weights;
    return SPARROW_OK;
}

int sp_front_end_new(const struct sp_front_end_params *params, struct sp_front_end **ret_front_end,
                     struct sparrow_error *err)
{
    int status = check(params, err);
    if (status < 0)
        return status;
    struct sp_front_end *fe = calloc(1, sizeof(*fe));
    if (fe == NULL)
        return sp_error_set(err, SPARROW_NO_MEMORY, "no memory for the front end");
    fe->tables.window = params->window;
    fe->tables.bands = params->bands;
    fe->tables.log_scale = params->log_scale;
    fe->tables.log_offset = params->log_offset;
    fe->tables.max_value = (float)params->max_value;
    fe->hop = params->hop;
    fe->integers = calloc(params->window / 2 + 3u * params->bands + 1u, sizeof(uint16_t));
    if (fe->integers == NULL) {
        status = sp_error_set(err, SPARROW_NO_MEMORY, "no memory for the front end");
        goto fail;
    }
    status = fill(fe, params, err);
    if (status < 0)
        goto fail;
    *ret_front_end = fe;
    return SPARROW_OK;

fail:
    sp_front_end_free(fe);
    return status;
}

void sp_front_end_free(struct sp_front_end *front_end)
{
    if (front_end == NULL)
        return;
    free(front_end->floats);
    free(front_end->integers);
    free(front_end);
}

/* The transforms' memory, then one row of samples per lane for frames that reach over the clip's
 * ends. */
static size_t rows_offset(const struct sp_front_end *fe)
{
    return (sp_front_end_work_floats(fe->tables.window) * sizeof(float) + 63) / 64 * 64;
}

size_t sp_front_end_work_bytes(const struct sp_front_end *front_end)
{
    return rows_offset(front_end) + SP_FRONT_END_LANES * front_end->tables.window * sizeof(int16_t);
}

/* The samples of a frame: in place where the clip has them all, else a copy between zeros. */
static const int16_t *frame_samples(const struct sp_front_end *fe, const int16_t *pcm,
                                    size_t samples, size_t frame, int16_t *row)
{
    size_t n = fe->tables.window, end = (frame + 1) * fe->hop;
    if (end >= n && end <= samples)
        return pcm + (end - n);
    size_t before = end < n ? n - end : 0; /* zeros in front */
    size_t from = end < n ? 0 : end - n, to = end < samples ? end : samples;
    memset(row, 0, n * sizeof(*row));
    if (from < to)
        memcpy(row + before, pcm + from, (to - from) * sizeof(*row));
    return row;
}

void sp_front_end_run(const struct sp_front_end *front_end, sp_front_end_fn kernel, void *work,
                      const int16_t *pcm, size_t samples, size_t first_frame, size_t frames,
                      uint8_t *ret_features)
{
    const struct sp_front_end *fe = front_end;
    int16_t *copies = (int16_t *)(void *)((char *)work + rows_offset(fe));
    for (size_t done = 0; done < frames; done += SP_FRONT_END_LANES) {
        size_t n = frames - done < SP_FRONT_END_LANES ? frames - done : SP_FRONT_END_LANES;
        const int16_t *rows[SP_FRONT_END_LANES];
        for (size_t f = 0; f < n; f++)
            rows[f] = frame_samples(fe, pcm, samples, first_frame + done + f,
                                    copies + f * fe->tables.window);
        kernel(&fe->tables, rows, n, work, ret_features + done * fe->tables.bands);
    }
}
