/* sndfile.h - what libsndfile decodes for us: FLAC, AIFF, AU, CAF, ADPCM and GSM in WAV.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_AUDIO_SNDFILE_H
#define SP_AUDIO_SNDFILE_H

#include "engine/audio/audio.h"
#include "engine/audio/format.h"

/* Decodes slice by slice into audio (begin and put). A stream that breaks off gives what came
 * before the break. The texts of its failures are ours: the library's own are process-wide.
 * Allocates; may take long for long clips, and asks audio's interrupt between slices.
 * Errors: SPARROW_BAD_AUDIO, SPARROW_UNSUPPORTED_MEDIA, and those of begin and put. */
int sp_sndfile_decode(const struct sp_input *in, struct sparrow_audio *audio,
                      struct sparrow_error *err);

#endif
