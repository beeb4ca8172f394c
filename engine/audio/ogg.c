/* ogg.c - Ogg: pages to packets of the first stream, by libogg, and from there to the codec's
 * decoder.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/audio/ogg.h"

#include <string.h>

#include "engine/audio/opus.h"
#include "engine/audio/vorbis.h"
#include "engine/error.h"

#define FEED_BYTES 4096

void sp_ogg_init(struct sp_ogg *ogg, const struct sp_input *in)
{
    *ogg = (struct sp_ogg){.bytes = in->bytes, .n = in->n};
    ogg_sync_init(&ogg->sync);
}

void sp_ogg_done(struct sp_ogg *ogg)
{
    if (ogg->begun)
        ogg_stream_clear(&ogg->stream);
    ogg_sync_clear(&ogg->sync);
}

static bool feed(struct sp_ogg *ogg)
{
    size_t n = ogg->n - ogg->at < FEED_BYTES ? ogg->n - ogg->at : FEED_BYTES;
    char *room = n > 0 ? ogg_sync_buffer(&ogg->sync, (long)n) : NULL;
    if (room == NULL)
        return false;
    memcpy(room, ogg->bytes + ogg->at, n);
    ogg->at += n;
    return ogg_sync_wrote(&ogg->sync, (long)n) == 0;
}

/* The first page makes the stream; a second first page begins another clip, which is not ours. */
static bool take_page(struct sp_ogg *ogg, ogg_page *page)
{
    int serial = ogg_page_serialno(page);
    if (!ogg->begun) {
        if (ogg_stream_init(&ogg->stream, serial) != 0)
            return false;
        ogg->begun = true;
    } else if (ogg_page_bos(page) && ogg_page_serialno(page) == ogg->stream.serialno) {
        return false;
    }
    if (serial == ogg->stream.serialno)
        ogg_stream_pagein(&ogg->stream, page);
    return true;
}

enum sp_ogg_result sp_ogg_packet(struct sp_ogg *ogg, ogg_packet *ret_packet)
{
    for (;;) {
        int got = ogg->begun ? ogg_stream_packetout(&ogg->stream, ret_packet) : 0;
        if (got != 0)
            return got > 0 ? SP_OGG_PACKET : SP_OGG_HOLE;
        if (ogg->begun && ogg_stream_eos(&ogg->stream))
            return SP_OGG_END;
        ogg_page page;
        int paged = ogg_sync_pageout(&ogg->sync, &page);
        if (paged > 0 && !take_page(ogg, &page))
            return SP_OGG_END;
        if (paged == 0 && !feed(ogg))
            return SP_OGG_END;
    }
}

static bool begins(const ogg_packet *packet, const char *magic, long n)
{
    return packet->bytes >= n && memcmp(packet->packet, magic, (size_t)n) == 0;
}

/* An Ogg page says nothing about its codec; its first packet does (RFC 7845, 5.1; Vorbis I, 4.2.1).
 */
static int decode(struct sp_ogg *ogg, struct sparrow_audio *audio, struct sparrow_error *err)
{
    ogg_packet first;
    if (sp_ogg_packet(ogg, &first) != SP_OGG_PACKET)
        return sp_error_set(err, SPARROW_BAD_AUDIO, "The Ogg stream has no whole packet.");
    if (begins(&first, "\x01vorbis", 7))
        return sp_vorbis_decode(ogg, &first, audio, err);
    if (begins(&first, "OpusHead", 8))
        return sp_opus_decode(ogg, &first, audio, err);
    return sp_error_set(err, SPARROW_UNSUPPORTED_MEDIA,
                        "The Ogg stream's codec is not handled; Opus and Vorbis are.");
}

int sp_ogg_decode(const struct sp_input *in, struct sparrow_audio *audio, struct sparrow_error *err)
{
    struct sp_ogg ogg;
    sp_ogg_init(&ogg, in);
    int status = decode(&ogg, audio, err);
    sp_ogg_done(&ogg);
    return status;
}
