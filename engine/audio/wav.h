/* wav.h - RIFF, RIFX and RF64 WAV files: where the samples are and how they are coded.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_AUDIO_WAV_H
#define SP_AUDIO_WAV_H

#include "engine/audio/format.h"

/* Reads the chunks up to the samples; never the samples. *ret_pcm points into the input. Its coding
 * is NULL for the compressed codings that libsndfile reads (IMA and MS ADPCM, GSM 6.10). PCM of 8,
 * 16, 24 and 32 bits, float of 32 and 64, mu-law and A-law come back as they lie there, plain or
 * extensible. A data size of 0, of ffffffff or beyond the end means: to the end of the input
 * (streaming encoders cannot go back to fill it in).
 * Errors: SPARROW_BAD_AUDIO (damaged),
 * SPARROW_UNSUPPORTED_MEDIA (a coding that is not handled). */
int sp_wav_open(const struct sp_input *in, struct sp_pcm *ret_pcm, struct sparrow_error *err);

#endif
