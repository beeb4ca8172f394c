/* fused.h - a fused multiply-add for machines with and without the instruction.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_FUSED_H
#define SP_FUSED_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* a * b + c, rounded once to float, where that is 0 or a normal number (below these the last bit
 * may be wrong). The product of two floats is exact in double, so only the sum rounds on its way,
 * and the second rounding is as good as the only one unless the first made a tie. */
static inline float sp_fused(float a, float b, float c)
{
#ifdef __FP_FAST_FMAF
    return __builtin_fmaf(a, b, c);
#else
    double sum = (double)a * (double)b + (double)c;
    uint64_t bits;
    memcpy(&bits, &sum, sizeof(bits));
    if (__builtin_expect((uint32_t)bits << 3 == 0x80000000u, 0))
        return fmaf(a, b, c);
    return (float)sum;
#endif
}

#endif
