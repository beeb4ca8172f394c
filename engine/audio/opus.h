/* opus.h - Ogg Opus, by libopus.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_AUDIO_OPUS_H
#define SP_AUDIO_OPUS_H

#include "engine/audio/audio.h"
#include "engine/audio/ogg.h"

/* Decodes a stream whose first packet is `first`, slice by slice, into audio (begin and put), at 16
 * kHz: Opus has no rate of its own. A stream that breaks off gives what came before the break;
 * packets that are damaged are passed over.
 * Errors: SPARROW_BAD_AUDIO (damaged headers),
 * SPARROW_UNSUPPORTED_MEDIA (a channel mapping for other than loudspeakers), and those of begin and
 * put. */
int sp_opus_decode(struct sp_ogg *ogg, const ogg_packet *first, struct sparrow_audio *audio,
                   struct sparrow_error *err);

#endif
