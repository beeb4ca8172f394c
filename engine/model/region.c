/* region.c - memory that is allocated piece by piece and freed at once.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/model/region.h"

#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 64

/* Fills one alignment unit, so that what follows it is aligned. */
struct sp_region_piece {
    _Alignas(ALIGNMENT) struct sp_region_piece *next;
};

void *sp_region_alloc(struct sp_region *region, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) ||
        __builtin_add_overflow(bytes, sizeof(struct sp_region_piece) + ALIGNMENT - 1, &bytes))
        return NULL;
    bytes -= bytes % ALIGNMENT;
    struct sp_region_piece *piece = aligned_alloc(ALIGNMENT, bytes);
    if (piece == NULL)
        return NULL;
    memset(piece, 0, bytes);
    piece->next = region->pieces;
    region->pieces = piece;
    return piece + 1;
}

char *sp_region_text(struct sp_region *region, const char *text, size_t n)
{
    char *copy = sp_region_alloc(region, n + 1, 1);
    if (copy != NULL)
        memcpy(copy, text, n);
    return copy;
}

void sp_region_done(struct sp_region *region)
{
    while (region->pieces != NULL) {
        struct sp_region_piece *piece = region->pieces;
        region->pieces = piece->next;
        free(piece);
    }
}
