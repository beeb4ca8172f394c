/* check_lanes.c - stages of the one-word path against scalar convolutions and winners, bit for bit:
 * every set of kernels, odd widths, extreme weights and values, ties, a page that cannot be touched
 * behind the scratch and behind each list.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "kernels/cpu/lanes.h"
#include "tests/unit/kernels/call.h"
#include "tests/unit/kernels/guard.h"
#include "tests/unit/kernels/inputs.h"
#include "tests/unit/suite.h"

/* What one stage reads and writes, made at random. */
struct trial {
    uint64_t random, seed;
    struct sp_conv_shape shape;
    struct sp_lanes_form in, out;
    bool split;
    size_t in_at, whole_at, split_at, bytes; /* of the scratch */
    size_t steps, window;
    uint8_t *scratch, *plain; /* plain: the input */
    int8_t *weights, *full;   /* full: out x taps x in */
    struct sp_lanes_block *block;
    struct sp_lanes_step *step;
    int32_t *bias;
    struct sp_lanes_scale *scales;
    uint32_t multipliers[8];
    uint8_t shifts[8];
    struct sp_lanes_stage stage;
    struct sp_block_winners winners;
};

static uint32_t below(struct trial *t, uint32_t n)
{
    return guard_random(&t->random, n);
}

/* False: the input's rows are too short for these taps (lanes.h would not be asked). */
static bool choose_shape(struct trial *t, bool quads)
{
    size_t taps = 1 + below(t, 9), pad = below(t, (uint32_t)taps), stride = 1 + below(t, 2);
    size_t channels = quads ? 1 + below(t, 40) : 16 * (1 + below(t, 4));
    size_t width = 1 + below(t, below(t, 2) != 0 ? 50 : 10);
    if (quads && below(t, 3) == 0)
        channels = 32;
    if (width + 2 * pad < taps)
        return false;
    t->split = stride == 2;
    t->in = (struct sp_lanes_form){.width = width, .windows = quads ? 0 : channels / 16};
    t->in.quads = quads ? (channels + 3) / 4 : 0;
    t->window = quads ? 4 : 16;
    t->shape = (struct sp_conv_shape){.in_height = 1,
                                      .in_width = width,
                                      .in_channels = channels,
                                      .out_height = 1,
                                      .out_width = (width + 2 * pad - taps) / stride + 1,
                                      .out_channels = 16 * (1 + below(t, 3)),
                                      .kernel_height = 1,
                                      .kernel_width = taps,
                                      .stride_height = 1,
                                      .stride_width = stride,
                                      .pad_left = pad};
    t->out =
        (struct sp_lanes_form){.width = t->shape.out_width, .windows = t->shape.out_channels / 16};
    size_t half = t->split ? (width + 1) / 2 : width;
    return (t->out.width + 15) / 16 * 16 + (taps - 1) / stride <=
           sp_lanes_content(half) + SP_LANES_MARGIN;
}

/* Two winners in each block of 8 at different places, alive or not. */
static void make_windows(struct trial *t)
{
    uint32_t kind = below(t, 4);
    for (size_t p = 0; p < t->in.width; p++)
        for (size_t w = 0; w < t->in.windows; w++)
            for (size_t i = 0; i < 4; i++) {
                size_t at = sp_lanes_at(&t->in, t->split, w, t->split && p % 2 != 0) +
                            4 * (t->split ? p / 2 : p) + i;
                uint8_t *index = t->scratch + t->in_at + at;
                index[0] = (uint8_t)(8 * (i / 2) + below(t, 8));
                if (i % 2 != 0 && index[0] == index[-1])
                    index[0] ^= 1;
                index[4 * sp_lanes_row(t->in.width, t->split)] =
                    (uint8_t)(kind == 0   ? 127
                              : kind == 1 ? 0
                                          : below(t, 128));
            }
    sp_lanes_plain(&t->in, t->split, t->scratch + t->in_at, t->plain);
}

static void make_quads(struct trial *t, const struct sp_lanes_kernels *k)
{
    uint32_t kind = below(t, 4);
    for (size_t i = 0; i < t->in.width * t->shape.in_channels; i++)
        t->plain[i] = (uint8_t)(kind == 0 ? 127 : kind == 1 ? 0 : below(t, 128));
    CALL("quads", k->quads, &t->in, t->shape.in_channels, t->plain, t->split,
         t->scratch + t->in_at);
}

