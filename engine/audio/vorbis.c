/* vorbis.c - Ogg Vorbis, by libvorbis.
 *
 * Not through libsndfile, which leaks the codec's tables (5.8 kB and up) for each stream whose
 * headers break off: enough requests of that kind would fill the memory of a daemon. And not before
 * the codebooks have been measured: two bits of a setup header can stand for millions of table
 * entries, and a packet of a few kilobytes for gigabytes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/audio/vorbis.h"

#include <string.h>
#include <vorbis/codec.h>

#include "engine/error.h"

#define HEADER_PACKETS    3
#define MAX_TABLE_NUMBERS 500000 /* of four bytes; encoders in use stay under 80,000 */

/* ---- measuring the codebooks (Vorbis I, 3.2.1 and 4.2.4) ---- */

/* Bits from the lowest up. Beyond the end they are 0, and `over` tells. */
struct bits {
    const uint8_t *bytes;
    uint64_t n, at; /* in bits */
    bool over;
};

static uint32_t get(struct bits *b, unsigned count)
{
    uint32_t x = 0;
    if (count > b->n - b->at) {
        b->over = true;
        b->at = b->n;
        return 0;
    }
    for (unsigned i = 0; i < count; i++, b->at++)
        x |= (uint32_t)(b->bytes[b->at / 8] >> (b->at % 8) & 1) << i;
    return x;
}

static void skip(struct bits *b, uint64_t count)
{
    b->over |= count > b->n - b->at;
    b->at = b->over ? b->n : b->at + count;
}

/* Bits that it takes to write x; none for 0. */
static unsigned width(uint32_t x)
{
    return x == 0 ? 0 : 32 - (unsigned)__builtin_clz(x);
}

/* The lengths of the codewords, by themselves: nothing is kept. */
static void skip_lengths(struct bits *b, uint32_t entries)
{
    if (get(b, 1)) { /* ordered: runs of equal lengths */
        uint32_t length = get(b, 5) + 1;
        for (uint32_t entry = 0; entry < entries && !b->over; length++) {
            uint32_t run = get(b, width(entries - entry));
            b->over |= run > entries - entry || length > 32;
            entry += run;
        }
    } else if (get(b, 1)) { /* sparse: some entries have none */
        for (uint32_t entry = 0; entry < entries && !b->over; entry++)
            if (get(b, 1))
                skip(b, 5);
    } else {
        skip(b, 5 * (uint64_t)entries);
    }
}

/* The largest root with root^dimensions <= entries. */
static uint64_t lattice_side(uint32_t entries, uint32_t dimensions)
{
    uint64_t side = 0;
    if (dimensions == 1)
        return entries;
    for (;; side++) {
        uint64_t product = 1;
        for (uint32_t i = 0; i < dimensions && product <= entries; i++)
            product *= side + 1;
        if (product > entries)
            return side;
    }
}

static uint64_t codebook_numbers(struct bits *b)
{
    b->over |= get(b, 24) != 0x564342;
    uint32_t dimensions = get(b, 16), entries = get(b, 24);
    /* libvorbis's own bound; it also keeps the root above short of 2^24 steps of one dimension */
    b->over |= width(dimensions) + width(entries) > 24 || dimensions == 0 || entries == 0;
    if (b->over)
        return 0;
    skip_lengths(b, entries);
    uint32_t lookup = get(b, 4);
    uint64_t numbers = (uint64_t)entries * (1 + dimensions);
    if (lookup == 0)
        return numbers;
    skip(b, 64);
    uint64_t value_bits = get(b, 4) + 1;
    skip(b, 1);
    b->over |= lookup > 2;
    if (b->over || numbers > MAX_TABLE_NUMBERS)
        return numbers;
    skip(b, value_bits *
                (lookup == 1 ? lattice_side(entries, dimensions) : (uint64_t)entries * dimensions));
    return numbers;
}

int sp_vorbis_table_size(const uint8_t *packet, size_t n, uint64_t *ret_numbers,
                         struct sparrow_error *err)
{
    struct bits b = {.bytes = packet, .n = (uint64_t)n * 8};
    b.over = n < 8 || memcmp(packet, "\x05vorbis", 7) != 0;
    skip(&b, 56);
    uint32_t books = get(&b, 8) + 1;
    uint64_t numbers = 0;
    for (uint32_t i = 0; i < books && !b.over && numbers <= MAX_TABLE_NUMBERS; i++)
        numbers += codebook_numbers(&b);
    if (b.over)
        return sp_error_set(err, SPARROW_BAD_AUDIO, "The Vorbis stream's setup header is damaged.");
    *ret_numbers = numbers;
    return SPARROW_OK;
}

/* ---- decoding ---- */

static int damaged(struct sparrow_error *err)
{
    return sp_error_set(err, SPARROW_BAD_AUDIO,
                        "The Vorbis stream's headers are damaged or cut off.");
}

/* Nobody reads the comments, and millions of empty ones would make millions of blocks: the library
 * is given none. */
