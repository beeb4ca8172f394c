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

/* The output positions, along one dimension, for which a tap lies inside of the input. */
struct span {
    size_t first, end;
};

static struct span span_of(size_t out, size_t stride, size_t tap, size_t pad, size_t in)
{
    struct span s = {0, 0};
    if (in + pad > tap)
        s.end = (in + pad - tap + stride - 1) / stride;
    if (s.end > out)
        s.end = out;
    if (pad > tap)
        s.first = (pad - tap + stride - 1) / stride;
    return s;
}

/* One tap: its spans, and the first input under it at their first positions. */
struct tap {
    struct span y, x;
    size_t in, in_row, in_step; /* offsets: first, from row to row, from position to position */
};

static struct tap tap_of(const struct sp_conv_shape *s, size_t tap)
{
    size_t ky = tap / s->kernel_width, kx = tap % s->kernel_width;
    struct tap t = {
        .y = span_of(s->out_height, s->stride_height, ky, s->pad_top, s->in_height),
        .x = span_of(s->out_width, s->stride_width, kx, s->pad_left, s->in_width),
        .in_row = s->stride_height * s->in_width * s->in_channels,
        .in_step = s->stride_width * s->in_channels,
    };
    if (t.y.first < t.y.end && t.x.first < t.x.end)
        t.in = ((t.y.first * s->stride_height + ky - s->pad_top) * s->in_width +
                (t.x.first * s->stride_width + kx - s->pad_left)) *
               s->in_channels;
    else
        t.y.end = t.y.first; /* it never meets the input */
    return t;
}

static void fill_bias(const struct sp_conv_shape *s, const int32_t *bias, int32_t *out)
{
    for (size_t p = 0; p < s->out_height * s->out_width; p++)
        memcpy(out + p * s->out_channels, bias, s->out_channels * sizeof(*out));
}

/* Place by place, so that a place's weights stay at hand for all positions. */
void sp_conv_windows__scalar(const struct sp_conv_shape *shape, const struct sp_windows *w,
                             const int32_t *bias, const uint8_t *in, int32_t *out)
{
    const int8_t *values = w->values;
    fill_bias(shape, bias, out);
    for (size_t i = 0; i < w->places; i++, values += w->group * w->window) {
        const struct sp_place *place = &w->place[i];
        struct tap t = tap_of(shape, place->tap);
        size_t first = t.in + place->window * w->window;
        for (size_t y = t.y.first; y < t.y.end; y++, first += t.in_row) {
            const uint8_t *v = in + first;
            int32_t *sums = out + (y * shape->out_width + t.x.first) * shape->out_channels +
                            place->group * w->group;
            for (size_t x = t.x.first; x < t.x.end; x++) {
                if (w->group == 8) /* the usual one, unrolled */
                    add_window(w->window, 8, values, v, sums);
                else
                    add_window(w->window, w->group, values, v, sums);
                v += t.in_step;
                sums += shape->out_channels;
            }
        }
    }
}

/* One weight at all its positions. */
static void add_weight(const struct sp_conv_shape *shape, const struct tap *t, int32_t weight,
                       const uint8_t *in, int32_t *out)
{
    for (size_t y = t->y.first; y < t->y.end; y++, in += t->in_row) {
        const uint8_t *v = in;
        int32_t *sum = out + (y * shape->out_width + t->x.first) * shape->out_channels;
        for (size_t x = t->x.first; x < t->x.end; x++) {
            *sum += weight * *v;
            v += t->in_step;
            sum += shape->out_channels;
        }
    }
}

/* Weight by weight; the weights of a tap follow one another. */
void sp_conv_indexed__scalar(const struct sp_conv_shape *shape, const struct sp_indexed *w,
                             const int32_t *bias, const uint8_t *in, int32_t *out)
{
    size_t n = 0, tap = SIZE_MAX;
    struct tap t = {0};
    fill_bias(shape, bias, out);
    for (size_t o = 0; o < shape->out_channels; o++)
        for (size_t i = 0; i < w->counts[o]; i++, n++) {
            if (w->positions[n] / shape->in_channels != tap) {
                tap = w->positions[n] / shape->in_channels;
                t = tap_of(shape, tap);
            }
            size_t channel = w->positions[n] - tap * shape->in_channels;
            add_weight(shape, &t, w->values[n], in + t.in + channel, out + o);
        }
}
