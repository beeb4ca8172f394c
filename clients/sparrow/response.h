/* response.h - an HTTP/1.1 answer, taken as its bytes come (RFC 9112).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_RESPONSE_H
#define CLIENTS_SPARROW_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum response_state {
    RESPONSE_STATUS_LINE,
    RESPONSE_HEADER,
    RESPONSE_BODY_LENGTH, /* `left` bytes to come */
    RESPONSE_BODY_CLOSE,  /* until the connection ends */
    RESPONSE_CHUNK_SIZE,
    RESPONSE_CHUNK_DATA, /* `left` bytes to come */
    RESPONSE_CHUNK_END,  /* the line end after a chunk */
    RESPONSE_TRAILER,
    RESPONSE_DONE,
    RESPONSE_BAD
};

enum { RESPONSE_LONGEST_LINE = 8192, RESPONSE_MOST_HEADER_BYTES = 65536, RESPONSE_KEPT = 1024 };

/* All zero awaits a new answer. Everything but `state`, `status`, `close`, `body_bytes` and `body`
 * is response.c's own. */
struct response {
    enum response_state state;
    unsigned status;
    bool close;          /* the server closes the connection after this answer */
    uint64_t body_bytes; /* of the body so far */
    bool chunked, length_known;
    uint64_t left;
    size_t line_used, header_used;
    char line[RESPONSE_LONGEST_LINE];
    char body[RESPONSE_KEPT]; /* the body's first bytes, as many as body_bytes says */
};

/* Makes it await a new answer (cheaper than clearing all of it). */
void response_reset(struct response *response);

/* Takes bytes until the answer is complete; *ret_used of them were taken. 1xx answers are passed
 * over. Returns the state: RESPONSE_DONE, RESPONSE_BAD (malformed, or a line or the headers too
 * long), or another: more is needed. */
enum response_state response_feed(struct response *response, const char *data, size_t count,
                                  size_t *ret_used);

/* The connection has ended. True if that completed the answer. */
bool response_end(struct response *response);

#endif
