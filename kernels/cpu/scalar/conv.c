/* conv.c - convolutions with dense, windowed and listed weights, one output position after the other.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

#include <string.h>

void sp_conv_dense__scalar(const struct sp_conv_shape *shape, const int8_t *weights,
                           const int32_t *bias, const uint8_t *in, int32_t *out)
{
    size_t taps = shape->kernel_height * shape->kernel_width, n = shape->in_channels;
    for (size_t p = 0; p < shape->out_height * shape->out_width; p++) {
        memcpy(out, bias, shape->out_channels * sizeof(*out));
        for (size_t tap = 0; tap < taps; tap++) {
            const uint8_t *v = sp_conv_tap(shape, in, p / shape->out_width, p % shape->out_width, tap);
            if (v == NULL)
                continue;
            for (size_t o = 0; o < shape->out_channels; o++) {
                const int8_t *w = weights + (o * taps + tap) * n;
                int32_t sum = 0;
                for (size_t c = 0; c < n; c++)
                    sum += v[c] * w[c];
                out[o] += sum;
            }
        }
        out += shape->out_channels;
    }
}

void sp_conv_windows__scalar(const struct sp_conv_shape *shape, const struct sp_windows *w,
                             const int32_t *bias, const uint8_t *in, int32_t *out)
{
    for (size_t p = 0; p < shape->out_height * shape->out_width; p++) {
        memcpy(out, bias, shape->out_channels * sizeof(*out));
        const int8_t *values = w->values;
        for (size_t i = 0; i < w->places; i++, values += w->group * w->window) {
            const struct sp_place *place = &w->place[i];
            const uint8_t *v = sp_conv_tap(shape, in, p / shape->out_width, p % shape->out_width,
                                          place->tap);
            if (v == NULL)
                continue;
            v += place->window * w->window;
            int32_t *sums = out + place->group * w->group;
            for (size_t c = 0; c < w->window; c++) {
                if (v[c] == 0)
                    continue;
                for (size_t o = 0; o < w->group; o++)
                    sums[o] += v[c] * values[c * w->group + o];
            }
        }
        out += shape->out_channels;
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
