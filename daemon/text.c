/* text.c - a growing byte buffer, and JSON strings that are valid whatever bytes come in.
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_done(struct text *t)
{
    free(t->data);
    *t = (struct text){0};
}

void text_clear(struct text *t)
{
    t->len = 0;
    t->bad = false;
}

/* Makes room for n more bytes; false (and bad) if there is none. */
static bool reserve(struct text *t, size_t n)
{
    if (t->bad)
        return false;
    if (n <= t->cap - t->len)
        return true;
    size_t need;
    if (__builtin_add_overflow(t->len, n, &need) || need > SIZE_MAX / 2) {
        t->bad = true;
        return false;
    }
    size_t cap = t->cap < 256 ? 256 : t->cap;
    while (cap < need)
        cap *= 2;
    char *data = realloc(t->data, cap);
    if (data == NULL) {
        t->bad = true;
        return false;
    }
    t->data = data;
    t->cap = cap;
    return true;
}

void text_add(struct text *t, const void *bytes, size_t n)
{
    if (n == 0 || !reserve(t, n))
        return;
    memcpy(t->data + t->len, bytes, n);
    t->len += n;
}

void text_printf(struct text *t, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    size_t room = t->cap - t->len;
    int n = t->bad ? -1 : vsnprintf(room > 0 ? t->data + t->len : NULL, room, format, args);
    if (n < 0) {
        t->bad = true;
    } else if ((size_t)n < room) {
        t->len += (size_t)n;
    } else if (reserve(t, (size_t)n + 1)) { /* + 1: vsnprintf ends with a NUL that is not ours */
        vsnprintf(t->data + t->len, (size_t)n + 1, format, again);
        t->len += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

/* RFC 3629 table 3-7 of Unicode: what may follow which first byte, so that overlong forms and
 * surrogates fall out. */
size_t text_utf8(const char *s, size_t n)
{
    const unsigned char *u = (const unsigned char *)s;
    if (n == 0)
        return 0;
    if (u[0] < 0x80)
        return 1;
    size_t len = u[0] >= 0xc2 && u[0] <= 0xdf   ? 2
                 : (u[0] & 0xf0) == 0xe0        ? 3
                 : u[0] >= 0xf0 && u[0] <= 0xf4 ? 4
                                                : 0;
    if (len == 0 || n < len)
        return 0;
    unsigned low = u[0] == 0xe0 ? 0xa0 : u[0] == 0xf0 ? 0x90 : 0x80;
    unsigned high = u[0] == 0xed ? 0x9f : u[0] == 0xf4 ? 0x8f : 0xbf;
    if (u[1] < low || u[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++) {
        if ((u[i] & 0xc0) != 0x80)
            return 0;
    }
    return len;
}

static void add_escaped(struct text *t, unsigned char c)
{
    static const char short_forms[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (const char *p = short_forms; *p != '\0'; p += 2) {
        if ((unsigned char)*p == c) {
            text_add(t, (const char[]){'\\', p[1]}, 2);
            return;
        }
    }
    text_printf(t, "\\u%04x", c);
}

/* Bytes that a JSON string holds as they are, at the start of s: printable ASCII. */
static size_t plain(const char *s, size_t n)
{
    size_t i = 0;
    while (i < n && s[i] >= 0x20 && s[i] < 0x7f && s[i] != '"' && s[i] != '\\')
        i++;
    return i;
}

void text_json(struct text *t, const char *s, size_t n)
{
    text_add(t, "\"", 1);
    for (size_t i = 0; i < n;) {
        size_t run = plain(s + i, n - i);
        text_add(t, s + i, run);
        i += run;
        if (i == n)
            break;
        size_t len = text_utf8(s + i, n - i);
        if (len == 0)
            text_add(t, "\xef\xbf\xbd", 3);
        else if (len == 1)
            add_escaped(t, (unsigned char)s[i]);
        else
            text_add(t, s + i, len);
        i += len > 0 ? len : 1;
    }
    text_add(t, "\"", 1);
}
