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

static const struct sp_format mpeg_format = {"mpeg", SP_CONTAINER_MPEG, NULL, sp_mpeg_decode};

static const struct sp_format containers[] = {
    {"wav", SP_CONTAINER_WAV, sp_wav_open, sp_sndfile_decode},
    {"flac", SP_CONTAINER_FLAC, NULL, sp_sndfile_decode},
    {"ogg", SP_CONTAINER_OGG, NULL, sp_ogg_decode},
    {"mpeg", SP_CONTAINER_MPEG, NULL, sp_mpeg_decode},
    {"aiff", SP_CONTAINER_AIFF, NULL, sp_sndfile_decode},
    {"au", SP_CONTAINER_AU, NULL, sp_sndfile_decode},
    {"caf", SP_CONTAINER_CAF, NULL, sp_sndfile_decode},
};

/* Media types; the format to believe when there is no header to look at; and the one to try when
 * the bytes say nothing (MPEG audio cut out of a stream begins in the middle of a frame). */
static const struct type {
    const char *name;
    const struct sp_format *headerless, *otherwise;
} types[] = {
    {"audio/wav", NULL, NULL},
    {"audio/x-wav", NULL, NULL},
    {"audio/wave", NULL, NULL},
    {"audio/vnd.wave", NULL, NULL},
    {"audio/flac", NULL, NULL},
    {"audio/x-flac", NULL, NULL},
    {"audio/ogg", NULL, NULL},
    {"application/ogg", NULL, NULL},
    {"audio/opus", NULL, NULL},
    {"audio/vorbis", NULL, NULL},
    {"audio/mpeg", NULL, &mpeg_format},
    {"audio/mp3", NULL, &mpeg_format},
    {"audio/aiff", NULL, NULL},
    {"audio/x-aiff", NULL, NULL},
    {"audio/x-caf", NULL, NULL},
    {"audio/l16", &l16_format, NULL},
    {"audio/basic", &basic_format, NULL},
    {"audio/mulaw", &mulaw_format, NULL},
    {"audio/alaw", &alaw_format, NULL},
    {"application/octet-stream", NULL, NULL},
};

static const struct type *find_type(const char *name)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    return NULL;
}

static const struct sp_format *find_container(enum sp_container container)
{
    for (size_t i = 0; i < sizeof(containers) / sizeof(containers[0]); i++)
        if (containers[i].container == container)
            return &containers[i];
    return NULL;
}

/* No format: why. A type that promised audio makes it a damaged file rather than an unknown kind.
 */
static int no_format(const struct sp_media *media, const struct sp_sniff *sniff,
                     struct sparrow_error *err)
{
    if (sniff->container == SP_CONTAINER_FOREIGN)
        return sp_error_set(err, SPARROW_UNSUPPORTED_MEDIA, "The body is %s; " ALLOWED ".",
                            sniff->name);
    if (strncmp(media->type, "audio/", 6) == 0)
        return sp_error_set(err, SPARROW_BAD_AUDIO,
                            "The body does not begin like %s, nor like any other kind of audio "
                            "that is handled.",
                            media->type);
    return sp_error_set(err, SPARROW_UNSUPPORTED_MEDIA,
                        "The body begins like no kind of audio that is known; " ALLOWED ".");
}

/* *ret_type is NULL when the caller named none. */
static int parse_type(const char *media_type, struct sp_media *ret_media,
                      const struct type **ret_type, struct sparrow_error *err)
{
    *ret_media = (struct sp_media){.type = ""};
    *ret_type = NULL;
    if (media_type == NULL)
        return SPARROW_OK;
    int status = sp_media_parse(media_type, ret_media, err);
    if (status != SPARROW_OK)
        return status;
    *ret_type = find_type(ret_media->type);
    if (*ret_type == NULL)
        return sp_error_set(err, SPARROW_UNSUPPORTED_MEDIA, "%s is not handled; " ALLOWED ".",
                            ret_media->type);
    return SPARROW_OK;
}

int sp_format_find(const char *media_type, const void *bytes, size_t n, struct sp_media *ret_media,
                   struct sp_input *ret_input, const struct sp_format **ret_format,
                   struct sparrow_error *err)
{
    const struct type *type;
    int status = parse_type(media_type, ret_media, &type, err);
    if (status != SPARROW_OK)
        return status;
    if (n == 0)
        return sp_error_set(err, SPARROW_BAD_AUDIO, "The body is empty: there are no samples.");
    struct sp_sniff sniff = sp_sniff(bytes, n);
    const struct sp_format *headerless = type != NULL ? type->headerless : NULL;
    bool au_in_basic = headerless == &basic_format && sniff.container == SP_CONTAINER_AU;
    if (headerless != NULL && !au_in_basic) {
        *ret_input = (struct sp_input){bytes, n, ret_media};
        *ret_format = headerless;
        return SPARROW_OK;
    }
    const struct sp_format *format = find_container(sniff.container);
    if (format == NULL && sniff.container == SP_CONTAINER_UNKNOWN && type != NULL)
        format = type->otherwise;
    if (format == NULL)
        return no_format(ret_media, &sniff, err);
    *ret_input = (struct sp_input){(const uint8_t *)bytes + sniff.skip, n - sniff.skip, ret_media};
    *ret_format = format;
    return SPARROW_OK;
}

bool sparrow_audio_accepts(const char *media_type)
{
    struct sp_media media;
    const struct type *type;
    return parse_type(media_type, &media, &type, NULL) == SPARROW_OK;
}
