/* resample.c - mono s16 of any rate to 16 kHz, by libsoxr.
 *
 * HQ (20-bit accuracy) costs no more than the lower qualities at the rates people send; dither is
 * off, or else the same clip would give other features each time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/audio/resample.h"

#include <soxr.h>

#include "engine/error.h"

static int failed(struct sp_resample *r, struct sparrow_error *err)
{
    sp_resample_done(r);
    return sp_error_set(err, SPARROW_NO_MEMORY, "Out of memory for the resampler.");
}

int sp_resample_start(struct sp_resample *r, unsigned rate_hz, struct sparrow_error *err)
{
    if (r->soxr != NULL && r->rate_hz == rate_hz)
        return soxr_clear(r->soxr) == NULL ? SPARROW_OK : failed(r, err);
    sp_resample_done(r);
    soxr_io_spec_t io = soxr_io_spec(SOXR_INT16_I, SOXR_INT16_I);
    io.flags |= SOXR_NO_DITHER;
    soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
    soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
    soxr_error_t error = NULL;
    r->soxr = soxr_create(rate_hz, SP_RESAMPLE_OUT_HZ, 1, &error, &io, &quality, &runtime);
    if (r->soxr == NULL || error != NULL)
        return failed(r, err);
    r->rate_hz = rate_hz;
    return SPARROW_OK;
}

int sp_resample_run(struct sp_resample *r, const int16_t *in, size_t n, int16_t *out, size_t room,
                    size_t *ret_taken, size_t *ret_given, struct sparrow_error *err)
{
    size_t taken = 0, given = 0;
    if (soxr_process(r->soxr, in, n, in != NULL ? &taken : NULL, out, room, &given) != NULL)
        return failed(r, err);
    *ret_taken = taken;
    *ret_given = given;
    return SPARROW_OK;
}

void sp_resample_done(struct sp_resample *r)
{
    soxr_delete(r->soxr);
    *r = (struct sp_resample){.soxr = NULL};
}
