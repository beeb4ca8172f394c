/* lanes.c - from lanes back to plain values.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/lanes.h"

#include <string.h>

/* The four winners of a window at a position: their indices. Their values lie a row further on. */
static const uint8_t *window_at(const struct sp_lanes_form *f, bool split, const uint8_t *winners,
                                size_t window, size_t position)
{
    size_t at = sp_lanes_at(f, split, window, split && position % 2 != 0);
    return winners + at + 4 * (split ? position / 2 : position);
}

void sp_lanes_plain(const struct sp_lanes_form *f, bool split, const uint8_t *winners,
                    uint8_t *plain)
{
    size_t row = 4 * sp_lanes_row(f->width, split);
    memset(plain, 0, f->width * f->windows * SP_LANES_WINDOW);
    for (size_t p = 0; p < f->width; p++)
        for (size_t w = 0; w < f->windows; w++, plain += SP_LANES_WINDOW) {
            const uint8_t *index = window_at(f, split, winners, w, p);
            for (size_t i = 0; i < 4; i++)
                if (index[row + i] != 0)
                    plain[index[i]] = index[row + i];
        }
}

size_t sp_lanes_alive(const struct sp_lanes_form *f, bool split, const uint8_t *winners)
{
    size_t alive = 0, row = 4 * sp_lanes_row(f->width, split);
    for (size_t p = 0; p < f->width; p++)
        for (size_t w = 0; w < f->windows; w++)
            for (size_t i = 0; i < 4; i++)
                alive += window_at(f, split, winners, w, p)[row + i] != 0;
    return alive;
}
