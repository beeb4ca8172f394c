/* kernels.h - the inner loops, behind one table.
 * What each one computes, to the last bit, is engine/ARITHMETIC.md; kernels/cpu/scalar is that page in C, and every
 * other variant gives the same bytes. Kernels never allocate, never fail, keep no state and know no models.
 * Threads: any; memory that a kernel writes belongs to the caller's thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_KERNELS_H
#define SP_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* ---- front end: samples -> features ---- */

/* How many frames one call may take, and the lanes of its working memory. */
#define SP_FRONT_END_LANES 8

/* The constants of ARITHMETIC.md section 2; half = window / 2. */
struct sp_front_end_tables {
    size_t window, bands;
    const float *hann;              /* window */
    const float *tr, *ti;           /* half: twiddles of the half-length transform */
    const float *pr, *pi;           /* half / 2 + 1: split twiddles */
    const uint16_t *reversed;       /* half: bit-reversed positions */
    const uint16_t *first, *bins;   /* bands: where the run of bins of a band begins, its length */
    const float *weights;           /* the bands' runs, one after the other */
    float log_scale, log_offset, max_value;
};

/* Floats of working memory, aligned to 64 bytes, for one call. */
static inline size_t sp_front_end_work_floats(size_t window)
{
    return SP_FRONT_END_LANES * (window + window / 2 + 1);
}

/* rows[f] points to the window's samples of frame f, f < frames <= SP_FRONT_END_LANES; features receives
 * frames x bands. */
typedef void (*sp_front_end_fn)(const struct sp_front_end_tables *t, const int16_t *const *rows,
                                size_t frames, float *work, uint8_t *features);

void sp_front_end__scalar(const struct sp_front_end_tables *t, const int16_t *const *rows,
                          size_t frames, float *work, uint8_t *features);

#endif
