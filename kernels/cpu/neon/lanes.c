/* lanes.c - convolutions of winners, four positions a register: tbl looks up, in an output's 16
 * weights for a window, those of the four winners at each position. Where the compiler may use it
 * (the build of the set "dotprod"), sdot multiplies and adds up the four; else two instructions
 * make products of 16 bits, and two add them up.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/lanes.h"

#include <arm_neon.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define LANES  4

/* ---- sums ---- */

/* Adds value[i] * weight[i] of each four neighbours; values are below 128. */
INLINE int32x4_t add_four(int32x4_t sum, int8x16_t value, int8x16_t weight)
{
#ifdef __ARM_FEATURE_DOTPROD
    return vdotq_s32(sum, value, weight);
#else
    int16x8_t low = vmull_s8(vget_low_s8(value), vget_low_s8(weight));
    int16x8_t high = vmull_high_s8(value, weight);
    return vpadalq_s16(sum, vpaddq_s16(low, high));
#endif
}

INLINE void add_windows(const struct sp_lanes_stage *s, size_t block, const uint8_t *scratch,
                        int32x4_t sums[8])
{
    const int8_t *table = s->weights + (size_t)s->block[block].first * 128;
    for (size_t i = s->block[block].first; i < s->block[block + 1].first; i++, table += 128) {
        uint8x16_t index = vld1q_u8(scratch + s->steps[i].index);
        int8x16_t value = vreinterpretq_s8_u8(vld1q_u8(scratch + s->steps[i].value));
#pragma GCC unroll 8
        for (size_t o = 0; o < 8; o++)
            sums[o] = add_four(sums[o], value, vqtbl1q_s8(vld1q_s8(table + 16 * o), index));
    }
}

/* Features have eight bits, and so has the product's room: 255 * 127 fits s16. */
INLINE void add_quads(const struct sp_lanes_stage *s, size_t block, const uint8_t *scratch,
                      int32x4_t sums[8])
{
    const int8_t *weights = s->weights + (size_t)s->block[block].first * 32;
    for (size_t i = s->block[block].first; i < s->block[block + 1].first; i++, weights += 32) {
        uint8x16_t x = vld1q_u8(scratch + s->steps[i].index);
        int16x8_t low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(x)));
        int16x8_t high = vreinterpretq_s16_u16(vmovl_high_u8(x));
#pragma GCC unroll 8
        for (size_t o = 0; o < 8; o++) {
            int32_t four;
            memcpy(&four, weights + 4 * o, sizeof(four));
            int16x8_t w = vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four)));
            int32x4_t a = vpaddlq_s16(vmulq_s16(low, w)), b = vpaddlq_s16(vmulq_s16(high, w));
            sums[o] = vaddq_s32(sums[o], vpaddq_s32(a, b));
        }
    }
}

/* ---- winners ---- */

/* A key is a sum with 7 - channel in the low bits, which ranking drops: keys differ, and the larger
 * of two equal ranks is the lower channel. */
INLINE void best_two(const struct sp_lanes_stage *s, const int32x4_t sums[8], int32x4_t best[2])
{
    const int32x4_t high = vdupq_n_s32((int32_t)(UINT32_MAX << s->rank_shift));
    int32x4_t first = vdupq_n_s32(INT32_MIN), second = first;
#pragma GCC unroll 8
    for (int32_t c = 0; c < 8; c++) {
        int32x4_t key = vorrq_s32(vandq_s32(sums[c], high), vdupq_n_s32(7 - c));
        second = vmaxq_s32(second, vminq_s32(first, key));
        first = vmaxq_s32(first, key);
    }
    best[0] = first;
    best[1] = s->winners == 2 ? second : vdupq_n_s32(0);
}

INLINE uint32x4_t requantise(const struct sp_lanes_stage *s, size_t block, int32x4_t key)
{
    const struct sp_lanes_scale *q = &s->scales[block];
    int32x4_t sum = vandq_s32(key, vdupq_n_s32((int32_t)(UINT32_MAX << s->rank_shift)));
    uint32x4_t v;
    if (s->short_sums) {
        int16x4_t small = vqrdmulh_s16(vqmovn_s32(sum), vdup_n_s16((int16_t)q->multiplier));
        v = vreinterpretq_u32_s32(vmaxq_s32(vmovl_s16(small), vdupq_n_s32(0)));
    } else {
        v = vreinterpretq_u32_s32(vmaxq_s32(sum, vdupq_n_s32(0)));
        v = vminq_u32(v, vdupq_n_u32(q->top));
        v = vmlaq_u32(vdupq_n_u32(q->half), v, vdupq_n_u32(q->multiplier));
        v = vshlq_u32(v, vdupq_n_s32(-(int32_t)q->shift));
    }
    return vminq_u32(v, vdupq_n_u32(s->max_value));
}