static bool take_comments(ogg_packet *packet)
{
    static const uint8_t none[] = "\x03vorbis\0\0\0\0\0\0\0\0\x01";
    if (packet->bytes < 7 || memcmp(packet->packet, none, 7) != 0)
        return false;
    packet->packet = (unsigned char *)none; /* read only, though its type does not say so */
    packet->bytes = sizeof(none) - 1;
    return true;
}

/* Identification, comments, setup. */
static int read_headers(struct sp_ogg *ogg, const ogg_packet *first, vorbis_info *info,
                        vorbis_comment *comment, struct sparrow_error *err)
{
    ogg_packet packet = *first;
    for (unsigned i = 0; i < HEADER_PACKETS; i++) {
        if (i > 0 && sp_ogg_packet(ogg, &packet) != SP_OGG_PACKET)
            return damaged(err);
        if (i == 1 && !take_comments(&packet))
            return damaged(err);
        if (i == 2) {
            uint64_t numbers;
            int status = sp_vorbis_table_size(packet.packet, (size_t)packet.bytes, &numbers, err);
            if (status != SPARROW_OK)
                return status;
            if (numbers > MAX_TABLE_NUMBERS)
                return sp_error_set(
                    err, SPARROW_BAD_AUDIO,
                    "The Vorbis stream's tables have more than the %d numbers allowed.",
                    MAX_TABLE_NUMBERS);
        }
        if (vorbis_synthesis_headerin(info, comment, &packet) != 0)
            return damaged(err);
    }
    return SPARROW_OK;
}

/* Planes of floats to interleaved s16. */
static void interleave(float **planes, size_t frames, unsigned channels, struct sp_audio_work *work)
{
    for (unsigned c = 0; c < channels; c++)
        for (size_t i = 0; i < frames; i++)
            work->floats[i * channels + c] = planes[c][i];
    sp_pcm_from_float(work->floats, frames * channels, work->samples);
}

static int drain(vorbis_dsp_state *dsp, struct sparrow_audio *audio, struct sp_audio_work *work,
                 struct sparrow_error *err)
{
    for (;;) {
        float **planes;
        int ready = vorbis_synthesis_pcmout(dsp, &planes);
        if (ready <= 0)
            return SPARROW_OK;
        int frames = ready < SP_AUDIO_SLICE_FRAMES ? ready : SP_AUDIO_SLICE_FRAMES;
        interleave(planes, (size_t)frames, audio->channels, work);
        vorbis_synthesis_read(dsp, frames);
        int status = sp_audio_put(audio, work->samples, (size_t)frames, err);
        if (status != SPARROW_OK)
            return status;
    }
}

/* Packets to the end; what is damaged between them is passed over. */
static int read_packets(struct sp_ogg *ogg, vorbis_dsp_state *dsp, vorbis_block *block,
                        struct sparrow_audio *audio, struct sparrow_error *err)
{
    struct sp_audio_work *work = sp_audio_work(audio);
    if (work == NULL)
        return sp_error_set(err, SPARROW_NO_MEMORY, "Out of memory for a slice of samples.");
    for (;;) {
        ogg_packet packet;
        enum sp_ogg_result result = sp_ogg_packet(ogg, &packet);
        if (result == SP_OGG_END)
            return SPARROW_OK;
        int status = sp_audio_poll(audio, err); /* packets may be millions, and give nothing */
        if (status == SPARROW_OK && result == SP_OGG_PACKET &&
            vorbis_synthesis(block, &packet) == 0) {
            vorbis_synthesis_blockin(dsp, block);
            status = drain(dsp, audio, work, err);
        }
        if (status != SPARROW_OK)
            return status;
    }
}

static int decode(struct sp_ogg *ogg, vorbis_info *info, struct sparrow_audio *audio,
                  struct sparrow_error *err)
{
    if (info->rate < 0 || info->rate > INT32_MAX || info->channels < 0)
        return damaged(err);
    int status =
        sp_audio_begin(audio, "ogg", "vorbis", (unsigned)info->rate, (unsigned)info->channels, err);
    if (status != SPARROW_OK)
        return status;
    vorbis_dsp_state dsp;
    vorbis_block block;
    if (vorbis_synthesis_init(&dsp, info) != 0) {
        vorbis_dsp_clear(&dsp);
        return damaged(err);
    }
    vorbis_block_init(&dsp, &block);
    status = read_packets(ogg, &dsp, &block, audio, err);
    vorbis_block_clear(&block);
    vorbis_dsp_clear(&dsp);
    return status;
}

int sp_vorbis_decode(struct sp_ogg *ogg, const ogg_packet *first, struct sparrow_audio *audio,
                     struct sparrow_error *err)
{
    vorbis_info info;
    vorbis_comment comment;
    vorbis_info_init(&info);
    vorbis_comment_init(&comment);
    int status = read_headers(ogg, first, &info, &comment, err);
    if (status == SPARROW_OK)
        status = decode(ogg, &info, audio, err);
    vorbis_comment_clear(&comment);
    vorbis_info_clear(&info);
    return status;
}
