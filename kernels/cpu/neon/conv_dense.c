/* conv_dense.c - dense dot products in 16-bit lanes, added up in 32; any u8, any weight.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

#include <arm_neon.h>
#include <string.h>

static int32_t dot(const uint8_t *v, const int8_t *w, size_t n)
{
    int32x4_t low = vdupq_n_s32(0), high = low;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        int16x8_t a = vreinterpretq_s16_u16(vmovl_u8(vld1_u8(v + i)));
        int16x8_t b = vmovl_s8(vld1_s8(w + i));
        low = vmlal_s16(low, vget_low_s16(a), vget_low_s16(b));
        high = vmlal_high_s16(high, a, b);
    }
    int32_t sum = vaddvq_s32(vaddq_s32(low, high));
    for (; i < n; i++)
        sum += v[i] * w[i];
    return sum;
}

void sp_conv_dense__neon(const struct sp_conv_shape *shape, const int8_t *weights,
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
