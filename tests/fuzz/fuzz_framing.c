/* fuzz_framing.c - any bytes as the head of a request: it is judged, and a head that passes has one
 * reading of its body: one length or one chunked, never both, one Host (HTTP/1.1), a target without
 * controls or NUL, a known method. The input: method, target and version on a line, then "name:
 * value" lines.
 * A campaign: clang -fsanitize=fuzzer,address -I. -IBUILD tests/fuzz/fuzz_framing.c
 * daemon/http1/framing.c
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/http1/framing.h"

static void require(int truth)
{
    if (!truth)
        abort();
}

/* Cuts the next word (up to c) off *rest. */
static char *cut(char **rest, char c)
{
    char *word = *rest, *end = strchr(word, c);
    if (end)
        *end++ = 0;
    *rest = end ? end : word + strlen(word);
    return word;
}

static void check_accepted(const struct framing *f, const char *method, const char *target,
                           const char *version)
{
    require(f->detail == NULL);
    require(f->lengths <= 1 && f->codings <= 1 && f->lengths + f->codings <= 1);
    require(f->chunked == (f->codings == 1));
    require(f->content_length <= INT64_MAX && (f->lengths || f->content_length == 0));
    require(f->hosts == 1 || (f->hosts == 0 && strcmp(version, "HTTP/1.0") == 0));
    require(!strstr(target, "%00"));
    for (const char *p = target; *p; p++)
        require((unsigned char)*p > 0x20 && (unsigned char)*p < 0x7f);
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        require(!framing_has_body(f));
    if (strcmp(method, "POST") == 0)
        require(f->lengths || f->codings);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char *text = malloc(n + 1);
    require(text != NULL);
    if (n)
        memcpy(text, bytes, n);
    text[n] = 0;
    char *rest = text, *line = cut(&rest, '\n');
    char *method = cut(&line, ' '), *target = cut(&line, ' ');
    struct framing f = {0};
    while (*rest) {
        char *value = cut(&rest, '\n'), *name = cut(&value, ':');
        value += *value == ' ';
        framing_header(&f, name, strlen(name), value, strlen(value));
    }
    framing_end(&f, method, target, line);
    if (f.status == 0)
        check_accepted(&f, method, target, line);
    else
        require(f.detail != NULL && f.status < 0);
    free(text);
    return 0;
}
