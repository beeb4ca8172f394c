/* word_bounds.c - where the speech of a word's second is, by energy.
 * The network says what was said, not when; so these times are a help for people, nothing is
 * decided by them. The network knows a word by less than the whole of it, and in longer audio its
 * best second often cuts the word's end off. So the loudest part is looked for inside the second,
 * but the word is followed over its edges: else the bounds would be those of the second, and not
 * move with the word.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/model/model.h"

#define SLICE_SAMPLES 160 /* 10 ms */
#define WORD_SLICES   (SP_FRONT_END_WORD_SAMPLES / SLICE_SAMPLES)
/* How far a word is followed over an edge: half a second. */
#define BEYOND_SLICES (WORD_SLICES / 2)
#define SLICES        (WORD_SLICES + 2 * BEYOND_SLICES)
/* Speech is what lies less than 25 dB under the peak and 6 dB over the noise; a stop consonant's
 * closure inside a word is shorter than 150 ms. */
#define UNDER_PEAK 316.227766 /* 25 dB as a ratio of energies */
#define OVER_NOISE 3.98107171 /* 6 dB */
#define GAP_SLICES 15
/* The noise is what a tenth of the slices stay under. */
#define NOISE_RANKS (SLICES / 10 + 1)

static_assert(SP_FRONT_END_WORD_SAMPLES % SLICE_SAMPLES == 0, "slices fill a word");
static_assert(SLICE_SAMPLES % 16 == 0, "what the kernel asks for");

size_t sparrow_loudness_count(size_t samples)
{
    return samples / SLICE_SAMPLES;
}

void sparrow_loudness(const struct sparrow_model *model, const int16_t *pcm, size_t samples,
                      uint64_t *ret_loudness)
{
    model->kernels.energies(pcm, SLICE_SAMPLES, sparrow_loudness_count(samples), ret_loudness);
}

static uint64_t noise_of(const uint64_t *loudness, size_t count)
{
    uint64_t least[NOISE_RANKS]; /* rising: the least seen so far */
    size_t rank = count / 10, kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept > rank && loudness[i] >= least[rank])
            continue;
        size_t at = kept > rank ? rank : kept++;
        for (; at > 0 && least[at - 1] > loudness[i]; at--)
            least[at] = least[at - 1];
        least[at] = loudness[i];
    }
    return least[rank];
}

/* The least loudness that is speech. One is added for each sample, so that silence is not zero. */
static uint64_t threshold_of(uint64_t peak, uint64_t noise)
{
    double under_peak = (double)(int64_t)(peak + SLICE_SAMPLES) / UNDER_PEAK;
    double over_noise = (double)(int64_t)(noise + SLICE_SAMPLES) * OVER_NOISE;
    return (uint64_t)(int64_t)ceil(fmax(under_peak, over_noise)) - SLICE_SAMPLES;
}

/* From the peak in one direction as far as speech reaches over gaps; step is 1 or -1. */
static size_t reach(const uint64_t *loudness, size_t count, size_t peak, ptrdiff_t step,
                    uint64_t threshold)
{
    ptrdiff_t last = (ptrdiff_t)peak;
    for (ptrdiff_t i = last; i >= 0 && i < (ptrdiff_t)count; i += step) {
        if (loudness[i] >= threshold)
            last = i;
        if ((i - last) * step > GAP_SLICES)
            break;
    }
    return (size_t)last;
}

static size_t at_most(size_t a, size_t b)
{
    return a < b ? a : b;
}

void sparrow_word_bounds(const uint64_t *loudness, size_t samples, size_t first,
                         double *ret_start_s, double *ret_end_s)
{
    const double rate = SP_FRONT_END_RATE_HZ;
    size_t left = first < samples ? samples - first : 0;
    size_t n = at_most(left, SP_FRONT_END_WORD_SAMPLES);
    *ret_start_s = (double)first / rate;
    *ret_end_s = (double)(first + n) / rate;
    if (n < SLICE_SAMPLES)
        return;

    size_t before = at_most(first / SLICE_SAMPLES, BEYOND_SLICES);
    size_t origin = first / SLICE_SAMPLES - before, end = before + n / SLICE_SAMPLES;
    size_t count = before + at_most(left / SLICE_SAMPLES, WORD_SLICES + BEYOND_SLICES);
    size_t peak = before;
    loudness += origin;
    uint64_t loudest = loudness[peak]; /* at hand: each comparison waits for the one before */
    for (size_t i = before + 1; i < end; i++)
        if (loudness[i] > loudest) {
            loudest = loudness[i];
            peak = i;
        }
    uint64_t threshold = threshold_of(loudest, noise_of(loudness, count));
    if (loudest < threshold)
        return;
    size_t from = reach(loudness, count, peak, -1, threshold),
           to = reach(loudness, count, peak, 1, threshold);
    *ret_start_s = (double)((origin + from) * SLICE_SAMPLES) / rate;
    *ret_end_s = (double)((origin + to + 1) * SLICE_SAMPLES) / rate;
}
