/* format.h - the table of formats: one row for each, the only list of what is handled.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_AUDIO_FORMAT_H
#define SP_AUDIO_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "engine/audio/media.h"
#include "engine/audio/pcm.h"
#include "engine/audio/sniff.h"
#include "engine/sparrow.h"

struct sp_input {
    const uint8_t *bytes;
    size_t n;
    const struct sp_media *media; /* never NULL; of type "" when the caller named none */
};

struct sp_format {
    const char *name;            /* first part of sparrow_audio_format() */
    enum sp_container container; /* UNKNOWN for samples without a header */
    /* Reads the header only. NULL: never plain samples. Errors: SPARROW_BAD_AUDIO,
     * SPARROW_UNSUPPORTED_MEDIA. */
    int (*open)(const struct sp_input *in, struct sp_pcm *ret_pcm, struct sparrow_error *err);
    /* Decodes what open did not call plain samples, into `audio` (begin and put, audio.h). NULL:
     * there is no such case. */
    int (*decode)(const struct sp_input *in, struct sparrow_audio *audio,
                  struct sparrow_error *err);
};

/* Which format the bytes are in, from the media type first and the bytes after it: a type without a
 * header of its own (audio/l16, audio/mulaw, audio/alaw, audio/basic) is believed; for all others
 * the bytes decide, even against the type (audio/mpeg is believed when they say nothing).
 * *ret_input is the input with what stands in front of the container (ID3 tags) taken off.
 * media_type NULL: the bytes alone. *ret_media is the parsed type, to which ret_input points.
 * Errors: SPARROW_UNSUPPORTED_MEDIA, SPARROW_BAD_AUDIO (empty, or of a known type without a sign of
 * it). */
int sp_format_find(const char *media_type, const void *bytes, size_t n, struct sp_media *ret_media,
                   struct sp_input *ret_input, const struct sp_format **ret_format,
                   struct sparrow_error *err);

#endif
