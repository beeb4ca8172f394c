/* status.h - one table from our statuses to what each wire says. docs/errors.md is printed from it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_STATUS_H
#define DAEMON_STATUS_H

#include <stdbool.h>
#include <stdio.h>

#include "engine/sparrow.h"

struct status_row {
    enum sparrow_status status;
    const char *type; /* problem type suffix: "queue-full" -> /problems/queue-full */
    const char *title;
    unsigned http;       /* HTTP status */
    unsigned grpc;       /* gRPC code */
    const char *connect; /* Connect error code: "invalid_argument", ... */
    bool retry;          /* the client may come back: Retry-After */
    bool close;          /* close the connection after it */
    const char *meaning; /* for docs/errors.md: when, and what to do */
};

/* Never NULL: an unknown status is SPARROW_INTERNAL. */
const struct status_row *status_row(enum sparrow_status status);
/* Fills *err (may be NULL) with a printf-formatted sentence and returns status: `return
 * status_fail(err, SPARROW_IO, ...)`. */
int status_fail(struct sparrow_error *err, enum sparrow_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void status_print_markdown(FILE *out);

#endif
