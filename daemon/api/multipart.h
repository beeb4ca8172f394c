/* multipart.h - multipart/form-data (RFC 7578) in memory: parts are slices of the body, nothing is
 * copied but names.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_API_MULTIPART_H
#define DAEMON_API_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/api/arena.h"
#include "daemon/api/problem.h"

struct multipart {
    const char *body, *end, *at;
    char delimiter[2 + 2 + 70 + 1]; /* CRLF, "--", the boundary (RFC 2046: 1 to 70 characters) */
    size_t delimiter_len;
    bool closed; /* the closing delimiter was read */
};

struct multipart_part {
    const char *name;       /* never NULL */
    const char *filename;   /* NULL: a field */
    const char *media_type; /* NULL: not said */
    bool encoded;      /* a Content-Transfer-Encoding that changes the bytes (RFC 7578 section 4.7
                          withdrew them) */
    const char *bytes; /* in the body */
    size_t size;
};

/* The body must outlive m. Both return negative (problem->status) on a form that is broken. */
int multipart_begin(struct multipart *m, const char *content_type, const char *body, size_t n,
                    struct problem *problem);
/* 1: *ret_part is the next part, 0: there is none. */
int multipart_next(struct multipart *m, struct arena *arena, struct multipart_part *ret_part,
                   struct problem *problem);

#endif
