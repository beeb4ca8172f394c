/* format.c - the table of formats: one row for each, the only list of what is handled.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/audio/format.h"

#include <stdbool.h>
#include <string.h>

#include "engine/audio/mpeg.h"
#include "engine/audio/ogg.h"
#include "engine/audio/raw.h"
#include "engine/audio/sndfile.h"
#include "engine/audio/wav.h"
#include "engine/error.h"

#define ALLOWED "WAV, FLAC, Ogg, MP3, AIFF, AU and CAF are handled"

static const struct sp_format l16_format = {"l16", SP_CONTAINER_UNKNOWN, sp_raw_open_l16, NULL};
static const struct sp_format basic_format = {"raw", SP_CONTAINER_UNKNOWN, sp_raw_open_basic, NULL};
static const struct sp_format mulaw_format = {"raw", SP_CONTAINER_UNKNOWN, sp_raw_open_mulaw, NULL};
static const struct sp_format alaw_format = {"raw", SP_CONTAINER_UNKNOWN, sp_raw_open_alaw, NULL};

static const struct sp_format containers[] = {
    {"wav", SP_CONTAINER_WAV, sp_wav_open, sp_sndfile_decode},
    {"flac", SP_CONTAINER_FLAC, NULL, sp_sndfile_decode},
    {"ogg", SP_CONTAINER_OGG, NULL, sp_ogg_decode},
    {"mpeg", SP_CONTAINER_MPEG, NULL, sp_mpeg_decode},
    {"aiff", SP_CONTAINER_AIFF, NULL, sp_sndfile_decode},
    {"au", SP_CONTAINER_AU, NULL, sp_sndfile_decode},
    {"caf", SP_CONTAINER_CAF, NULL, sp_sndfile_decode},
};

/* Media types, and the format to believe when there is no header to look at. */
static const struct {
    const char *type;
    const struct sp_format *headerless;
} types[] = {
    {"audio/wav", NULL},
    {"audio/x-wav", NULL},
    {"audio/wave", NULL},
    {"audio/vnd.wave", NULL},
    {"audio/flac", NULL},
    {"audio/x-flac", NULL},
    {"audio/ogg", NULL},
    {"application/ogg", NULL},
    {"audio/opus", NULL},
    {"audio/vorbis", NULL},
    {"audio/mpeg", NULL},
    {"audio/mp3", NULL},
    {"audio/aiff", NULL},
    {"audio/x-aiff", NULL},
    {"audio/x-caf", NULL},
    {"audio/l16", &l16_format},
    {"audio/basic", &basic_format},
    {"audio/mulaw", &mulaw_format},
    {"audio/alaw", &alaw_format},
    {"application/octet-stream", NULL},
};

static bool find_type(const char *type, const struct sp_format **ret_headerless)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i].type, type) == 0) {
            *ret_headerless = types[i].headerless;
            return true;
        }
    }
    return false;
}

static const struct sp_format *find_container(enum sp_container container)
{
    for (size_t i = 0; i < sizeof(containers) / sizeof(containers[0]); i++)
        if (containers[i].container == container)
            return &containers[i];
    return NULL;
}

/* No format: why. A type that promised audio makes it a damaged file rather than an unknown kind. */
static int no_format(const struct sp_media *media, const struct sp_sniff *sniff,
                     struct sparrow_error *err)
{
    if (sniff->container == SP_CONTAINER_FOREIGN)
        return sp_error_set(err, SPARROW_UNSUPPORTED_MEDIA, "The body is %s; " ALLOWED ".",
                            sniff->name);
    if (strncmp(media->type, "audio/", 6) == 0)
        return sp_error_set(err, SPARROW_BAD_AUDIO,
                            "The body does not begin like %s, nor like any other kind of audio "
                            "that is handled.", media->type);
    return sp_error_set(err, SPARROW_UNSUPPORTED_MEDIA,
                        "The body begins like no kind of audio that is known; " ALLOWED ".");
}

static int parse_type(const char *media_type, struct sp_media *ret_media,
                      const struct sp_format **ret_headerless, struct sparrow_error *err)
{
    *ret_media = (struct sp_media){.type = ""};
    *ret_headerless = NULL;
    if (media_type == NULL)
        return SPARROW_OK;
    int status = sp_media_parse(media_type, ret_media, err);
    if (status == SPARROW_OK && !find_type(ret_media->type, ret_headerless))
        status = sp_error_set(err, SPARROW_UNSUPPORTED_MEDIA, "%s is not handled; " ALLOWED ".",
                              ret_media->type);
    return status;
}

int sp_format_find(const char *media_type, const void *bytes, size_t n, struct sp_media *ret_media,
                   struct sp_input *ret_input, const struct sp_format **ret_format,
                   struct sparrow_error *err)
{
    const struct sp_format *headerless;
    int status = parse_type(media_type, ret_media, &headerless, err);
    if (status != SPARROW_OK)
        return status;
    if (n == 0)
        return sp_error_set(err, SPARROW_BAD_AUDIO, "The body is empty: there are no samples.");
    struct sp_sniff sniff = sp_sniff(bytes, n);
    bool au_in_basic = headerless == &basic_format && sniff.container == SP_CONTAINER_AU;
    if (headerless != NULL && !au_in_basic) {
        *ret_input = (struct sp_input){bytes, n, ret_media};
        *ret_format = headerless;
        return SPARROW_OK;
    }
    const struct sp_format *format = find_container(sniff.container);
    if (format == NULL)
        return no_format(ret_media, &sniff, err);
    *ret_input = (struct sp_input){(const uint8_t *) bytes + sniff.skip, n - sniff.skip, ret_media};
    *ret_format = format;
    return SPARROW_OK;
}

bool sparrow_audio_accepts(const char *media_type)
{
    struct sp_media media;
    const struct sp_format *headerless;
    return parse_type(media_type, &media, &headerless, NULL) == SPARROW_OK;
}
