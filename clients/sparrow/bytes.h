/* bytes.h - whole files in memory.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_BYTES_H
#define CLIENTS_SPARROW_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file's bytes; all zero is an empty one that bytes_done() takes. bytes_read() uses the buffer
 * again. */
struct bytes {
    uint8_t *data;
    size_t count, room;
};

/* Reads a file ("-" is standard input) of at most `limit` bytes, replacing what was there. On
 * failure says why on stderr and returns false; the contents are undefined then, but may be read
 * into again or freed. */
bool bytes_read(struct bytes *bytes, const char *path, size_t limit);
void bytes_done(struct bytes *bytes);

/* Makes room for at least `room` bytes in all; keeps what is there. False: no memory (nothing was
 * said). */
bool bytes_reserve(struct bytes *bytes, size_t room);

#endif