/* All weights of one size now and then; small ones let steps go in twos. */
static void make_weights(struct trial *t)
{
    const struct sp_conv_shape *s = &t->shape;
    int32_t kind = (int32_t)below(t, 4), limit = below(t, 2) != 0 ? 63 : 127;
    size_t windows = t->in.windows + t->in.quads, blocks = s->out_channels / 8, n = 0;
    for (size_t i = 0; i < s->out_channels * s->kernel_width * s->in_channels; i++)
        t->full[i] = (int8_t)(kind == 0   ? limit
                              : kind == 1 ? -limit
                                          : (int32_t)below(t, 2 * (uint32_t)limit + 1) - limit);
    for (size_t b = 0; b < blocks; b++) {
        t->block[b].first = (uint32_t)n;
        size_t own = s->kernel_width * windows;
        t->block[b].twos = limit == 63 ? below(t, (uint32_t)own / 2 + 1) : 0;
        for (size_t i = 0; i < own; i++, n++) {
            size_t tap = i / windows, w = i % windows, left = s->in_channels - w * t->window;
            ptrdiff_t shift = (ptrdiff_t)tap - (ptrdiff_t)s->pad_left;
            ptrdiff_t odd = t->split ? shift & 1 : 0;
            shift = t->split ? (shift - odd) / 2 : shift;
            size_t at = t->in_at + sp_lanes_at(&t->in, t->split, w, odd) + (size_t)(4 * shift);
            t->step[n] = (struct sp_lanes_step){
                (uint32_t)at, (uint32_t)(at + 4 * sp_lanes_row(t->in.width, t->split))};
            memset(t->weights + n * 8 * t->window, 0, 8 * t->window);
            for (size_t o = 0; o < 8; o++)
                memcpy(t->weights + (n * 8 + o) * t->window,
                       t->full + ((b * 8 + o) * s->kernel_width + tap) * s->in_channels +
                           w * t->window,
                       left < t->window ? left : t->window);
        }
    }
    t->block[blocks].first = (uint32_t)n;
}

/* Sums that are far apart, that tie, and that reach the ends of s32. */
static void make_bias(struct trial *t)
{
    uint32_t kind = below(t, 3);
    for (size_t i = 0; i < t->shape.out_channels; i++) {
        t->bias[i] = (int32_t)below(t, 100000) - 50000;
        if (kind == 0)
            t->bias[i] = (int32_t)below(t, 16);
        if (kind == 1 && below(t, 3) == 0)
            t->bias[i] = below(t, 2) != 0 ? INT32_MAX - (1 << 24) : INT32_MIN + (1 << 24);
        t->block[i / 8].bias[i % 8] = t->bias[i];
    }
}

static void make_scales(struct trial *t)
{
    size_t blocks = t->shape.out_channels / 8;
    uint8_t max = (uint8_t)(below(t, 2) != 0 ? 127 : 1 + below(t, 127));
    bool short_sums = below(t, 2) != 0;
    for (size_t i = 0; i < blocks; i++) {
        t->shifts[i] = (uint8_t)(short_sums ? 15 : 1 + below(t, 24));
        t->multipliers[i] = 128 + below(t, below(t, 2) != 0 ? 400 : 32000);
        uint32_t half = 1u << (t->shifts[i] - 1);
        uint32_t reached = ((uint32_t)max << t->shifts[i]) - half, m = t->multipliers[i];
        t->scales[i] = (struct sp_lanes_scale){(reached + m - 1) / m, m, half, t->shifts[i]};
        if (short_sums)
            t->scales[i].multiplier |= m << 16;
    }
    t->stage.short_sums = short_sums;
    t->stage.max_value = max;
    t->winners = (struct sp_block_winners){
        .block = 8,
        .winners = 1 + below(t, 2),
        .rank_shift = short_sums ? 3 : 3 + below(t, 5),
        .q = {t->multipliers, t->shifts, 8, max},
    };
}

static size_t rounded_up(size_t n)
{
    return (n + 63) / 64 * 64;
}

static void make_room(struct trial *t)
{
    const struct sp_conv_shape *s = &t->shape;
    t->steps = s->out_channels / 8 * s->kernel_width * (t->in.windows + t->in.quads);
    t->in_at = 0;
    t->whole_at = rounded_up(4 * sp_lanes_words(&t->in, t->split));
    t->split_at = t->whole_at + rounded_up(4 * sp_lanes_words(&t->out, false));
    t->bytes = t->split_at + 4 * sp_lanes_words(&t->out, true);
    t->scratch = guard_new(t->bytes);
    memset(t->scratch, 0, t->bytes);
    t->plain = guard_new(s->in_width * s->in_channels);
    t->weights = guard_new(t->steps * 8 * t->window);
    t->full = guard_new(s->out_channels * s->kernel_width * s->in_channels);
    t->block = guard_new((s->out_channels / 8 + 1) * sizeof(*t->block));
    t->step = guard_new(t->steps * sizeof(*t->step));
    t->bias = guard_new(4 * s->out_channels);
    t->scales = guard_new(s->out_channels / 8 * sizeof(*t->scales));
}

static void free_room(struct trial *t)
{
    const struct sp_conv_shape *s = &t->shape;
    guard_free(t->scratch, t->bytes);
    guard_free(t->plain, s->in_width * s->in_channels);
    guard_free(t->weights, t->steps * 8 * t->window);
    guard_free(t->full, s->out_channels * s->kernel_width * s->in_channels);
    guard_free(t->block, (s->out_channels / 8 + 1) * sizeof(*t->block));
    guard_free(t->step, t->steps * sizeof(*t->step));
    guard_free(t->bias, 4 * s->out_channels);
    guard_free(t->scales, s->out_channels / 8 * sizeof(*t->scales));
}

