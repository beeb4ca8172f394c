/* envelope.h - the bytes around a model's payload: magic, version, length, digest
 * (proto/model.proto).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_ENVELOPE_H
#define SP_ENVELOPE_H

#include "engine/sparrow.h"

#define SP_ENVELOPE_BYTES   56
#define SP_ENVELOPE_VERSION 1

struct sp_envelope {
    const uint8_t *payload; /* inside the bytes that were checked */
    size_t bytes;
    char digest[65]; /* of the payload, hex */
};

/* Checks n bytes of a model file. Errors: SPARROW_BAD_MODEL, SPARROW_UNKNOWN_VERSION. */
int sp_envelope_open(const void *bytes, size_t n, struct sp_envelope *ret_envelope,
                     struct sparrow_error *err);

/* Writes the SP_ENVELOPE_BYTES that belong in front of a payload. */
void sp_envelope_write(const uint8_t *payload, size_t n, uint8_t *ret_head);

/* Reads a whole file of at most SP_LIMIT_FILE_BYTES; the caller frees *ret_bytes.
 * Errors: SPARROW_IO, SPARROW_BAD_MODEL (too large), SPARROW_NO_MEMORY. */
int sp_envelope_read(const char *path, uint8_t **ret_bytes, size_t *ret_n,
                     struct sparrow_error *err);

#endif
