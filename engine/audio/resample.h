/* resample.h - mono s16 of any rate to 16 kHz, by libsoxr.
 * A resampler belongs to one thread at a time. Its output is not promised to the last bit from one
 * build of the library to the next (ARITHMETIC.md begins behind it); within one process equal input
 * gives equal output.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_AUDIO_RESAMPLE_H
#define SP_AUDIO_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/sparrow.h"

#define SP_RESAMPLE_OUT_HZ 16000

struct soxr;
struct sp_resample {
    struct soxr *soxr; /* NULL: none yet */
    unsigned rate_hz;  /* it was made for this rate */
};

/* Makes r ready for a new clip; what it has from a clip of the same rate is used again. r begins as
 * {0}.
 * Errors: SPARROW_NO_MEMORY. */
int sp_resample_start(struct sp_resample *r, unsigned rate_hz, struct sparrow_error *err);

/* Takes up to n samples and gives up to room; in == NULL: the clip has ended, give what is still
 * inside (call until it gives 0). The filter's delay is taken out: output sample k lies at k /
 * 16000 s.
 * Errors: SPARROW_NO_MEMORY. */
int sp_resample_run(struct sp_resample *r, const int16_t *in, size_t n, int16_t *out, size_t room,
                    size_t *ret_taken, size_t *ret_given, struct sparrow_error *err);

void sp_resample_done(struct sp_resample *r);

#endif
