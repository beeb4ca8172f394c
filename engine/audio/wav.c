/* wav.c - RIFF, RIFX and RF64 WAV files: where the samples are and how they are coded.
 *
 * Written for files as they come, not as the specification has them: sizes may lie in any
 * direction, pad bytes may be missing, anything may stand in front of `fmt `. Only three things are
 * believed: the chunk ids, the fields of `fmt `, and that no chunk before the samples reaches
 * beyond the end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/audio/wav.h"

#include <stdbool.h>
#include <string.h>

#include "engine/audio/audio.h"
#include "engine/error.h"

#define CHUNKS_MAX       1024 /* before `data`; real files have under ten */
#define FMT_BYTES        16
#define EXTENSIBLE_BYTES 40

enum wave_tag {
    TAG_PCM = 0x0001,
    TAG_MS_ADPCM = 0x0002,
    TAG_FLOAT = 0x0003,
    TAG_ALAW = 0x0006,
    TAG_MULAW = 0x0007,
    TAG_IMA_ADPCM = 0x0011,
    TAG_GSM610 = 0x0031,
    TAG_EXTENSIBLE = 0xfffe
};

struct wav {
    const uint8_t *bytes;
    size_t n;
    bool big_endian; /* RIFX */
    bool have_fmt;
    unsigned tag, channels, rate_hz, align, bits;
    uint64_t ds64_data; /* RF64's size of the data; 0: none */
};

struct chunk {
    const uint8_t *id;
    size_t at;     /* of the contents */
    uint32_t size; /* as announced */
    size_t left;   /* bytes from `at` to the end of the input */
};

static unsigned get16(const struct wav *w, size_t at)
{
    const uint8_t *p = w->bytes + at;
    return w->big_endian ? (unsigned)p[0] << 8 | p[1] : (unsigned)p[1] << 8 | p[0];
}

static uint32_t get32(const struct wav *w, size_t at)
{
    uint32_t first = get16(w, at), second = get16(w, at + 2);
    return w->big_endian ? first << 16 | second : second << 16 | first;
}

static bool is_id(const uint8_t *p, const char *id)
{
    return memcmp(p, id, 4) == 0;
}

/* After a chunk of odd size that was not padded, the next id stands one byte early. */
static bool is_known_id(const uint8_t *p)
{
    return is_id(p, "data") || is_id(p, "fmt ") || is_id(p, "LIST") || is_id(p, "fact") ||
           is_id(p, "bext") || is_id(p, "JUNK") || is_id(p, "PEAK");
}

static bool read_chunk(const struct wav *w, size_t at, struct chunk *ret_chunk)
{
    if (w->n < 8 || at > w->n - 8)
        return false;
    *ret_chunk = (struct chunk){w->bytes + at, at + 8, get32(w, at + 4), w->n - at - 8};
    return true;
}

static size_t next_chunk(const struct wav *w, const struct chunk *c)
{
    size_t end = c->at + c->size; /* size <= left: cannot wrap */
    if (c->size % 2 == 0 || (w->n - end >= 4 && is_known_id(w->bytes + end)))
        return end;
    return end + 1;
}

/* The tag of an extensible header stands at the head of a GUID whose rest is the same for all of
 * them. */
static bool extensible_tag(const struct wav *w, size_t at, unsigned *ret_tag)
{
    static const uint8_t little[14] = {0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80,
                                       0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71};
    static const uint8_t big[12] = {0x00, 0x00, 0x00, 0x10, 0x80, 0x00,
                                    0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71};
    const uint8_t *guid = w->bytes + at + 24;
    *ret_tag = w->big_endian ? get16(w, at + 26) : get16(w, at + 24);
    return w->big_endian ? memcmp(guid + 4, big, sizeof(big)) == 0
                         : memcmp(guid + 2, little, sizeof(little)) == 0;
}

static int read_fmt(struct wav *w, const struct chunk *c, struct sparrow_error *err)
{
    if (w->have_fmt)
        return sp_error_set(err, SPARROW_BAD_AUDIO, "The WAV file has two fmt chunks.");
    if (c->size < FMT_BYTES)
        return sp_error_set(err, SPARROW_BAD_AUDIO,
                            "The WAV file's fmt chunk has %u bytes; at least %d are needed.",
                            c->size, FMT_BYTES);
    w->have_fmt = true;
    w->tag = get16(w, c->at);
    w->channels = get16(w, c->at + 2);
    w->rate_hz = get32(w, c->at + 4);
    w->align = get16(w, c->at + 12);
    w->bits = get16(w, c->at + 14);
    if (w->tag != TAG_EXTENSIBLE)
        return SPARROW_OK;
    if (c->size < EXTENSIBLE_BYTES)
        return sp_error_set(err, SPARROW_BAD_AUDIO,
                            "The WAV file's extensible fmt chunk has %u bytes; %d are needed.",
                            c->size, EXTENSIBLE_BYTES);
    if (!extensible_tag(w, c->at, &w->tag))
        return sp_error_set(err, SPARROW_UNSUPPORTED_MEDIA,
                            "The WAV file's coding (an extensible sub-format) is not handled.");
    return SPARROW_OK;
}

