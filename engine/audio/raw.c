/* raw.c - samples without a header: the media type is all that is known about them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/audio/raw.h"

#include "engine/error.h"

#define G711_RATE_HZ 8000

static int open_as(const struct sp_input *in, enum sp_pcm_coding_id coding, struct sp_pcm *ret_pcm)
{
    const struct sp_media *media = in->media;
    *ret_pcm =
        (struct sp_pcm){sp_pcm_coding(coding), media->has_rate ? media->rate_hz : G711_RATE_HZ,
                        media->has_channels ? media->channels : 1, in->bytes, in->n};
    return SPARROW_OK;
}

int sp_raw_open_l16(const struct sp_input *in, struct sp_pcm *ret_pcm, struct sparrow_error *err)
{
    if (!in->media->has_rate)
        return sp_error_set(err, SPARROW_UNSUPPORTED_MEDIA,
                            "audio/l16 needs a sampling rate: \"audio/l16;rate=16000\".");
    return open_as(in, in->media->big_endian ? SP_PCM_S16BE : SP_PCM_S16LE, ret_pcm);
}

int sp_raw_open_mulaw(const struct sp_input *in, struct sp_pcm *ret_pcm, struct sparrow_error *err)
{
    (void)err;
    return open_as(in, SP_PCM_MULAW, ret_pcm);
}

int sp_raw_open_alaw(const struct sp_input *in, struct sp_pcm *ret_pcm, struct sparrow_error *err)
{
    (void)err;
    return open_as(in, SP_PCM_ALAW, ret_pcm);
}

int sp_raw_open_basic(const struct sp_input *in, struct sp_pcm *ret_pcm, struct sparrow_error *err)
{
    (void)err;
    *ret_pcm = (struct sp_pcm){sp_pcm_coding(SP_PCM_MULAW), G711_RATE_HZ, 1, in->bytes, in->n};
    return SPARROW_OK;
}
