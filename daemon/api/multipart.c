/* multipart.c - a parser of multipart/form-data over a complete body. CRLF only: what a lenient
 * parser takes as a line end, a proxy in front may take as content.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/api/multipart.h"

#include <string.h>
#include <strings.h>

#include "daemon/api/media.h"

#define MULTIPART_HEAD_MAX  4096 /* bytes of one part's headers */
#define MULTIPART_VALUE_MAX 512  /* bytes of a name */

static int multipart_bad(struct problem *problem, const char *what)
{
    return problem_set(problem, SPARROW_BAD_REQUEST, "multipart/form-data: %s", what);
}

/* Reads what follows a delimiter: blanks and CRLF (a part begins) or "--" (the end). False: it was
 * no delimiter. */
static bool multipart_after(struct multipart *m, const char *p)
{
    if (m->end - p >= 2 && p[0] == '-' && p[1] == '-') {
        m->closed = true;
        m->at = p + 2;
        return true;
    }
    while (p < m->end && (*p == ' ' || *p == '\t'))
        p++;
    if (m->end - p < 2 || p[0] != '\r' || p[1] != '\n')
        return false;
    m->at = p + 2;
    return true;
}

/* Where the next delimiter begins (its CRLF), m->at behind its line; NULL: there is none. */
static const char *multipart_delimiter(struct multipart *m)
{
    const char *from = m->at;
    for (;;) {
        const char *p = memmem(from, (size_t)(m->end - from), m->delimiter, m->delimiter_len);
        if (!p || multipart_after(m, p + m->delimiter_len))
            return p;
        from = p + 1;
    }
}

int multipart_begin(struct multipart *m, const char *content_type, const char *body, size_t n,
                    struct problem *problem)
{
    char boundary[72];
    if (!media_parameter(content_type, "boundary", boundary, sizeof boundary) || !boundary[0] ||
        strlen(boundary) > 70)
        return multipart_bad(problem, "the Content-Type has no boundary of 1 to 70 characters");
    size_t len = strlen(boundary);
    *m = (struct multipart){.body = n ? body : "", .at = n ? body : "", .delimiter_len = len + 4};
    m->end = m->body + n;
    memcpy(m->delimiter, "\r\n--", 4);
    memcpy(m->delimiter + 4, boundary, len);
    /* The first delimiter may stand at the very beginning, without its CRLF; else a preamble comes
     * before it. */
    if (n >= len + 2 && memcmp(body, m->delimiter + 2, len + 2) == 0 &&
        multipart_after(m, body + len + 2))
        return 0;
    return multipart_delimiter(m) ? 0
                                  : multipart_bad(problem, "the body does not hold its boundary");
}

/* One quoted or bare parameter of Content-Disposition. A backslash escapes a quote or itself only:
 * old browsers send paths. */
static const char *multipart_value(const char *s, const char *end, char *out, size_t cap)
{
    size_t len = 0;
    bool quoted = s < end && *s == '"';
    if (quoted)
        s++;
    for (; s < end && *s != (quoted ? '"' : ';'); s++) {
        if (quoted && *s == '\\' && s + 1 < end && (s[1] == '"' || s[1] == '\\'))
            s++;
        if (len + 1 >= cap || *s == '\0')
            return NULL;
        out[len++] = *s;
    }
    while (!quoted && len && (out[len - 1] == ' ' || out[len - 1] == '\t'))
        len--;
    out[len] = '\0';
    if (quoted && s >= end)
        return NULL;
    return s + quoted;
}

static const char *multipart_blank(const char *s, const char *end)
{
    while (s < end && (*s == ' ' || *s == '\t'))
        s++;
    return s;
}

