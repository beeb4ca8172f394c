/* response.c - an HTTP/1.1 answer, taken as its bytes come: one small function for each state.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clients/sparrow/response.h"

#include <string.h>
#include <strings.h>

void response_reset(struct response *response)
{
    memset(response, 0, offsetof(struct response, line));
}

static bool is_line_state(enum response_state state)
{
    return state == RESPONSE_STATUS_LINE || state == RESPONSE_HEADER ||
           state == RESPONSE_CHUNK_SIZE || state == RESPONSE_CHUNK_END || state == RESPONSE_TRAILER;
}

/* "HTTP/1.1 200 OK"; the reason may be missing. */
static enum response_state status_line(struct response *r)
{
    const char *line = r->line;
    if (strncmp(line, "HTTP/1.", 7) != 0 || (line[7] != '0' && line[7] != '1') || line[8] != ' ')
        return RESPONSE_BAD;
    unsigned status = 0;
    for (int i = 9; i < 12; i++) {
        if (line[i] < '0' || line[i] > '9')
            return RESPONSE_BAD;
        status = status * 10 + (unsigned)(line[i] - '0');
    }
    if (status < 100 || (line[12] != ' ' && line[12] != '\0'))
        return RESPONSE_BAD;
    r->status = status;
    r->close = line[7] == '0';
    return RESPONSE_HEADER;
}

static bool read_length(const char *value, uint64_t *ret_length)
{
    uint64_t length = 0;
    if (!*value)
        return false;
    for (; *value; value++) {
        if (*value < '0' || *value > '9' || __builtin_mul_overflow(length, 10u, &length) ||
            __builtin_add_overflow(length, (uint64_t)(*value - '0'), &length))
            return false;
    }
    *ret_length = length;
    return true;
}

/* True if a comma list has this token. */
static bool has_token(const char *list, const char *token)
{
    size_t n = strlen(token);
    while (*list) {
        list += strspn(list, " \t,");
        size_t m = strcspn(list, " \t,;");
        if (m == n && strncasecmp(list, token, n) == 0)
            return true;
        list += strcspn(list, ",");
    }
    return false;
}

static enum response_state after_headers(struct response *r)
{
    if (r->status < 200) { /* 100 Continue and the like: the answer itself follows */
        response_reset(r);
        return RESPONSE_STATUS_LINE;
    }
    if (r->status == 204 || r->status == 304)
        return RESPONSE_DONE;
    if (r->chunked)
        return RESPONSE_CHUNK_SIZE;
    if (r->length_known)
        return r->left ? RESPONSE_BODY_LENGTH : RESPONSE_DONE;
    r->close = true;
    return RESPONSE_BODY_CLOSE;
}

static enum response_state header(struct response *r)
{
    char *line = r->line;
    if (!*line)
        return after_headers(r);
    char *colon = strchr(line, ':');
    if (!colon || colon == line)
        return RESPONSE_BAD;
    size_t n = (size_t)(colon - line);
    char *value = colon + 1 + strspn(colon + 1, " \t");
    for (size_t end = strlen(value); end > 0 && (value[end - 1] == ' ' || value[end - 1] == '\t');)
        value[--end] = '\0';
    if (n == 14 && strncasecmp(line, "content-length", n) == 0) {
        uint64_t length;
        if (!read_length(value, &length) || (r->length_known && length != r->left))
            return RESPONSE_BAD;
        r->length_known = true;
        r->left = length;
    } else if (n == 17 && strncasecmp(line, "transfer-encoding", n) == 0) {
        if (!has_token(value, "chunked"))
            return RESPONSE_BAD; /* we asked for no coding */
        r->chunked = true;
    } else if (n == 10 && strncasecmp(line, "connection", n) == 0) {
        if (has_token(value, "close"))
            r->close = true;
        else if (has_token(value, "keep-alive"))
            r->close = false;
    }
    return RESPONSE_HEADER;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum response_state chunk_size(struct response *r)
{
    uint64_t size = 0;
    const char *c = r->line;
    if (hex_digit(*c) < 0)
        return RESPONSE_BAD;
    for (; hex_digit(*c) >= 0; c++) {
        if (size >> 56)
            return RESPONSE_BAD;
        size = size << 4 | (uint64_t)hex_digit(*c);
    }
    if (*c && *c != ';' && *c != ' ' && *c != '\t')
        return RESPONSE_BAD;
    r->left = size;
    return size ? RESPONSE_CHUNK_DATA : RESPONSE_TRAILER;
}

static enum response_state line_done(struct response *r)
{
    switch (r->state) {
    case RESPONSE_STATUS_LINE:
        return status_line(r);
    case RESPONSE_HEADER:
        return header(r);
    case RESPONSE_CHUNK_SIZE:
        return chunk_size(r);
    case RESPONSE_CHUNK_END:
        return r->line[0] ? RESPONSE_BAD : RESPONSE_CHUNK_SIZE;
    case RESPONSE_TRAILER:
        return r->line[0] ? RESPONSE_TRAILER : RESPONSE_DONE;
    default:
        return RESPONSE_BAD;
    }
}

/* Gathers one line; acts when its end is there. Returns how many bytes it took. */
static size_t feed_line(struct response *r, const char *data, size_t count)
{
    const char *end = memchr(data, '\n', count);
    size_t n = end ? (size_t)(end - data) : count;
    if (n >= sizeof(r->line) - r->line_used ||
        r->header_used + n + 1 > RESPONSE_MOST_HEADER_BYTES || memchr(data, '\0', n)) {
        r->state = RESPONSE_BAD;
        return 0;
    }
    memcpy(r->line + r->line_used, data, n);
    r->line_used += n;
    /* Chunk headers repeat without end; the limit is on what comes before the body, and on
     * trailers. */
    if (r->state != RESPONSE_CHUNK_SIZE && r->state != RESPONSE_CHUNK_END)
        r->header_used += n + 1;
    if (!end)
        return n;
    if (r->line_used && r->line[r->line_used - 1] == '\r')
        r->line_used--;
    r->line[r->line_used] = '\0';
    r->line_used = 0;
    r->state = line_done(r);
    return n + 1;
}

static void keep(struct response *r, const char *data, size_t count)
{
    if (r->body_bytes < sizeof(r->body)) {
        size_t room = sizeof(r->body) - (size_t)r->body_bytes;
        memcpy(r->body + r->body_bytes, data, count < room ? count : room);
    }
    r->body_bytes += count;
}

static size_t feed_body(struct response *r, const char *data, size_t count)
{
    size_t n = r->state == RESPONSE_BODY_CLOSE || count < r->left ? count : (size_t)r->left;
    keep(r, data, n);
    if (r->state == RESPONSE_BODY_CLOSE)
        return n;
    r->left -= n;
    if (r->left == 0)
        r->state = r->state == RESPONSE_CHUNK_DATA ? RESPONSE_CHUNK_END : RESPONSE_DONE;
    return n;
}

enum response_state response_feed(struct response *response, const char *data, size_t count,
                                  size_t *ret_used)
{
    size_t used = 0;
    while (used < count && response->state != RESPONSE_DONE && response->state != RESPONSE_BAD)
        used += is_line_state(response->state) ? feed_line(response, data + used, count - used)
                                               : feed_body(response, data + used, count - used);
    *ret_used = used;
    return response->state;
}

bool response_end(struct response *response)
{
    if (response->state == RESPONSE_BODY_CLOSE)
        response->state = RESPONSE_DONE;
    return response->state == RESPONSE_DONE;
}