static void choose_stage(struct trial *t)
{
    struct sp_lanes_stage *s = &t->stage;
    uint32_t forms = below(t, 3);
    s->width = t->out.width;
    s->blocks = t->shape.out_channels / 8;
    s->quads = t->in.quads != 0;
    s->lanes = s->quads || s->width > 8 ? 16 : s->width > 4 || s->blocks % 4 != 0 ? 8 : 4;
    s->block = t->block;
    s->steps = t->step;
    s->weights = t->weights;
    s->scales = t->scales;
    s->rank_shift = t->winners.rank_shift;
    s->winners = t->winners.winners;
    s->whole = forms == 1 ? SIZE_MAX : t->whole_at;
    s->split = forms == 2 ? SIZE_MAX : t->split_at;
}

/* What is not a winner inside of the value has the value 0. */
static void check_zeros(const struct trial *t, bool split, const uint8_t *form)
{
    size_t row = sp_lanes_row(t->out.width, split), words = sp_lanes_words(&t->out, split);
    for (size_t i = 0; i < words; i++) {
        size_t at = i % row - SP_LANES_MARGIN, r = i / row;
        size_t width = !split           ? t->out.width
                       : r / 2 % 2 == 0 ? (t->out.width + 1) / 2
                                        : t->out.width / 2;
        bool inside = i % row >= SP_LANES_MARGIN && at < width && (r + 1) * row < words;
        if (!inside)
            inputs_same(form + 4 * i, (const uint8_t[4]){0}, 4, "zeros", t->seed);
    }
}

static void check_form(struct trial *t, bool split, size_t at, const uint8_t *want)
{
    size_t n = t->out.width * t->shape.out_channels, alive = 0;
    uint8_t *got = guard_new(n);
    const uint8_t *form = t->scratch + at;
    sp_lanes_plain(&t->out, split, form, got);
    inputs_same(got, want, n, split ? "split" : "whole", t->seed);
    for (size_t i = 0; i < n; i++)
        alive += want[i] != 0;
    ck_assert_uint_eq(sp_lanes_alive(&t->out, split, form), alive);
    check_zeros(t, split, form);
    guard_free(got, n);
}

static void check_mean(struct trial *t, const struct sp_lanes_kernels *k, const uint8_t *plain)
{
    size_t channels = t->shape.out_channels;
    int32_t *got = guard_new(4 * channels), *want = guard_new(4 * channels);
    CALL("mean_pool", k->mean_pool, &t->out, t->scratch + t->whole_at, got);
    sp_mean_pool__scalar(plain, t->out.width, channels, want);
    inputs_same(got, want, 4 * channels, "mean_pool", t->seed);
    guard_free(got, 4 * channels);
    guard_free(want, 4 * channels);
}

static void check_stage(const struct sp_lanes_kernels *k, bool quads, uint64_t seed)
{
    struct trial t = {.random = seed * 2 + quads, .seed = seed};
    if (!choose_shape(&t, quads))
        return;
    make_room(&t);
    if (quads)
        make_quads(&t, k);
    else
        make_windows(&t);
    make_weights(&t);
    make_bias(&t);
    make_scales(&t);
    choose_stage(&t);
    size_t n = t.out.width * t.shape.out_channels;
    int32_t *sums = guard_new(4 * n);
    uint8_t *want = guard_new(n);
    sp_conv_dense__scalar(&t.shape, t.full, t.bias, t.plain, sums);
    sp_block_winners__scalar(&t.winners, sums, t.out.width, t.shape.out_channels, want);
    CALL("stage", k->stage, &t.stage, t.scratch);
    if (t.stage.whole != SIZE_MAX)
        check_form(&t, false, t.stage.whole, want);
    if (t.stage.split != SIZE_MAX)
        check_form(&t, true, t.stage.split, want);
    if (t.stage.whole != SIZE_MAX)
        check_mean(&t, k, want);
    guard_free(sums, 4 * n);
    guard_free(want, n);
    free_room(&t);
}

static void check_all(const struct sp_lanes_kernels *k)
{
    for (uint64_t seed = 1; seed <= suite_rounds(1500); seed++) {
        check_stage(k, false, seed);
        check_stage(k, true, seed);
    }
}

START_TEST(stages_of_every_set_are_scalar)
{
    bool here;
    const char *name;
    for (size_t i = 0; (name = sp_kernels_set(i, &here)) != NULL; i++) {
        struct sp_kernels k;
        if (!here)
            printf("skipped: this machine has no %s\n", name);
        else if (sp_kernels_select(name, &k) && k.lanes != NULL) {
            printf("%s\n", name);
            check_all(k.lanes);
        }
        fflush(stdout);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {stages_of_every_set_are_scalar};
    return suite_run("kernels-lanes", tests, sizeof(tests) / sizeof(tests[0]));
}
