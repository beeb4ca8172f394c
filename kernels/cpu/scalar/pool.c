/* pool.c - max pools, the mean pool's sums, and Add.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

#include <string.h>

/* First input of the position that a pool's window takes for output position p and window element
 * i. */
static size_t pooled(const struct sp_pool_shape *s, size_t p, size_t i)
{
    size_t y = p / s->out_width * s->height + i / s->width;
    size_t x = p % s->out_width * s->width + i % s->width;
    return (y * s->in_width + x) * s->channels;
}

void sp_max_pool_u8__scalar(const struct sp_pool_shape *shape, const uint8_t *in, uint8_t *out)
{
    for (size_t p = 0; p < shape->out_height * shape->out_width; p++) {
        memcpy(out, in + pooled(shape, p, 0), shape->channels);
        for (size_t i = 1; i < shape->height * shape->width; i++) {
            const uint8_t *v = in + pooled(shape, p, i);
            for (size_t c = 0; c < shape->channels; c++)
                out[c] = v[c] > out[c] ? v[c] : out[c];
        }
        out += shape->channels;
    }
}

void sp_max_pool_s32__scalar(const struct sp_pool_shape *shape, const int32_t *in, int32_t *out)
{
    for (size_t p = 0; p < shape->out_height * shape->out_width; p++) {
        memcpy(out, in + pooled(shape, p, 0), shape->channels * sizeof(*out));
        for (size_t i = 1; i < shape->height * shape->width; i++) {
            const int32_t *v = in + pooled(shape, p, i);
            for (size_t c = 0; c < shape->channels; c++)
                out[c] = v[c] > out[c] ? v[c] : out[c];
        }
        out += shape->channels;
    }
}

void sp_mean_pool__scalar(const uint8_t *in, size_t positions, size_t channels, int32_t *out)
{
    memset(out, 0, channels * sizeof(*out));
    for (size_t p = 0; p < positions; p++)
        for (size_t c = 0; c < channels; c++)
            out[c] += in[p * channels + c];
}

/* Modulo 2^32, so that lanes which hold no value may hold anything. Sums of values never wrap: the
 * loader saw to it. */
void sp_add__scalar(const struct sp_add *add, const void *const *in, size_t elements, int32_t *out)
{
    for (size_t j = 0; j < add->inputs; j++) {
        uint32_t m = add->multipliers[j];
        const uint8_t *active = add->active[j] ? in[j] : NULL;
        const int32_t *sum = add->active[j] ? NULL : in[j];
        for (size_t i = 0; i < elements; i++) {
            uint32_t v = m * (active != NULL ? active[i] : (uint32_t)sum[i]);
            out[i] = (int32_t)(j == 0 ? v : (uint32_t)out[i] + v);
        }
    }
}
