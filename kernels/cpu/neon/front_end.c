/* front_end.c - samples to features, four frames side by side: what front_end_frames.inc needs of
 * NEON.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/kernels.h"

#include <arm_neon.h>
#include <string.h>

#define LANES  4
#define INLINE static inline __attribute__((always_inline))

typedef float32x4_t floats;
typedef uint32x4_t words;

INLINE floats all(const float *p)
{
    return vld1q_dup_f32(p);
}

INLINE floats load(const float *p)
{
    return vld1q_f32(p);
}

INLINE void store(float *p, floats v)
{
    vst1q_f32(p, v);
}

INLINE floats add(floats a, floats b)
{
    return vaddq_f32(a, b);
}

INLINE floats sub(floats a, floats b)
{
    return vsubq_f32(a, b);
}

INLINE floats mul(floats a, floats b)
{
    return vmulq_f32(a, b);
}

INLINE floats mul_add(floats a, floats b, floats c)
{
    return vfmaq_f32(c, a, b);
}

INLINE floats sub_mul(floats a, floats b, floats c)
{
    return vfmsq_f32(c, a, b);
}

#define mul_at(a, p)        mul(a, all(p))
#define mul_add_at(a, p, c) mul_add(a, all(p), c)
#define sub_mul_at(a, p, c) sub_mul(a, all(p), c)

INLINE floats first_of(floats pair)
{
    return vcvtq_f32_s32(vshrq_n_s32(vshlq_n_s32(vreinterpretq_s32_f32(pair), 16), 16));
}

INLINE floats second_of(floats pair)
{
    return vcvtq_f32_s32(vshrq_n_s32(vreinterpretq_s32_f32(pair), 16));
}

INLINE floats exponent(floats m)
{
    int32x4_t biased = vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_f32(m), 23));
    return vcvtq_f32_s32(vsubq_s32(biased, vdupq_n_s32(127)));
}

INLINE floats fraction(floats m)
{
    words bits = vandq_u32(vreinterpretq_u32_f32(m), vdupq_n_u32(0x7fffff));
    bits = vorrq_u32(bits, vdupq_n_u32(0x3f800000));
    return sub(vreinterpretq_f32_u32(bits), vdupq_n_f32(1.0f));
}

INLINE words rounded(floats v, floats max)
{
    v = vminq_f32(vmaxq_f32(v, vdupq_n_f32(0.0f)), max);
    return vcvtq_u32_f32(add(v, vdupq_n_f32(0.5f)));
}

INLINE void store_bytes(float *to, const words *v)
{
    words quad = vsliq_n_u32(vsliq_n_u32(v[0], v[1], 8), vsliq_n_u32(v[2], v[3], 8), 16);
    vst1q_f32(to, vreinterpretq_f32_u32(quad));
}

/* Four rows of four 32-bit lanes become columns. */
INLINE void transpose(words *v)
{
    words a = vzip1q_u32(v[0], v[2]), b = vzip2q_u32(v[0], v[2]);
    words c = vzip1q_u32(v[1], v[3]), d = vzip2q_u32(v[1], v[3]);
    v[0] = vzip1q_u32(a, c);
    v[1] = vzip2q_u32(a, c);
    v[2] = vzip1q_u32(b, d);
    v[3] = vzip2q_u32(b, d);
}

/* packed[m]: samples 2m (lower half) and 2m + 1 of all frames. */
static void pack(const int16_t *const *rows, size_t window, float *packed)
{
    for (size_t m = 0; m < window / 2; m += 4) {
        words v[4];
#pragma GCC unroll 4
        for (size_t f = 0; f < 4; f++)
            v[f] = vreinterpretq_u32_s16(vld1q_s16(rows[f] + 2 * m));
        transpose(v);
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; i++)
            vst1q_f32(packed + LANES * (m + i), vreinterpretq_f32_u32(v[i]));
    }
}

/* Sixteen bands of all frames. */
INLINE void write_sixteen(const uint32_t *quads, size_t frames, size_t n, uint8_t *features)
{
    words v[4];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++)
        v[i] = vld1q_u32(quads + LANES * i);
    transpose(v);
    uint32_t rows[LANES][4];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++)
        vst1q_u32(rows[i], v[i]);
    for (size_t f = 0; f < frames; f++)
        memcpy(features + f * n, rows[f], 16);
}

#include "kernels/cpu/front_end_frames.inc"

void sp_front_end__neon(const struct sp_front_end_tables *t, const int16_t *const *rows,
                        size_t frames, float *work, uint8_t *features)
{
    for (size_t f = 0; f < frames; f += LANES)
        some_frames(t, rows + f, frames - f < LANES ? frames - f : LANES, work,
                    features + f * t->bands);
}
