/* front_end.h - 16 kHz mono samples to frames x bands bytes (ARITHMETIC.md section 2).
 * Threads: a front end is immutable once made and may be used by any number of threads; work memory
 * belongs to one call.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_FRONT_END_H
#define SP_FRONT_END_H

#include "engine/sparrow.h"
#include "kernels/cpu/kernels.h"

#define SP_FRONT_END_WORD_SAMPLES 16000
#define SP_FRONT_END_RATE_HZ      16000
#define SP_FRONT_END_MAX_BANDS    256

struct sp_front_end_params {
    uint32_t window, hop, frames, bands;
    const float *band_edges_hz; /* bands + 2; not needed once sp_front_end_new() has returned */
    float log_scale, log_offset;
    uint32_t max_value;
};

struct sp_front_end;

/* Checks the parameters and makes the tables. The caller owns *ret_front_end.
 * Errors: SPARROW_BAD_MODEL (a parameter is out of range; the text names it), SPARROW_NO_MEMORY. */
int sp_front_end_new(const struct sp_front_end_params *params, struct sp_front_end **ret_front_end,
                     struct sparrow_error *err);
void sp_front_end_free(struct sp_front_end *front_end);

/* Working memory for sp_front_end_run(), to be aligned to 64 bytes. */
size_t sp_front_end_work_bytes(const struct sp_front_end *front_end);

/* Rows [first_frame, first_frame + frames) of a clip of `samples` samples: ret_features receives
 * frames x bands bytes. Samples outside the clip are 0. Never allocates, cannot fail. */
void sp_front_end_run(const struct sp_front_end *front_end, sp_front_end_fn kernel, void *work,
                      const int16_t *pcm, size_t samples, size_t first_frame, size_t frames,
                      uint8_t *ret_features);

#endif