/* The winners of a window at four positions, a word each. */
struct packed {
    uint32x4_t index, value;
};

INLINE struct packed pack(const struct sp_lanes_stage *s, size_t block, const int32x4_t key[4])
{
    uint32x4_t index[4], value[4];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        index[i] = vandq_u32(vreinterpretq_u32_s32(key[i]), vdupq_n_u32(7));
        value[i] = requantise(s, block + i / 2, key[i]);
    }
    struct packed p = {index[0], value[0]};
    p.index = vsliq_n_u32(vsliq_n_u32(p.index, index[1], 8), index[2], 16);
    p.index = vsliq_n_u32(p.index, index[3], 24);
    p.index = veorq_u32(p.index, vdupq_n_u32(0x0f0f0707));
    p.value = vsliq_n_u32(vsliq_n_u32(p.value, value[1], 8), value[2], 16);
    p.value = vsliq_n_u32(p.value, value[3], 24);
    return p;
}

/* ---- stages ---- */

INLINE void store_split(uint8_t *even, uint8_t *odd, uint32x4_t v)
{
    vst1_u32((uint32_t *)(void *)even, vget_low_u32(vuzp1q_u32(v, v)));
    vst1_u32((uint32_t *)(void *)odd, vget_low_u32(vuzp2q_u32(v, v)));
}

INLINE void store_window(const struct sp_lanes_stage *s, uint8_t *scratch, size_t window,
                         size_t tile, struct packed p)
{
    size_t row = 4 * sp_lanes_row(s->width, false), half = 4 * sp_lanes_row(s->width, true);
    if (s->whole != SIZE_MAX) {
        uint8_t *to = scratch + s->whole + 4 * (SP_LANES_MARGIN + tile) + 2 * window * row;
        vst1q_u32((uint32_t *)(void *)to, p.index);
        vst1q_u32((uint32_t *)(void *)(to + row), p.value);
    }
    if (s->split != SIZE_MAX) {
        uint8_t *to = scratch + s->split + 4 * (SP_LANES_MARGIN + tile / 2) + 4 * window * half;
        store_split(to, to + 2 * half, p.index);
        store_split(to + half, to + 3 * half, p.value);
    }
}

/* All ones in the first n lanes. */
INLINE uint32x4_t first_lanes(size_t n)
{
    static const uint32_t lanes[LANES] = {0, 1, 2, 3};
    return vcltq_u32(vld1q_u32(lanes), vdupq_n_u32(n > LANES ? LANES : (uint32_t)n));
}

static void stage(const struct sp_lanes_stage *s, uint8_t *scratch)
{
    for (size_t tile = 0; tile < s->width; tile += LANES) {
        uint32x4_t inside = first_lanes(s->width - tile);
        for (size_t block = 0; block < s->blocks; block += 2) {
            int32x4_t key[4];
            for (size_t b = 0; b < 2; b++) {
                int32x4_t sums[8];
#pragma GCC unroll 8
                for (size_t o = 0; o < 8; o++)
                    sums[o] = vdupq_n_s32(s->block[block + b].bias[o]);
                if (s->quads)
                    add_quads(s, block + b, scratch + 4 * tile, sums);
                else
                    add_windows(s, block + b, scratch + 4 * tile, sums);
                best_two(s, sums, key + 2 * b);
            }
            struct packed p = pack(s, block, key);
            p.index = vandq_u32(p.index, inside);
            p.value = vandq_u32(p.value, inside);
            store_window(s, scratch, block / 2, tile, p);
        }
    }
}

/* ---- features, and the end ---- */

static void quads(const struct sp_lanes_form *f, size_t channels, const uint8_t *in, bool split,
                  uint8_t *out)
{
    for (size_t p = 0; p < f->width; p++, in += channels)
        for (size_t q = 0; q < f->quads; q++) {
            size_t left = channels - q * SP_LANES_QUAD;
            uint32_t four = 0;
            memcpy(&four, in + q * SP_LANES_QUAD, left < 4 ? left : 4);
            uint8_t *to = out + sp_lanes_at(f, split, q, split && p % 2 != 0);
            memcpy(to + 4 * (split ? p / 2 : p), &four, 4);
        }
}

static void mean_pool(const struct sp_lanes_form *f, const uint8_t *winners, int32_t *out)
{
    size_t row = 4 * sp_lanes_row(f->width, false);
    memset(out, 0, f->windows * SP_LANES_WINDOW * sizeof(*out));
    for (size_t w = 0; w < f->windows; w++, out += SP_LANES_WINDOW) {
        const uint8_t *index = winners + sp_lanes_at(f, false, w, false);
        for (size_t i = 0; i < 4 * f->width; i++)
            out[index[i]] += index[row + i];
    }
}

const struct sp_lanes_kernels sp_lanes__neon = {
    .name = "neon",
    .stage = stage,
    .quads = quads,
    .mean_pool = mean_pool,
};
