/* conv.c - convolutions with dense, windowed and listed weights, one output position after the
 * other.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

#include <string.h>

/* In runs of 16, a length that compilers turn into vectors without being asked to. */
static int32_t dot(const uint8_t *v, const int8_t *w, size_t n)
{
    int32_t sum = 0;
    size_t c = 0;
    for (; c + 16 <= n; c += 16)
        for (size_t i = 0; i < 16; i++)
            sum += (int16_t)(v[c + i] * w[c + i]);
    for (; c < n; c++)
        sum += v[c] * w[c];
    return sum;
}

void sp_conv_dense__scalar(const struct sp_conv_shape *shape, const int8_t *weights,
                           const int32_t *bias, const uint8_t *in, int32_t *out)
{
    size_t taps = shape->kernel_height * shape->kernel_width, n = shape->in_channels;
    for (size_t p = 0; p < shape->out_height * shape->out_width; p++) {
        memcpy(out, bias, shape->out_channels * sizeof(*out));
        for (size_t tap = 0; tap < taps; tap++) {
            const uint8_t *v =
                sp_conv_tap(shape, in, p / shape->out_width, p % shape->out_width, tap);
            if (v == NULL)
                continue;
            for (size_t o = 0; o < shape->out_channels; o++)
                out[o] += dot(v, weights + (o * taps + tap) * n, n);
        }
        out += shape->out_channels;
    }
}

/* The sums of a group from the alive inputs of one window. A product fits s16: compilers like to
 * know. */
static inline __attribute__((always_inline)) void
add_window(size_t window, size_t group, const int8_t *values, const uint8_t *v, int32_t *sums)
{
    for (size_t c = 0; c < window; c++, values += group) {
        int16_t alive = v[c];
        if (alive == 0)
            continue;
        for (size_t o = 0; o < group; o++)
            sums[o] += (int16_t)(alive * values[o]);
    }
}

/* Place by place, so that a place's weights stay at hand for all positions. */
void sp_conv_windows__scalar(const struct sp_conv_shape *shape, const struct sp_windows *w,
                             const int32_t *bias, const uint8_t *in, int32_t *out)
{
    for (size_t p = 0; p < shape->out_height * shape->out_width; p++)
        memcpy(out + p * shape->out_channels, bias, shape->out_channels * sizeof(*out));
    const int8_t *values = w->values;
    for (size_t i = 0; i < w->places; i++, values += w->group * w->window) {
        const struct sp_place *place = &w->place[i];
        int32_t *sums = out + place->group * w->group;
        size_t first = place->window * w->window;
        for (size_t y = 0; y < shape->out_height; y++)
            for (size_t x = 0; x < shape->out_width; x++, sums += shape->out_channels) {
                const uint8_t *v = sp_conv_tap(shape, in, y, x, place->tap);
                if (v != NULL && w->group == 8) /* the usual one, unrolled */
                    add_window(w->window, 8, values, v + first, sums);
                else if (v != NULL)
                    add_window(w->window, w->group, values, v + first, sums);
            }
    }
}

void sp_conv_indexed__scalar(const struct sp_conv_shape *shape, const struct sp_indexed *w,
                             const int32_t *bias, const uint8_t *in, int32_t *out)
{
    for (size_t p = 0; p < shape->out_height * shape->out_width; p++) {
        const uint32_t *positions = w->positions;
        const int8_t *values = w->values;
        for (size_t o = 0; o < shape->out_channels; o++) {
            size_t tap = SIZE_MAX;
            const uint8_t *v = NULL;
            int32_t sum = bias[o];
            for (size_t i = 0; i < w->counts[o]; i++) {
                if (positions[i] / shape->in_channels != tap) {
                    tap = positions[i] / shape->in_channels;
                    v = sp_conv_tap(shape, in, p / shape->out_width, p % shape->out_width, tap);
                }
                if (v != NULL)
                    sum += v[positions[i] - tap * shape->in_channels] * values[i];
            }
            positions += w->counts[o];
            values += w->counts[o];
            *out++ = sum;
        }
    }
}
