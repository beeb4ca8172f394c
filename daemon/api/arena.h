/* arena.h - memory of one call: handed out in one direction, given back all at once, kept for the
 * next call. A budget bounds what one request can make us hold.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_API_ARENA_H
#define DAEMON_API_ARENA_H

#include <stddef.h>

struct arena_chunk;
struct arena {
    struct arena_chunk *chunks; /* the newest first */
    size_t used;                /* bytes handed out since the last reset */
    size_t budget;              /* how many may be */
};

void arena_init(struct arena *arena, size_t budget);
void arena_done(struct arena *arena);
/* Everything handed out is gone; one chunk of moderate size stays for the next call. */
void arena_reset(struct arena *arena, size_t budget);

/* 16-byte aligned, not cleared. NULL: over the budget, or no memory. */
void *arena_alloc(struct arena *arena, size_t size);
/* count x size, cleared. NULL as well when the product overflows. */
void *arena_array(struct arena *arena, size_t count, size_t size);
/* A copy with a NUL behind it. */
char *arena_copy(struct arena *arena, const char *bytes, size_t n);

#endif