static void read_ds64(struct wav *w, const struct chunk *c)
{
    if (c->size < 16)
        return;
    uint64_t first = get32(w, c->at + 8), second = get32(w, c->at + 12);
    w->ds64_data = w->big_endian ? first << 32 | second : second << 32 | first;
}

/* Everything in front of `data`. */
static int read_chunks(struct wav *w, struct chunk *ret_data, struct sparrow_error *err)
{
    size_t at = 12;
    for (unsigned count = 0; count < CHUNKS_MAX; count++) {
        struct chunk c;
        if (!read_chunk(w, at, &c))
            return sp_error_set(err, SPARROW_BAD_AUDIO, "The WAV file ends before its data chunk.");
        if (is_id(c.id, "data")) {
            if (!w->have_fmt)
                return sp_error_set(err, SPARROW_BAD_AUDIO,
                                    "The WAV file has no fmt chunk in front of its data.");
            *ret_data = c;
            return SPARROW_OK;
        }
        if (c.size > c.left)
            return sp_error_set(
                err, SPARROW_BAD_AUDIO,
                "A chunk of %u bytes in front of the WAV file's data reaches beyond "
                "its end.",
                c.size);
        int status = SPARROW_OK;
        if (is_id(c.id, "fmt "))
            status = read_fmt(w, &c, err);
        else if (is_id(c.id, "ds64"))
            read_ds64(w, &c);
        if (status != SPARROW_OK)
            return status;
        at = next_chunk(w, &c);
    }
    return sp_error_set(err, SPARROW_BAD_AUDIO,
                        "The WAV file has more than %d chunks in front of its data.", CHUNKS_MAX);
}

static size_t data_bytes(const struct wav *w, const struct chunk *data)
{
    uint64_t size = data->size;
    if (size == UINT32_MAX)
        size = w->ds64_data;
    return size == 0 || size > data->left ? data->left : (size_t)size;
}

/* Of a pair of codings the one in the file's byte order. */
static const struct sp_pcm_coding *ordered(const struct wav *w, enum sp_pcm_coding_id little,
                                           enum sp_pcm_coding_id big)
{
    return sp_pcm_coding(w->big_endian ? big : little);
}

/* NULL: not a coding we read ourselves. 24 bits in containers of four bytes are left-justified
 * there: 32 bits. */
static const struct sp_pcm_coding *find_coding(const struct wav *w)
{
    if (w->tag == TAG_PCM && w->bits == 24 && w->align == 4 * w->channels)
        return ordered(w, SP_PCM_S32LE, SP_PCM_S32BE);
    switch (w->tag << 8 | (w->bits <= 0xff ? w->bits : 0)) {
    case TAG_PCM << 8 | 8:
        return sp_pcm_coding(SP_PCM_U8);
    case TAG_PCM << 8 | 16:
        return ordered(w, SP_PCM_S16LE, SP_PCM_S16BE);
    case TAG_PCM << 8 | 24:
        return ordered(w, SP_PCM_S24LE, SP_PCM_S24BE);
    case TAG_PCM << 8 | 32:
        return ordered(w, SP_PCM_S32LE, SP_PCM_S32BE);
    case TAG_FLOAT << 8 | 32:
        return ordered(w, SP_PCM_F32LE, SP_PCM_F32BE);
    case TAG_FLOAT << 8 | 64:
        return ordered(w, SP_PCM_F64LE, SP_PCM_F64BE);
    case TAG_MULAW << 8 | 8:
        return sp_pcm_coding(SP_PCM_MULAW);
    case TAG_ALAW << 8 | 8:
        return sp_pcm_coding(SP_PCM_ALAW);
    default:
        return NULL;
    }
}

int sp_wav_open(const struct sp_input *in, struct sp_pcm *ret_pcm, struct sparrow_error *err)
{
    struct wav w = {.bytes = in->bytes, .n = in->n};
    struct chunk data = {.id = NULL};
    w.big_endian = in->n >= 4 && is_id(in->bytes, "RIFX");
    int status = read_chunks(&w, &data, err);
    if (status != SPARROW_OK)
        return status;
    const struct sp_pcm_coding *coding = find_coding(&w);
    bool compressed =
        !w.big_endian && (w.tag == TAG_MS_ADPCM || w.tag == TAG_IMA_ADPCM || w.tag == TAG_GSM610);
    if (coding == NULL && !compressed)
        return sp_error_set(err, SPARROW_UNSUPPORTED_MEDIA,
                            "The WAV file's coding (tag 0x%04x, %u bits) is not handled; PCM of 8, "
                            "16, 24 or 32 bits, float, mu-law, A-law, ADPCM and GSM 6.10 are.",
                            w.tag, w.bits);
    if (compressed) /* before a library makes tables for 65,535 channels */
        status = sp_audio_check(w.rate_hz, w.channels, err);
    if (status != SPARROW_OK)
        return status;
    *ret_pcm =
        (struct sp_pcm){coding, w.rate_hz, w.channels, in->bytes + data.at, data_bytes(&w, &data)};
    return SPARROW_OK;
}
