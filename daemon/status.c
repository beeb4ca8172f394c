/* status.c - the one place where our statuses meet HTTP, gRPC and Connect.
 * A status that says "not processed" (503) may be retried elsewhere without harm; none of the
 * others says so.
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/status.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#define ROW(status, type, title, http, grpc, connect, retry, close, meaning)                       \
    [-(status)] = {status, type, title, http, grpc, connect, retry, close, meaning}

static const struct status_row rows[] = {
    ROW(SPARROW_OK, "ok", "OK", 200, 0, "", false, false, "The request was answered."),
    ROW(SPARROW_BAD_ARGUMENT, "bad-argument", "Bad argument", 400, 3, "invalid_argument", false,
        false, "A value is out of its range."),
    ROW(SPARROW_NO_MEMORY, "no-memory", "Out of memory", 503, 14, "unavailable", true, false,
        "The process has no memory left for this request. Nothing was computed; try later or "
        "elsewhere."),
    ROW(SPARROW_IO, "io", "File not readable", 500, 13, "internal", false, false,
        "A file of the server could not be read."),
    ROW(SPARROW_BAD_MODEL, "bad-model", "Bad model", 500, 13, "internal", false, false,
        "A model file is damaged or contradicts itself."),
    ROW(SPARROW_UNKNOWN_VERSION, "unknown-version", "Unknown model version", 500, 13, "internal",
        false, false,
        "A model file is of a format or has a layer that this version does not know."),
    ROW(SPARROW_UNSUPPORTED_MEDIA, "unsupported-media-type", "Unsupported media type", 415, 3,
        "invalid_argument", false, false,
        "The audio's container or coding is not handled, or audio/l16 came without a rate."),
    ROW(SPARROW_BAD_AUDIO, "undecodable-audio", "Undecodable audio", 422, 3, "invalid_argument",
        false, false, "The right kind of audio, but it cannot be decoded or has no samples."),
    ROW(SPARROW_TOO_LARGE, "too-large", "Too large", 413, 8, "resource_exhausted", false, false,
        "The body, the decoded audio or a count is beyond its limit (server.max_body, "
        "audio.max_seconds, audio.max_clips)."),
    ROW(SPARROW_CANCELLED, "cancelled", "Cancelled", 499, 1, "canceled", false, true,
        "The client went away before the answer. Seen in metrics, never by the client."),
    ROW(SPARROW_BUSY, "queue-full", "Queue full", 503, 14, "unavailable", true, false,
        "Every queue is full, or the wait would be longer than the deadline. Nothing was computed; "
        "Retry-After says when to come back."),
    ROW(SPARROW_DRAINING, "draining", "Shutting down", 503, 14, "unavailable", true, true,
        "The server is going down and takes no new work. Nothing was computed; try another "
        "instance."),
    ROW(SPARROW_NO_REPLICA, "no-replica", "No replica alive", 503, 14, "unavailable", true, false,
        "No replica of the network answers. Nothing was computed; try another instance."),
    ROW(SPARROW_DEADLINE, "deadline-exceeded", "Deadline exceeded", 504, 4, "deadline_exceeded",
        false, false,
        "The deadline (the client's timeout, or schedule.max_wait) passed before the answer."),
    ROW(SPARROW_BACKEND, "backend-failure", "Back end failed", 500, 13, "internal", false, false,
        "A device failed with the word in it, and so did another one."),
    ROW(SPARROW_UNKNOWN_MODEL, "unknown-model", "Unknown model", 404, 5, "not_found", false, false,
        "No model of that name is loaded; GET /v1/models lists those that are."),
    ROW(SPARROW_BAD_PARAMETER, "bad-parameter", "Bad parameter", 400, 3, "invalid_argument", false,
        false, "A query parameter or field is unknown or out of its range; the detail names it."),
    ROW(SPARROW_BAD_REQUEST, "malformed-request", "Malformed request", 400, 3, "invalid_argument",
        false, true,
        "The framing, the body or the message is not well-formed. The connection is closed."),
    ROW(SPARROW_NOT_FOUND, "not-found", "Not found", 404, 12, "unimplemented", false, false,
        "There is no such path or method."),
    ROW(SPARROW_METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed", 405, 12,
        "unimplemented", false, false,
        "The path is known but not with this method; Allow lists those it has."),
    ROW(SPARROW_METHOD_UNKNOWN, "method-unknown", "Unknown method", 501, 12, "unimplemented", false,
        true, "Nobody knows this method."),
    ROW(SPARROW_NOT_ACCEPTABLE, "not-acceptable", "Not acceptable", 406, 3, "invalid_argument",
        false, false, "Accept excludes every form in which the answer could be given."),
    ROW(SPARROW_LENGTH_REQUIRED, "length-required", "Length required", 411, 3, "invalid_argument",
        false, true, "A POST has neither Content-Length nor Transfer-Encoding: chunked."),
    ROW(SPARROW_EXPECTATION_FAILED, "expectation-failed", "Expectation failed", 417, 3,
        "invalid_argument", false, true, "Expect holds something else than 100-continue."),
    ROW(SPARROW_CONFIG, "configuration", "Configuration error", 500, 13, "internal", false, false,
        "A configuration key or value is wrong. Seen at start and reload, not by clients."),
    ROW(SPARROW_INTERNAL, "internal-error", "Internal error", 500, 13, "internal", false, false,
        "A mistake of the server's own; please report it with the request id."),
};
static_assert(sizeof(rows) / sizeof(rows[0]) == SPARROW_STATUS_COUNT, "each status has a row");

const struct status_row *status_row(enum sparrow_status status)
{
    /* The whole range of int goes through here, so no negation before the bounds are known. */
    int s = (int)status;
    if (s > 0 || s <= -SPARROW_STATUS_COUNT)
        s = SPARROW_INTERNAL;
    return &rows[-s];
}

int status_fail(struct sparrow_error *err, enum sparrow_status status, const char *format, ...)
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

void status_print_markdown(FILE *out)
{
    fputs("# Errors\n\n"
          "Errors of the HTTP routes are `application/problem+json` (RFC 9457): `type` is "
          "`/problems/` and the word in the first\n"
          "column, `title` and `status` belong to the type, `detail` says what happened this time, "
          "`request_id` finds it in the\n"
          "log. Programs should switch on `type`. *Retry* means that nothing was computed, so the "
          "same request may be sent\n"
          "again, here after `Retry-After` or to another instance at once.\n\n"
          "| type | HTTP | title | gRPC | Connect | retry | closes | when |\n"
          "| --- | --- | --- | --- | --- | --- | --- | --- |\n",
          out);
    for (size_t i = 1; i < SPARROW_STATUS_COUNT; i++) {
        const struct status_row *r = &rows[i];
        fprintf(out, "| `%s` | %u | %s | %u | `%s` | %s | %s | %s |\n", r->type, r->http, r->title,
                r->grpc, r->connect, r->retry ? "yes" : "no", r->close ? "yes" : "no", r->meaning);
    }
}
