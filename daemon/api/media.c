/* media.c - reading media types, as far as a server of audio needs it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/api/media.h"

#include <string.h>
#include <strings.h>

#define MEDIA_BLANK " \t"
#define MEDIA_TOKEN "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static size_t media_type_length(const char *s)
{
    size_t n = strcspn(s, ";, \t");
    return n;
}

bool media_is(const char *content_type, const char *type)
{
    if (!content_type)
        return false;
    content_type += strspn(content_type, MEDIA_BLANK);
    size_t n = media_type_length(content_type);
    return n == strlen(type) && strncasecmp(content_type, type, n) == 0;
}

/* Copies a token or a quoted string at s; returns what follows it, NULL if it is broken or does not
 * fit. */
static const char *media_value(const char *s, char *out, size_t cap)
{
    size_t len = 0;
    if (*s != '"') {
        len = strspn(s, MEDIA_TOKEN "/:=?(),@<>[]{}");
        if (len >= cap)
            return NULL;
        memcpy(out, s, len);
        out[len] = '\0';
        return s + len;
    }
    for (s++; *s && *s != '"'; s++) {
        if (*s == '\\' && !*++s)
            return NULL;
        if (len + 1 >= cap)
            return NULL;
        out[len++] = *s;
    }
    out[len] = '\0';
    return *s ? s + 1 : NULL;
}

bool media_parameter(const char *content_type, const char *name, char *out, size_t cap)
{
    const char *s = content_type ? strchr(content_type, ';') : NULL;
    while (s && *s == ';') {
        s++;
        s += strspn(s, MEDIA_BLANK);
        size_t n = strspn(s, MEDIA_TOKEN);
        if (s[n] != '=')
            return false;
        bool found = n == strlen(name) && strncasecmp(s, name, n) == 0;
        s = media_value(s + n + 1, out, cap);
        if (found)
            return s != NULL;
        if (s)
            s += strspn(s, MEDIA_BLANK);
    }
    return false;
}

/* "0.5" -> 500. What is no number counts as 0. */
static unsigned media_weight(const char *s)
{
    if (s[0] == '1')
        return 1000;
    if (s[0] != '0')
        return 0;
    unsigned value = 0, digit = 100;
    if (s[1] == '.')
        for (s += 2; *s >= '0' && *s <= '9' && digit; s++, digit /= 10)
            value += (unsigned)(*s - '0') * digit;
    return value;
}

/* 3: the type itself, 2: type/ *, 1: all, 0: something else. */
static unsigned media_match(const char *range, size_t n, const char *type)
{
    if (n == strlen(type) && strncasecmp(range, type, n) == 0)
        return 3;
    size_t family = (size_t)(strchr(type, '/') - type) + 1;
    if (n == family + 1 && range[family] == '*' && strncasecmp(range, type, family) == 0)
        return 2;
    return n == 3 && memcmp(range, "*/*", 3) == 0;
}

/* The best match of any range, and its weight. */
static unsigned media_best(const char *accept, const char *type, unsigned *ret_quality)
{
    unsigned best = 0, quality = 0;
    while (*accept) {
        accept += strspn(accept, MEDIA_BLANK ",");
        size_t n = media_type_length(accept), end = strcspn(accept, ",");
        unsigned match = media_match(accept, n, type), q = 1000;
        for (size_t i = n; i < end; i++)
            if (accept[i] == ';') {
                size_t k = i + 1 + strspn(accept + i + 1, MEDIA_BLANK);
                if ((accept[k] | 0x20) == 'q' && accept[k + 1] == '=')
                    q = media_weight(accept + k + 2);
            }
        if (match > best || (match == best && match && q > quality)) {
            best = match;
            quality = q;
        }
        accept += end;
    }
    *ret_quality = quality;
    return best;
}

unsigned media_quality(const char *accept, const char *type)
{
    unsigned quality = 1000;
    if (accept && accept[strspn(accept, MEDIA_BLANK)])
        media_best(accept, type, &quality);
    return quality;
}

bool media_names(const char *accept, const char *type)
{
    unsigned quality;
    return media_best(accept, type, &quality) == 3 && quality;
}

bool media_identity(const char *content_encoding)
{
    if (!content_encoding)
        return true;
    content_encoding += strspn(content_encoding, MEDIA_BLANK);
    return !*content_encoding || strcasecmp(content_encoding, "identity") == 0;
}
