/* tar.h - reads the files of an uncompressed tar archive (POSIX ustar and pax, GNU long names) in
 * place.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_TAR_H
#define CLIENTS_SPARROW_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tar;

struct tar_member {
    const char *name;    /* without "./" at its front */
    const uint8_t *data; /* inside the archive */
    size_t count;
};

/* Maps an archive and makes the list of its regular files. On failure returns NULL after a message
 * on stderr. */
struct tar *tar_open(const char *path);

/* The same over bytes in memory, which must outlive it. `why` (why_size bytes) receives the
 * message. */
struct tar *tar_parse(const uint8_t *data, size_t count, char *why, size_t why_size);

void tar_close(struct tar *tar);

/* The members, sorted by name (byte order). */
size_t tar_count(const struct tar *tar);
const struct tar_member *tar_at(const struct tar *tar, size_t index);

/* NULL if there is none of that name; the last one if there are several. */
const struct tar_member *tar_find(const struct tar *tar, const char *name);

#endif
