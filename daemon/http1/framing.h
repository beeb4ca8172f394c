/* framing.h - is this head one that everybody between the client and us reads in the same way? If
 * not, it is refused.
 * RFC 9110 and 9112, and what libmicrohttpd 0.9.75 lets through (README.md has the table). Pure: no
 * sockets, no allocation.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_HTTP1_FRAMING_H
#define DAEMON_HTTP1_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/sparrow.h"

struct framing {        /* zero-initialise; feed every header; then framing_end() */
    int status;         /* 0, or the first reason to refuse: a sparrow_status */
    const char *detail; /* a constant, for the person who reads the answer; set with status */
    unsigned lengths, codings, hosts;
    bool chunked, expects_continue;
    uint64_t content_length; /* if lengths > 0 */
};

void framing_header(struct framing *f, const char *name, size_t name_len, const char *value,
                    size_t value_len);

/* The request line as sent. Sets f->status for whatever is wrong: SPARROW_BAD_REQUEST,
 * SPARROW_METHOD_UNKNOWN, SPARROW_LENGTH_REQUIRED, SPARROW_EXPECTATION_FAILED, SPARROW_TOO_LARGE (a
 * length that no number of ours holds). */
void framing_end(struct framing *f, const char *method, const char *target, const char *version);

/* True if a request with this head has body bytes to come. */
bool framing_has_body(const struct framing *f);

#endif
