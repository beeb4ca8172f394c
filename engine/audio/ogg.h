/* ogg.h - Ogg: pages to packets of the first stream, by libogg, and from there to the codec's
 * decoder.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_AUDIO_OGG_H
#define SP_AUDIO_OGG_H

#include <ogg/ogg.h>
#include <stdbool.h>

#include "engine/audio/audio.h"
#include "engine/audio/format.h"

/* Decodes Vorbis and Opus. Errors: SPARROW_BAD_AUDIO (no packet), SPARROW_UNSUPPORTED_MEDIA
 * (another codec), and those of the two decoders (vorbis.h, opus.h). */
int sp_ogg_decode(const struct sp_input *in, struct sparrow_audio *audio,
                  struct sparrow_error *err);

/* A reader of packets; the input must outlive it. Fields are its own. */
struct sp_ogg {
    ogg_sync_state sync;
    ogg_stream_state stream;
    const uint8_t *bytes;
    size_t n, at;
    bool begun; /* the first page is in */
};

void sp_ogg_init(struct sp_ogg *ogg, const struct sp_input *in);
void sp_ogg_done(struct sp_ogg *ogg);

enum sp_ogg_result {
    SP_OGG_END,    /* of the input, or of the first stream in it */
    SP_OGG_PACKET, /* *ret_packet is valid until the next call */
    SP_OGG_HOLE    /* bytes were damaged or are missing here; ask again */
};

/* The next packet of the first stream; pages of other streams beside it are passed over. Allocates
 * as packets grow, never more than the input holds. */
enum sp_ogg_result sp_ogg_packet(struct sp_ogg *ogg, ogg_packet *ret_packet);

#endif
