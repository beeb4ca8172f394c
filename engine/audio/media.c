/* media.c - media types: "audio/l16; rate=8000; channels=2" in its parts (RFC 9110, 8.3.1).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/audio/media.h"

#include <string.h>

#include "engine/error.h"

#define VALUE_BYTES 32 /* values longer than this are of no parameter we know */

/* RFC 9110's tchar; no locale. */
static bool is_token(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static char small(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static const char *skip_blanks(const char *p)
{
    while (*p == ' ' || *p == '\t')
        p++;
    return p;
}

/* A token in small letters to ret_text (cut off after size - 1). Returns its end, or NULL if there
 * is none. */
static const char *read_token(const char *p, char *ret_text, size_t size)
{
    size_t n = 0;
    for (; is_token(p[n]); n++)
        if (n < size - 1)
            ret_text[n] = small(p[n]);
    ret_text[n < size - 1 ? n : size - 1] = '\0';
    return n > 0 ? p + n : NULL;
}

/* A quoted string without its quotes, in the same way. p points behind the opening quote. */
static const char *read_quoted(const char *p, char *ret_text, size_t size)
{
    size_t n = 0;
    for (; *p != '"'; p++) {
        if (*p == '\\')
            p++;
        unsigned char c = (unsigned char)*p;
        if ((c < 0x20 && c != '\t') || c == 0x7f) /* the end of the text among them */
            return NULL;
        if (n < size - 1)
            ret_text[n++] = small(*p);
    }
    ret_text[n] = '\0';
    return p + 1;
}

/* At most nine digits and nothing else. */
static bool read_number(const char *text, unsigned *ret_number)
{
    unsigned number = 0;
    size_t n = 0;
    for (; text[n] >= '0' && text[n] <= '9' && n < 10; n++)
        number = n < 9 ? number * 10 + (unsigned)(text[n] - '0') : number;
    if (n == 0 || n > 9 || text[n] != '\0')
        return false;
    *ret_number = number;
    return true;
}

static int take_number(const char *name, const char *value, bool *has, unsigned *ret_number,
                       struct sparrow_error *err)
{
    if (*has)
        return sp_error_set(err, SPARROW_UNSUPPORTED_MEDIA, "The media type gives %s twice.", name);
    if (!read_number(value, ret_number))
        return sp_error_set(err, SPARROW_UNSUPPORTED_MEDIA,
                            "The media type's %s must be a whole number.", name);
    *has = true;
    return SPARROW_OK;
}

static int take_endianness(const char *value, bool *has, bool *ret_big, struct sparrow_error *err)
{
    if (*has)
        return sp_error_set(err, SPARROW_UNSUPPORTED_MEDIA,
                            "The media type gives endianness twice.");
    *ret_big = strcmp(value, "big-endian") == 0;
    if (!*ret_big && strcmp(value, "little-endian") != 0)
        return sp_error_set(err, SPARROW_UNSUPPORTED_MEDIA,
                            "The media type's endianness must be little-endian or big-endian.");
    *has = true;
    return SPARROW_OK;
}

static int malformed(struct sparrow_error *err)
{
    return sp_error_set(err, SPARROW_UNSUPPORTED_MEDIA,
                        "The media type is malformed; a good one is \"audio/l16;rate=16000\".");
}

/* ";name=value" with p behind the ';'. Empty parameters (";;", a last ";") are allowed, as RFC 9110
 * has them. */
static int read_parameter(const char **p, struct sp_media *media, bool *has_endianness,
                          struct sparrow_error *err)
{
    char name[VALUE_BYTES], value[VALUE_BYTES];
    *p = skip_blanks(*p);
    if (**p == ';' || **p == '\0')
        return SPARROW_OK;
    const char *end = read_token(*p, name, sizeof(name));
    if (end == NULL || *end != '=')
        return malformed(err);
    end++;
    end = *end == '"' ? read_quoted(end + 1, value, sizeof(value))
                      : read_token(end, value, sizeof(value));
    if (end == NULL)
        return malformed(err);
    *p = skip_blanks(end);
    if (strcmp(name, "rate") == 0)
        return take_number(name, value, &media->has_rate, &media->rate_hz, err);
    if (strcmp(name, "channels") == 0)
        return take_number(name, value, &media->has_channels, &media->channels, err);
    if (strcmp(name, "endianness") == 0)
        return take_endianness(value, has_endianness, &media->big_endian, err);
    return SPARROW_OK;
}

/* "type/subtype" with blanks around it. Returns its end, or NULL. */
static const char *read_type(const char *p, struct sp_media *media)
{
    size_t size = sizeof(media->type);
    p = read_token(skip_blanks(p), media->type, size);
    size_t n = strlen(media->type);
    if (p == NULL || *p != '/' || n + 2 > size)
        return NULL;
    media->type[n] = '/';
    p = read_token(p + 1, media->type + n + 1, size - n - 1);
    return p != NULL ? skip_blanks(p) : NULL;
}

int sp_media_parse(const char *text, struct sp_media *ret_media, struct sparrow_error *err)
{
    struct sp_media media = {.rate_hz = 0};
    bool has_endianness = false;
    if (strnlen(text, SP_MEDIA_MAX_BYTES + 1) > SP_MEDIA_MAX_BYTES)
        return sp_error_set(err, SPARROW_UNSUPPORTED_MEDIA,
                            "The media type is longer than %d bytes.", SP_MEDIA_MAX_BYTES);
    const char *p = read_type(text, &media);
    if (p == NULL)
        return malformed(err);
    for (unsigned count = 0; *p == ';'; count++) {
        if (count == SP_MEDIA_MAX_PARAMETERS)
            return sp_error_set(err, SPARROW_UNSUPPORTED_MEDIA,
                                "The media type has more than %d parameters.",
                                SP_MEDIA_MAX_PARAMETERS);
        p++;
        int status = read_parameter(&p, &media, &has_endianness, err);
        if (status != SPARROW_OK)
            return status;
    }
    if (*p != '\0')
        return malformed(err);
    *ret_media = media;
    return SPARROW_OK;
}
