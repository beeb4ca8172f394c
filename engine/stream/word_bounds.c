/* word_bounds.c - where in a word's second the speech is, by energy.
 * The network says what was said, not when; so these times are a help for people, nothing is
 * decided by them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/model/model.h"

#define SLICE_SAMPLES 160 /* 10 ms */
#define SLICES        (SP_FRONT_END_WORD_SAMPLES / SLICE_SAMPLES)
/* Speech is what lies less than 25 dB under the peak and 6 dB over the noise; a stop consonant's
 * closure inside a word is shorter than 150 ms. */
#define UNDER_PEAK_DB 25.0
#define OVER_NOISE_DB 6.0
#define GAP_SLICES    15

static_assert(SP_FRONT_END_WORD_SAMPLES % SLICE_SAMPLES == 0, "slices fill a word");

/* Energy of each whole slice in dB over one unit of s16, never below 0. Returns their count. */
static size_t energies(const int16_t *pcm, size_t n, double *db)
{
    size_t count = n / SLICE_SAMPLES;
    for (size_t i = 0; i < count; i++) {
        uint64_t sum = 0; /* of integers: no chain of additions that waits for each other */
        for (size_t j = 0; j < SLICE_SAMPLES; j++) {
            int32_t v = pcm[i * SLICE_SAMPLES + j];
            sum += (uint32_t)(v * v);
        }
        db[i] = 10 * log10(1 + (double)sum / SLICE_SAMPLES);
    }
    return count;
}

/* The energy that a tenth of the slices stay under. */
static double noise_of(const double *db, size_t count)
{
    double sorted[SLICES];
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        for (; at > 0 && sorted[at - 1] > db[i]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = db[i];
    }
    return sorted[count / 10];
}

/* From the peak in one direction as far as speech reaches over gaps; step is 1 or -1. */
static size_t reach(const double *db, size_t count, size_t peak, ptrdiff_t step, double threshold)
{
    ptrdiff_t last = (ptrdiff_t)peak;
    for (ptrdiff_t i = last; i >= 0 && i < (ptrdiff_t)count; i += step) {
        if (db[i] >= threshold)
            last = i;
        if ((i - last) * step > GAP_SLICES)
            break;
    }
    return (size_t)last;
}

void sparrow_word_bounds(const struct sparrow_model *model, const int16_t *pcm, size_t samples,
                         size_t first, double *ret_start_s, double *ret_end_s)
{
    (void)model; /* every word is one second */
    const double rate = SP_FRONT_END_RATE_HZ;
    size_t n = first < samples ? samples - first : 0;
    n = n < SP_FRONT_END_WORD_SAMPLES ? n : SP_FRONT_END_WORD_SAMPLES;
    *ret_start_s = (double)first / rate;
    *ret_end_s = (double)(first + n) / rate;

    double db[SLICES];
    size_t count = energies(n > 0 ? pcm + first : pcm, n, db);
    if (count == 0)
        return;
    size_t peak = 0;
    for (size_t i = 1; i < count; i++)
        peak = db[i] > db[peak] ? i : peak;
    double threshold = fmax(db[peak] - UNDER_PEAK_DB, noise_of(db, count) + OVER_NOISE_DB);
    if (db[peak] < threshold)
        return;
    size_t from = reach(db, count, peak, -1, threshold), to = reach(db, count, peak, 1, threshold);
    *ret_start_s = (double)(first + from * SLICE_SAMPLES) / rate;
    *ret_end_s = (double)(first + (to + 1) * SLICE_SAMPLES) / rate;
}
