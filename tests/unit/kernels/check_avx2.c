/* check_avx2.c - the AVX2 kernels of lanes against the scalar ones, bit for bit: random and extreme
 * inputs, odd sizes, a page that cannot be touched behind the last byte, canaries in front.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/lanes.h"
#include "tests/unit/kernels/guard.h"
#include "tests/unit/suite.h"

#ifdef __x86_64__

/* Seeds that are all zeros, all maxima, or random. */
static void fill_u8(uint64_t *state, uint8_t *p, size_t n, uint32_t max)
{
    uint32_t kind = guard_random(state, 4);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(kind == 0 ? max : kind == 1 ? 0 : guard_random(state, max + 1));
}

static void fill_s8(uint64_t *state, int8_t *p, size_t n, uint32_t limit)
{
    uint32_t kind = guard_random(state, 4);
    for (size_t i = 0; i < n; i++)
        p[i] = (int8_t)(kind == 0   ? (int32_t)limit
                        : kind == 1 ? -(int32_t)limit
                                    : (int32_t)guard_random(state, 2 * limit + 1) - (int32_t)limit);
}

static void same(const void *got, const void *want, size_t n, const char *what, uint64_t seed)
{
    const uint8_t *g = got, *w = want;
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(g[i] == w[i], "%s seed %llu: byte %zu of %zu is %02x, not %02x", what,
                      (unsigned long long)seed, i, n, g[i], w[i]);
}

/* ---- lanes ---- */

START_TEST(stem_is_scalar_conv)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        uint64_t r = seed;
        uint32_t taps = 1 + guard_random(&r, 9), pad = guard_random(&r, taps);
        size_t width = taps + guard_random(&r, 45), in_channels = 4 + guard_random(&r, 33);
        struct sp_conv_shape s = {.in_height = 1,
                                  .in_width = width,
                                  .in_channels = in_channels,
                                  .out_height = 1,
                                  .out_width = width + 2 * pad - taps + 1,
                                  .out_channels = 4 * (1 + guard_random(&r, 5)),
                                  .kernel_height = 1,
                                  .kernel_width = taps,
                                  .stride_height = 1,
                                  .stride_width = 1,
                                  .pad_left = pad};
        size_t quads = (in_channels + 3) / 4, rows = s.out_channels * taps;
        size_t row = sp_lanes_row(s.out_width), outputs = s.out_width * s.out_channels;
        uint8_t *in = guard_new(width * in_channels);
        int8_t *w = guard_new(rows * in_channels), *packed = guard_new(rows * quads * 4);
        int32_t *bias = guard_new(4 * s.out_channels), *want = guard_new(4 * outputs),
                *got = guard_new(4 * outputs), *sums = guard_new(4 * s.out_channels * row);
        bool wide = guard_random(&r, 2) != 0;
        fill_u8(&r, in, width * in_channels, wide ? 255 : 127);
        fill_s8(&r, w, rows * in_channels, wide ? 64 : 127);
        for (size_t i = 0; i < rows; i++)
            memcpy(packed + i * quads * 4, w + i * in_channels, in_channels);
        for (size_t i = 0; i < s.out_channels; i++)
            bias[i] = (int32_t)guard_random(&r, 100000) - 50000;
        struct sp_lanes_stem stem = {width, in_channels, s.out_width, s.out_channels, taps, pad,
                                     quads, packed,      bias};
        void *work = guard_new((sp_lanes_stem_work(&stem) + 63) / 64 * 64);
        sp_conv_dense__scalar(&s, w, bias, in, want);
        sp_lanes__avx2.stem(&stem, in, work, sums);
        sp_lanes_plain_sums(s.out_width, s.out_channels, sums, got);
        same(got, want, 4 * outputs, "stem", seed);
        guard_free(in, width * in_channels);
        guard_free(w, rows * in_channels);
        guard_free(packed, rows * quads * 4);
        guard_free(bias, 4 * s.out_channels);
        guard_free(want, 4 * outputs);
        guard_free(got, 4 * outputs);
        guard_free(sums, 4 * s.out_channels * row);
        guard_free(work, (sp_lanes_stem_work(&stem) + 63) / 64 * 64);
    }
}
END_TEST

/* Block winners of random sums, in both forms. */
struct made_winners {
    struct sp_lanes_winners_shape shape;
    size_t channels, bytes, split_bytes;
    uint8_t *plain, *lanes, *split;
};

static struct sp_lanes_winners_shape random_shape(uint64_t *r)
{
    static const size_t blocks[][2] = {{8, 2}, {8, 1}, {16, 2}};
    const size_t *block = blocks[guard_random(r, 3)];
    return (struct sp_lanes_winners_shape){.width = 1 + guard_random(r, 50),
                                           .windows = 1 + guard_random(r, 4),
                                           .block = block[0],
                                           .winners = block[1],
                                           .pairs = 16 / block[0] * block[1] / 2};
}

