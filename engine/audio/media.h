/* media.h - media types: "audio/l16; rate=8000; channels=2" in its parts.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_AUDIO_MEDIA_H
#define SP_AUDIO_MEDIA_H

#include <stdbool.h>

#include "engine/sparrow.h"

#define SP_MEDIA_MAX_BYTES      256 /* of the whole text */
#define SP_MEDIA_MAX_PARAMETERS 8
#define SP_MEDIA_TYPE_BYTES     48 /* of "type/subtype", with its NUL */

struct sp_media {
    char type[SP_MEDIA_TYPE_BYTES]; /* "audio/l16", in small letters */
    bool has_rate, has_channels;
    unsigned rate_hz, channels; /* 0 to 999,999,999: in range or not is for the format to say */
    bool big_endian;            /* endianness=big-endian */
};

/* Reads RFC 9110's media-type grammar (tokens, quoted strings, blanks around ';'), letters of any
 * case. Parameters other than rate, channels and endianness are checked for their form and passed
 * over. Never allocates.
 * Errors: SPARROW_UNSUPPORTED_MEDIA: malformed, too long, too many
 * parameters, one of the three given twice, a rate or channels that is no number, an endianness
 * that is neither little-endian nor big-endian. */
int sp_media_parse(const char *text, struct sp_media *ret_media, struct sparrow_error *err);

#endif
