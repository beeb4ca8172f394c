/* lanes.c - from lanes back to plain values.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/lanes.h"

#include <string.h>

void sp_lanes_plain_sums(size_t width, size_t channels, const int32_t *sums, int32_t *plain)
{
    size_t row = sp_lanes_row(width);
    for (size_t p = 0; p < width; p++)
        for (size_t c = 0; c < channels; c++)
            *plain++ = sums[c * row + p];
}

/* The array of a pair of a window; array = window * pairs + pair. */
static const uint8_t *array_at(const struct sp_lanes_winners_shape *s, const uint8_t *winners,
                               size_t array)
{
    return winners + array * sp_lanes_array(s, false) + 2 * SP_LANES_MARGIN;
}

void sp_lanes_plain_winners(const struct sp_lanes_winners_shape *s, const uint8_t *winners,
                            uint8_t *plain)
{
    size_t channels = s->windows * SP_LANES_WINDOW, plane = sp_lanes_plane(s, false);
    memset(plain, 0, s->width * channels);
    for (size_t a = 0; a < s->windows * s->pairs; a++) {
        const uint8_t *index = array_at(s, winners, a), *value = index + plane;
        uint8_t *window = plain + a / s->pairs * SP_LANES_WINDOW;
        for (size_t i = 0; i < 2 * s->width; i++)
            if (value[i] != 0)
                window[i / 2 * channels + index[i]] = value[i];
    }
}

void sp_lanes_mean_pool(const struct sp_lanes_winners_shape *s, const uint8_t *winners,
                        int32_t *out)
{
    size_t plane = sp_lanes_plane(s, false);
    memset(out, 0, s->windows * SP_LANES_WINDOW * sizeof(*out));
    for (size_t a = 0; a < s->windows * s->pairs; a++) {
        const uint8_t *index = array_at(s, winners, a), *value = index + plane;
        int32_t *window = out + a / s->pairs * SP_LANES_WINDOW;
        for (size_t i = 0; i < 2 * s->width; i++)
            window[index[i]] += value[i];
    }
}

size_t sp_lanes_alive(const struct sp_lanes_winners_shape *s, const uint8_t *winners)
{
    size_t alive = 0;
    for (size_t a = 0; a < s->windows * s->pairs; a++) {
        const uint8_t *value = array_at(s, winners, a) + sp_lanes_plane(s, false);
        for (size_t i = 0; i < 2 * s->width; i++)
            alive += value[i] != 0;
    }
    return alive;
}
