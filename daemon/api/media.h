/* media.h - media types: what a body is (Content-Type), what a client wants (Accept).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_API_MEDIA_H
#define DAEMON_API_MEDIA_H

#include <stdbool.h>
#include <stddef.h>

/* What /v1/recognize takes, for the Accept header of a 415. */
#define MEDIA_AUDIO                                                                                \
    "audio/wav, audio/flac, audio/ogg, audio/mpeg, audio/l16;rate=16000, audio/basic, "            \
    "multipart/form-data"

/* Whether a Content-Type is this type ("application/json"), whatever its parameters. */
bool media_is(const char *content_type, const char *type);

/* A parameter's value, quotes undone, into out. False: not there, does not fit, or broken. */
bool media_parameter(const char *content_type, const char *name, char *out, size_t cap);

/* How much an Accept header wants a type, 0..1000 (RFC 9110 section 12.5.1: the most specific range
 * decides). NULL or "" wants everything. type: "application/json". */
unsigned media_quality(const char *accept, const char *type);

/* Whether an Accept header names the type itself (not by a wildcard) and does not refuse it. */
bool media_names(const char *accept, const char *type);

/* Whether a Content-Encoding leaves the bytes as they are. */
bool media_identity(const char *content_encoding);

#endif
