/* text.h - a growing byte buffer for answers and logs. Not thread safe.
 * A failed allocation makes the text `bad`: later appends do nothing, and the owner checks once at
 * the end.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_TEXT_H
#define DAEMON_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct text {
    char *data; /* not NUL-terminated; NULL while empty */
    size_t len, cap;
    bool bad;
};

void text_done(struct text *t);  /* frees; t may be used again */
void text_clear(struct text *t); /* empties, keeps the memory */
void text_add(struct text *t, const void *bytes, size_t n);
void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A JSON string with its quotes: escapes controls, quotes and backslashes; bytes that are not UTF-8
 * become U+FFFD. */
void text_json(struct text *t, const char *s, size_t n);
/* Length of the UTF-8 sequence that begins at s (1..4), or 0 if there is none within n bytes. */
size_t text_utf8(const char *s, size_t n);

/* Here, so that the length of a literal is a constant. */
static inline void text_puts(struct text *t, const char *s)
{
    text_add(t, s, strlen(s));
}

#endif
