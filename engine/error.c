/* error.c - how the engine says what went wrong, and what the library calls itself.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "config.h"

static const char *const status_names[] = {
    "ok",
    "bad-argument",
    "no-memory",
    "io",
    "bad-model",
    "unknown-version",
    "unsupported-media",
    "bad-audio",
    "too-large",
    "cancelled",
    "busy",
    "draining",
    "no-replica",
    "deadline",
    "backend",
    "unknown-model",
    "bad-parameter",
    "bad-request",
    "not-found",
    "method-not-allowed",
    "method-unknown",
    "not-acceptable",
    "length-required",
    "expectation-failed",
    "config",
    "internal",
};
static_assert(sizeof(status_names) / sizeof(status_names[0]) == SPARROW_STATUS_COUNT,
              "each status has a name");

const char *sparrow_status_name(enum sparrow_status status)
{
    int index = -(int)status;
    if (index < 0 || index >= SPARROW_STATUS_COUNT)
        return "unknown";
    return status_names[index];
}

const char *sparrow_version(void)
{
    return PACKAGE_VERSION;
}

int sp_error_set(struct sparrow_error *err, enum sparrow_status status, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof(err->text), format, args);
        va_end(args);
        err->status = status;
    }
    return (int)status;
}
