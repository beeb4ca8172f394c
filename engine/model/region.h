/* region.h - memory that is allocated piece by piece and freed at once: what a loaded model is made
 * of.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_REGION_H
#define SP_REGION_H

#include <stddef.h>

struct sp_region_piece;

struct sp_region {
    struct sp_region_piece *pieces;
};

/* count x size zeroed bytes, aligned to 64; NULL when the product overflows or memory is short.
 * Nothing may be asked for: count or size 0 gives a pointer that is not NULL. */
void *sp_region_alloc(struct sp_region *region, size_t count, size_t size);

/* A copy of n bytes and a zero byte behind them; NULL when memory is short. */
char *sp_region_text(struct sp_region *region, const char *text, size_t n);

/* Frees all pieces; the region is empty then. */
void sp_region_done(struct sp_region *region);

#endif
