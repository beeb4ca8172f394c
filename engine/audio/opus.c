/* opus.c - Ogg Opus (RFC 7845), by libopus.
 *
 * Not through libsndfile, so that its Ogg reader, which leaks, is never entered; and libopus
 * decodes to 16 kHz at once, where libsndfile decodes to 48 kHz what was made at 44.1 or 48.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/audio/opus.h"

#include <opus_multistream.h>
#include <string.h>

#include "engine/error.h"

#define HEAD_BYTES    19 /* without the channel mapping */
#define MAPPING_AT    21
#define GRANULE_RATIO 3    /* positions count at 48 kHz */
#define MAX_FRAMES    1920 /* 120 ms, the longest packet, at 16 kHz */
_Static_assert(MAX_FRAMES <= SP_AUDIO_SLICE_FRAMES, "a packet fits into a slice");

struct head {
    unsigned channels, skip, streams, coupled;
    int gain; /* dB / 256 */
    uint8_t mapping[SP_AUDIO_MAX_CHANNELS];
};

/* Where in the stream we are, in positions of 48 kHz. */
struct position {
    int64_t page;  /* at the end of the last page that said */
    int64_t since; /* decoded behind it */
    unsigned skip; /* frames of 16 kHz still to be left out at the beginning */
};

static unsigned get16(const uint8_t *p)
{
    return (unsigned)p[1] << 8 | p[0];
}

static int damaged(struct sparrow_error *err)
{
    return sp_error_set(err, SPARROW_BAD_AUDIO,
                        "The Opus stream's headers are damaged or cut off.");
}

/* Family 0 is mono or stereo in one stream, family 1 up to eight loudspeakers in several; RFC
 * 7845, 5.1.1. */
static int read_mapping(const ogg_packet *first, struct head *head, struct sparrow_error *err)
{
    const uint8_t *p = first->packet;
    unsigned family = p[18];
    if (family == 0 && head->channels <= 2) {
        head->streams = 1;
        head->coupled = head->channels - 1;
        head->mapping[1] = 1;
        return SPARROW_OK;
    }
    if (family != 1)
        return sp_error_set(
            err, SPARROW_UNSUPPORTED_MEDIA,
            "The Opus stream's channel mapping (family %u, %u channels) is not handled.", family,
            head->channels);
    if ((size_t)first->bytes < MAPPING_AT + head->channels)
        return damaged(err);
    head->streams = p[19];
    head->coupled = p[20];
    memcpy(head->mapping, p + MAPPING_AT, head->channels);
    if (head->streams < 1 || head->streams > SP_AUDIO_MAX_CHANNELS || head->coupled > head->streams)
        return damaged(err);
    return SPARROW_OK;
}

static int read_head(const ogg_packet *first, struct sparrow_audio *audio, struct head *ret_head,
                     struct sparrow_error *err)
{
    struct head head = {.channels = 0};
    const uint8_t *p = first->packet;
    if (first->bytes < HEAD_BYTES || (p[8] & 0xf0) != 0) /* versions 0 to 15 are compatible */
        return damaged(err);
    head.channels = p[9];
    head.skip = get16(p + 10);
    head.gain = (int16_t)get16(p + 16);
    int status = sp_audio_begin(audio, "ogg", "opus", SP_AUDIO_RATE_HZ, head.channels, err);
    if (status == SPARROW_OK)
        status = read_mapping(first, &head, err);
    if (status == SPARROW_OK)
        *ret_head = head;
    return status;
}

static int read_tags(struct sp_ogg *ogg, struct sparrow_error *err)
{
    ogg_packet packet;
    if (sp_ogg_packet(ogg, &packet) != SP_OGG_PACKET || packet.bytes < 8 ||
        memcmp(packet.packet, "OpusTags", 8) != 0)
        return damaged(err);
    return SPARROW_OK;
}

/* How many of `frames` remain at the end of the stream, whose last page may end before its last
 * packet does. */
static size_t trim_end(const struct position *at, const ogg_packet *packet, size_t frames)
{
    int64_t said = packet->granulepos - at->page;
    if (!packet->e_o_s || packet->granulepos < 0 || said < 0 || said >= at->since)
        return frames;
    uint64_t excess = (uint64_t)(at->since - said) / GRANULE_RATIO;
    return excess < frames ? frames - (size_t)excess : 0;
}

static int put_packet(OpusMSDecoder *decoder, const ogg_packet *packet, struct position *at,
                      struct sparrow_audio *audio, struct sparrow_error *err)
{
    struct sp_audio_work *work = sp_audio_work(audio);
    if (work == NULL)
        return sp_error_set(err, SPARROW_NO_MEMORY, "Out of memory for a slice of samples.");
    int decoded = opus_multistream_decode(decoder, packet->packet, (opus_int32)packet->bytes,
                                          work->samples, MAX_FRAMES, 0);
    size_t frames = decoded > 0 ? (size_t)decoded : 0;
    at->since += (int64_t)frames * GRANULE_RATIO;
    size_t end = trim_end(at, packet, frames);
    if (packet->granulepos >= 0) {
        at->page = packet->granulepos;
        at->since = 0;
    }
    size_t begin = at->skip < end ? at->skip : end;
    at->skip -= (unsigned)begin;
    if (begin == end)
        return SPARROW_OK;
    return sp_audio_put(audio, work->samples + begin * audio->channels, end - begin, err);
}

static int read_packets(struct sp_ogg *ogg, const struct head *head, OpusMSDecoder *decoder,
                        struct sparrow_audio *audio, struct sparrow_error *err)
{
    struct position at = {.skip = head->skip / GRANULE_RATIO};
    for (;;) {
        ogg_packet packet;
        enum sp_ogg_result result = sp_ogg_packet(ogg, &packet);
        if (result == SP_OGG_END)
            return SPARROW_OK;
        int status = sp_audio_poll(audio, err); /* packets may be millions, and give nothing */
        if (status == SPARROW_OK && result == SP_OGG_PACKET && packet.bytes >= 1 &&
            packet.bytes <= INT32_MAX)
            status = put_packet(decoder, &packet, &at, audio, err);
        if (status != SPARROW_OK)
            return status;
    }
}

int sp_opus_decode(struct sp_ogg *ogg, const ogg_packet *first, struct sparrow_audio *audio,
                   struct sparrow_error *err)
{
    struct head head;
    int status = read_head(first, audio, &head, err);
    if (status == SPARROW_OK)
        status = read_tags(ogg, err);
    if (status != SPARROW_OK)
        return status;
    int error = OPUS_OK;
    OpusMSDecoder *decoder =
        opus_multistream_decoder_create(SP_AUDIO_RATE_HZ, (int)head.channels, (int)head.streams,
                                        (int)head.coupled, head.mapping, &error);
    if (decoder == NULL)
        return error == OPUS_BAD_ARG
                   ? damaged(err)
                   : sp_error_set(err, SPARROW_NO_MEMORY, "Out of memory for the Opus decoder.");
    opus_multistream_decoder_ctl(decoder, OPUS_SET_GAIN(head.gain));
    status = read_packets(ogg, &head, decoder, audio, err);
    opus_multistream_decoder_destroy(decoder);
    return status;
}
