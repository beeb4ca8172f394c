/* sniff.c - which container the first bytes of a clip announce.
 *
 * The libraries behind us know many more formats than we serve, and their rare readers are where
 * their holes were. So nothing reaches a library that was not recognised here first.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/audio/sniff.h"

#include <stdbool.h>
#include <string.h>

#define ID3_HEADER   10
#define ID3_TAGS_MAX 4    /* more than one in a row is rare and legal */
#define PADDING_MAX  4096 /* zeros that careless taggers leave between tag and first frame */

struct magic {
    enum sp_container container;
    const char *name;
    size_t at, n;
    const char *bytes;
    const char *form; /* four more bytes at 8, or NULL */
};

static const struct magic magics[] = {
    {SP_CONTAINER_WAV, "WAV", 0, 4, "RIFF", "WAVE"},
    {SP_CONTAINER_WAV, "WAV", 0, 4, "RIFX", "WAVE"},
    {SP_CONTAINER_WAV, "WAV", 0, 4, "RF64", "WAVE"},
    {SP_CONTAINER_FLAC, "FLAC", 0, 4, "fLaC", NULL},
    {SP_CONTAINER_OGG, "Ogg", 0, 4, "OggS", NULL},
    {SP_CONTAINER_AIFF, "AIFF", 0, 4, "FORM", "AIFF"},
    {SP_CONTAINER_AIFF, "AIFF", 0, 4, "FORM", "AIFC"},
    {SP_CONTAINER_AU, "AU", 0, 4, ".snd", NULL},
    {SP_CONTAINER_AU, "AU", 0, 4, "dns.", NULL},
    {SP_CONTAINER_CAF, "CAF", 0, 4, "caff", NULL},
    {SP_CONTAINER_FOREIGN, "MP4", 4, 4, "ftyp", NULL},
    {SP_CONTAINER_FOREIGN, "WebM or Matroska", 0, 4, "\x1a\x45\xdf\xa3", NULL},
    {SP_CONTAINER_FOREIGN, "Wave64", 0, 8, "riff\x2e\x91\xcf\x11", NULL},
    {SP_CONTAINER_FOREIGN, "AVI", 0, 4, "RIFF", "AVI "},
    {SP_CONTAINER_FOREIGN, "8SVX", 0, 4, "FORM", "8SVX"},
    {SP_CONTAINER_FOREIGN, "AMR", 0, 5, "#!AMR", NULL},
    {SP_CONTAINER_FOREIGN, "ASF or WMA", 0, 8, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", NULL},
    {SP_CONTAINER_FOREIGN, "MIDI", 0, 4, "MThd", NULL},
    {SP_CONTAINER_FOREIGN, "WavPack", 0, 4, "wvpk", NULL},
    {SP_CONTAINER_FOREIGN, "Monkey's Audio", 0, 4, "MAC ", NULL},
    {SP_CONTAINER_FOREIGN, "gzip", 0, 2, "\x1f\x8b", NULL},
    {SP_CONTAINER_FOREIGN, "ZIP", 0, 4, "PK\x03\x04", NULL},
    {SP_CONTAINER_FOREIGN, "JSON or text", 0, 2, "{\"", NULL},
};

static bool magic_matches(const struct magic *m, const uint8_t *bytes, size_t n)
{
    if (n < m->at + m->n || memcmp(bytes + m->at, m->bytes, m->n) != 0)
        return false;
    return m->form == NULL || (n >= 12 && memcmp(bytes + 8, m->form, 4) == 0);
}

/* ISO/IEC 11172-3, 2.4.2.3: sync, and no reserved value for version, layer, bit rate, rate or
 * emphasis. */
static bool is_mpeg_frame(const uint8_t *p, size_t n)
{
    if (n < 4 || p[0] != 0xff || (p[1] & 0xe0) != 0xe0)
        return false;
    unsigned version = p[1] >> 3 & 3, layer = p[1] >> 1 & 3;
    unsigned bit_rate = p[2] >> 4, rate = p[2] >> 2 & 3, emphasis = p[3] & 3;
    return version != 1 && layer != 0 && bit_rate != 15 && bit_rate != 0 && rate != 3 &&
           emphasis != 2;
}

/* ADTS, the bare stream form of AAC: the same sync, layer 0. */
static bool is_adts_frame(const uint8_t *p, size_t n)
{
    return n >= 4 && p[0] == 0xff && (p[1] & 0xf6) == 0xf0;
}

/* Length of the ID3v2 tag at p, or 0. Its size is 4 x 7 bits; the footer is 10 more. */
static size_t id3_length(const uint8_t *p, size_t n)
{
    if (n < ID3_HEADER || memcmp(p, "ID3", 3) != 0 || p[3] == 0xff || p[4] == 0xff)
        return 0;
    size_t size = 0;
    for (size_t i = 6; i < 10; i++) {
        if (p[i] & 0x80)
            return 0;
        size = size << 7 | p[i];
    }
    return size + ID3_HEADER + (p[5] & 0x10 ? ID3_HEADER : 0);
}

static size_t skip_tags(const uint8_t *bytes, size_t n)
{
    size_t at = 0;
    for (unsigned i = 0; i < ID3_TAGS_MAX; i++) {
        size_t length = id3_length(bytes + at, n - at);
        if (length == 0)
            break;
        at += length < n - at ? length : n - at;
    }
    if (at == 0)
        return 0;
    size_t end = n - at < PADDING_MAX ? n : at + PADDING_MAX;
    while (at < end && bytes[at] == 0)
        at++;
    return at;
}

struct sp_sniff sp_sniff(const uint8_t *bytes, size_t n)
{
    size_t skip = skip_tags(bytes, n);
    const uint8_t *p = bytes + skip;
    n -= skip;
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
        if (magic_matches(&magics[i], p, n))
            return (struct sp_sniff){magics[i].container, magics[i].name, skip};
    if (is_mpeg_frame(p, n))
        return (struct sp_sniff){SP_CONTAINER_MPEG, "MPEG audio", skip};
    if (is_adts_frame(p, n))
        return (struct sp_sniff){SP_CONTAINER_FOREIGN, "AAC", skip};
    return (struct sp_sniff){SP_CONTAINER_UNKNOWN, "an unknown format", skip};
}
