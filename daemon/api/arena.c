/* arena.c - chunks of memory that grow by doubling; a steady stream of like requests settles in one
 * chunk.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/api/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_FIRST 8192
#define ARENA_KEEP  ((size_t)1 << 20) /* a chunk larger than this is not kept for the next call */

struct arena_chunk {
    struct arena_chunk *next;
    size_t cap, used;
    _Alignas(16) unsigned char bytes[];
};

void arena_init(struct arena *arena, size_t budget)
{
    *arena = (struct arena){.budget = budget};
}

static void arena_drop(struct arena *arena, struct arena_chunk *keep)
{
    struct arena_chunk *c = arena->chunks;
    while (c) {
        struct arena_chunk *next = c->next;
        if (c != keep)
            free(c);
        c = next;
    }
    arena->chunks = keep;
    arena->used = 0;
}

void arena_done(struct arena *arena)
{
    arena_drop(arena, NULL);
}

void arena_reset(struct arena *arena, size_t budget)
{
    struct arena_chunk *keep = NULL;
    for (struct arena_chunk *c = arena->chunks; c; c = c->next)
        if (c->cap <= ARENA_KEEP && (!keep || c->cap > keep->cap))
            keep = c;
    arena_drop(arena, keep);
    if (keep) {
        keep->next = NULL;
        keep->used = 0;
    }
    arena->budget = budget;
}

static struct arena_chunk *arena_grow(struct arena *arena, size_t size)
{
    size_t cap = arena->chunks ? arena->chunks->cap * 2 : ARENA_FIRST;
    if (cap > ARENA_KEEP)
        cap = ARENA_KEEP;
    if (cap < size)
        cap = size;
    struct arena_chunk *c = malloc(sizeof *c + cap);
    if (!c)
        return NULL;
    *c = (struct arena_chunk){.next = arena->chunks, .cap = cap};
    arena->chunks = c;
    return c;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX - 64)
        return NULL;
    size = (size + 15) & ~(size_t)15;
    if (size > arena->budget || arena->used > arena->budget - size)
        return NULL;
    struct arena_chunk *c = arena->chunks;
    if (!c || size > c->cap - c->used)
        c = arena_grow(arena, size);
    if (!c)
        return NULL;
    void *p = c->bytes + c->used;
    c->used += size;
    arena->used += size;
    return p;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    void *p = arena_alloc(arena, bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

char *arena_copy(struct arena *arena, const char *bytes, size_t n)
{
    char *p = n == SIZE_MAX ? NULL : arena_alloc(arena, n + 1);
    if (!p)
        return NULL;
    if (n)
        memcpy(p, bytes, n);
    p[n] = '\0';
    return p;
}