/* Small sums have many ties; large ones reach the ends of s32. */
static void fill_sums(uint64_t *r, int32_t *sums, size_t n)
{
    uint32_t kind = guard_random(r, 4);
    for (size_t i = 0; i < n; i++) {
        int32_t v = (int32_t)guard_random(r, 1u << 31) + (int32_t)guard_random(r, 2) * INT32_MIN;
        sums[i] = kind == 0 ? v : kind == 1 ? v >> 27 : kind == 2 ? INT32_MIN : v >> 14;
        if (kind == 0 && guard_random(r, 8) == 0)
            sums[i] = guard_random(r, 2) != 0 ? INT32_MAX : INT32_MIN;
    }
}

static struct made_winners make_winners(uint64_t *r, uint64_t seed)
{
    struct made_winners m = {.shape = random_shape(r)};
    m.channels = 16 * m.shape.windows;
    m.bytes = 2 * sp_lanes_plane(&m.shape, false);
    m.split_bytes = 2 * sp_lanes_plane(&m.shape, true);
    size_t n = m.shape.width * m.channels, row = sp_lanes_row(m.shape.width);
    size_t scales = guard_random(r, 2) != 0 ? m.channels / m.shape.block : 1;
    uint32_t multipliers[32];
    uint8_t shifts[32];
    for (size_t i = 0; i < scales; i++) {
        shifts[i] = (uint8_t)(1 + guard_random(r, 40));
        /* what is left of the largest sum stays below 2^31 */
        uint32_t most = shifts[i] > 30 ? INT32_MAX : 1u << shifts[i];
        multipliers[i] = 1 + guard_random(r, most / 2 + 1) / 2;
    }
    unsigned least = m.shape.block == 16 ? 4 : 3;
    struct sp_block_winners b = {
        .block = m.shape.block,
        .winners = m.shape.winners,
        .rank_shift = least + guard_random(r, 8 - least),
        .q = {multipliers, shifts, m.channels / scales, (uint8_t)(1 + guard_random(r, 127))}};
    m.plain = guard_new(n);
    m.lanes = guard_new(m.bytes);
    m.split = guard_new(m.split_bytes);
    int32_t *plain_sums = guard_new(4 * n), *sums = guard_new(4 * m.channels * row);
    uint8_t *back = guard_new(n);
    fill_sums(r, sums, m.channels * row);
    sp_lanes_plain_sums(m.shape.width, m.channels, sums, plain_sums);
    sp_block_winners__scalar(&b, plain_sums, m.shape.width, m.channels, m.plain);
    sp_lanes__avx2.winners(&b, &m.shape, sums, m.lanes);
    sp_lanes_plain_winners(&m.shape, m.lanes, back);
    same(back, m.plain, n, "winners", seed);
    size_t alive = 0;
    for (size_t i = 0; i < n; i++)
        alive += m.plain[i] != 0;
    ck_assert_uint_eq(sp_lanes_alive(&m.shape, m.lanes), alive);
    sp_lanes__avx2.split(&m.shape, m.lanes, m.split);
    guard_free(plain_sums, 4 * n);
    guard_free(sums, 4 * m.channels * row);
    guard_free(back, n);
    return m;
}

static void free_winners(struct made_winners *m)
{
    guard_free(m->plain, m->shape.width * m->channels);
    guard_free(m->lanes, m->bytes);
    guard_free(m->split, m->split_bytes);
}

START_TEST(winners_are_scalar)
{
    for (uint64_t seed = 1; seed <= 500; seed++) {
        uint64_t r = seed;
        struct made_winners m = make_winners(&r, seed);
        int32_t got[64], want[64];
        sp_lanes_mean_pool(&m.shape, m.lanes, got);
        sp_mean_pool__scalar(m.plain, m.shape.width, m.channels, want);
        same(got, want, 4 * m.channels, "mean_pool", seed);
        free_winners(&m);
    }
}
END_TEST

/* Margins and tails are zero, whatever the sums behind the width were. */
START_TEST(winners_leave_zeros_around)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        uint64_t r = seed;
        struct made_winners m = make_winners(&r, seed);
        size_t row = sp_lanes_array(&m.shape, false), plane = sp_lanes_plane(&m.shape, false);
        for (size_t i = 0; i < plane; i++) {
            size_t position = i % row / 2;
            ck_assert(m.lanes[i] < 16);
            if (position < SP_LANES_MARGIN || position >= SP_LANES_MARGIN + m.shape.width)
                ck_assert_msg(m.lanes[plane + i] == 0, "seed %llu byte %zu is %u",
                              (unsigned long long)seed, i, m.lanes[plane + i]);
        }
        free_winners(&m);
    }
}
END_TEST

/* The steps of the whole matrix. Weights of full size go one step a run (32-bit sums); small ones
 * all in one run. */