static int multipart_disposition(struct multipart_part *part, const char *s, const char *end,
                                 struct arena *arena, struct problem *problem)
{
    static const char form_data[] = "form-data";
    char value[MULTIPART_VALUE_MAX];
    if ((size_t)(end - s) < sizeof form_data - 1 ||
        strncasecmp(s, form_data, sizeof form_data - 1) != 0)
        return multipart_bad(problem, "a part's Content-Disposition is not form-data");
    s += sizeof form_data - 1;
    for (;;) {
        s = multipart_blank(s, end);
        if (s == end)
            return 0;
        if (*s != ';')
            return multipart_bad(problem, "a part's Content-Disposition is broken");
        s = multipart_blank(s + 1, end);
        const char *name = s;
        while (s < end && *s != '=' && *s != ';')
            s++;
        size_t n = (size_t)(s - name);
        if (s == end || *s != '=')
            return multipart_bad(problem, "a part's Content-Disposition is broken");
        s = multipart_value(s + 1, end, value, sizeof value);
        if (!s)
            return multipart_bad(problem, "a part's name is broken or longer than 511 bytes");
        const char **field = n == 4 && strncasecmp(name, "name", 4) == 0       ? &part->name
                             : n == 8 && strncasecmp(name, "filename", 8) == 0 ? &part->filename
                                                                               : NULL;
        if (field && !(*field = arena_copy(arena, value, strlen(value))))
            return problem_set(problem, SPARROW_TOO_LARGE, "the form's part names are too long");
    }
}

static bool multipart_named(const char *line, const char *colon, const char *name)
{
    return (size_t)(colon - line) == strlen(name) && strncasecmp(line, name, strlen(name)) == 0;
}

static int multipart_header(struct multipart_part *part, const char *line, const char *end,
                            struct arena *arena, struct problem *problem)
{
    if (memchr(line, '\0', (size_t)(end - line)))
        return multipart_bad(problem, "a part's headers hold a NUL");
    const char *colon = memchr(line, ':', (size_t)(end - line));
    if (!colon || colon == line)
        return multipart_bad(problem, "a part's header line is broken");
    const char *value = multipart_blank(colon + 1, end);
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    size_t n = (size_t)(end - value);
    if (multipart_named(line, colon, "Content-Disposition"))
        return multipart_disposition(part, value, end, arena, problem);
    if (multipart_named(line, colon, "Content-Type")) {
        part->media_type = arena_copy(arena, value, n);
        return part->media_type
                   ? 0
                   : problem_set(problem, SPARROW_TOO_LARGE, "the form's media types are too long");
    }
    if (multipart_named(line, colon, "Content-Transfer-Encoding"))
        part->encoded = !((n == 6 && strncasecmp(value, "binary", 6) == 0) ||
                          (n == 4 && strncasecmp(value, "8bit", 4) == 0) ||
                          (n == 4 && strncasecmp(value, "7bit", 4) == 0));
    return 0;
}

int multipart_next(struct multipart *m, struct arena *arena, struct multipart_part *ret_part,
                   struct problem *problem)
{
    struct multipart_part part = {0};
    if (m->closed)
        return 0;
    const char *limit = m->end - m->at > MULTIPART_HEAD_MAX ? m->at + MULTIPART_HEAD_MAX : m->end;
    for (;;) {
        const char *line = m->at;
        const char *end = memmem(line, (size_t)(limit - line), "\r\n", 2);
        if (!end)
            return multipart_bad(problem,
                                 "a part's headers do not end, or are longer than 4096 bytes");
        m->at = end + 2;
        if (end == line)
            break;
        int rc = multipart_header(&part, line, end, arena, problem);
        if (rc)
            return rc;
    }
    if (!part.name)
        return multipart_bad(problem, "a part has no name");
    /* An empty part's content ends before it begins: the delimiter's CRLF is the one that ended the
     * headers. */
    const char *content = m->at;
    m->at -= 2;
    const char *stop = multipart_delimiter(m);
    if (!stop)
        return multipart_bad(problem, "the body ends before its closing boundary");
    part.bytes = content;
    part.size = stop > content ? (size_t)(stop - content) : 0;
    *ret_part = part;
    return 1;
}
