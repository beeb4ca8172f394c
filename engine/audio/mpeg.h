/* mpeg.h - MP3 (and layers 1 and 2), by libmpg123.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_AUDIO_MPEG_H
#define SP_AUDIO_MPEG_H

#include "engine/audio/audio.h"
#include "engine/audio/format.h"

/* Decodes slice by slice into audio (begin and put). A stream that breaks off gives what came
 * before the break. Prints nothing, whatever the bytes are. Allocates, and asks audio's interrupt
 * between slices.
 * Errors: SPARROW_BAD_AUDIO (nothing decodable; the rate or the channels change in
 * mid-stream), SPARROW_TOO_LARGE (also for a body larger than the allowed seconds can fill), and
 * those of begin and put. */
int sp_mpeg_decode(const struct sp_input *in, struct sparrow_audio *audio,
                   struct sparrow_error *err);

#endif