static void check_conv(uint64_t *r, const struct made_winners *m, uint64_t seed)
{
    size_t stride = 1 + guard_random(r, 2), taps = 1 + guard_random(r, 9);
    size_t pad = guard_random(r, (uint32_t)taps), groups = 1 + guard_random(r, 3);
    bool split = stride == 2;
    if (m->shape.width + 2 * pad < taps)
        return;
    struct sp_conv_shape s = {.in_height = 1,
                              .in_width = m->shape.width,
                              .in_channels = m->channels,
                              .out_height = 1,
                              .out_width = (m->shape.width + 2 * pad - taps) / stride + 1,
                              .out_channels = 8 * groups,
                              .kernel_height = 1,
                              .kernel_width = taps,
                              .stride_height = 1,
                              .stride_width = stride,
                              .pad_left = pad};
    size_t steps = groups * taps * m->shape.windows * m->shape.pairs, n = 0;
    size_t weights = 8 * groups * taps * m->channels, outputs = s.out_width * s.out_channels;
    int8_t *w = guard_new(weights), *tables = guard_new(weights);
    uint32_t *first_run = guard_new(4 * (groups + 1)), *first_step = guard_new(4 * (steps + 1));
    struct sp_lanes_step *step = guard_new(steps * sizeof(*step));
    int32_t *bias = guard_new(32 * groups), *want = guard_new(4 * outputs),
            *got = guard_new(4 * outputs),
            *sums = guard_new(4 * s.out_channels * sp_lanes_row(s.out_width));
    /* 9 taps x 4 windows x 2 pairs x 2 winners x 127 x 1 stay within 16 bits */
    bool one_run = guard_random(r, 2) != 0;
    fill_s8(r, w, weights, one_run ? 1 : 127);
    for (size_t i = 0; i < s.out_channels; i++)
        bias[i] = (int32_t)guard_random(r, 100000) - 50000;
    for (size_t t = 0; t < groups * taps * m->shape.windows; t++) {
        size_t g = t / m->shape.windows / taps, tap = t / m->shape.windows % taps;
        size_t window = t % m->shape.windows;
        ptrdiff_t shift = (ptrdiff_t)tap - (ptrdiff_t)pad, odd = split ? shift & 1 : 0;
        for (size_t o = 0; o < 8; o++)
            memcpy(tables + t * 128 + o * 16,
                   w + ((g * 8 + o) * taps + tap) * m->channels + window * 16, 16);
        for (size_t pair = 0; pair < m->shape.pairs; pair++, n++) {
            size_t array = ((size_t)odd * m->shape.windows + window) * m->shape.pairs + pair;
            ptrdiff_t at = SP_LANES_MARGIN + (split ? (shift - odd) / 2 : shift);
            step[n].input = (uint32_t)(array * sp_lanes_array(&m->shape, split) + 2 * (size_t)at);
            step[n].table = (uint32_t)(t * 128);
        }
    }
    for (size_t i = 0; i <= steps; i++)
        first_step[i] = (uint32_t)(one_run && i <= groups ? i * steps / groups : i);
    for (size_t g = 0; g <= groups; g++)
        first_run[g] = (uint32_t)(one_run ? g : g * steps / groups);
    struct sp_lanes_conv c = {s.out_width, groups, first_run, first_step,
                              step,        tables, bias,      sp_lanes_plane(&m->shape, split)};
    sp_conv_dense__scalar(&s, w, bias, m->plain, want);
    sp_lanes__avx2.conv(&c, split ? m->split : m->lanes, sums);
    sp_lanes_plain_sums(s.out_width, s.out_channels, sums, got);
    same(got, want, 4 * outputs, "conv", seed);
    guard_free(w, weights);
    guard_free(tables, weights);
    guard_free(first_run, 4 * (groups + 1));
    guard_free(first_step, 4 * (steps + 1));
    guard_free(step, steps * sizeof(*step));
    guard_free(bias, 32 * groups);
    guard_free(want, 4 * outputs);
    guard_free(got, 4 * outputs);
    guard_free(sums, 4 * s.out_channels * sp_lanes_row(s.out_width));
}

START_TEST(conv_of_winners_is_scalar_conv)
{
    for (uint64_t seed = 1; seed <= 400; seed++) {
        uint64_t r = seed + 7777;
        struct made_winners m = make_winners(&r, seed);
        check_conv(&r, &m, seed);
        free_winners(&m);
    }
}
END_TEST

int main(void)
{
    if (!__builtin_cpu_supports("avx2")) {
        puts("this machine has no AVX2");
        return 77;
    }
    const TTest *const tests[] = {
        stem_is_scalar_conv,
        winners_are_scalar,
        winners_leave_zeros_around,
        conv_of_winners_is_scalar_conv,
    };
    return suite_run("kernels-avx2", tests, sizeof(tests) / sizeof(tests[0]));
}

#else
int main(void)
{
    puts("not an x86-64 build");
    return 77;
}
#endif
