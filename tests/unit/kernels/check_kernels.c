/* check_kernels.c - every kernel of the table, of every set that this machine has, against the
 * scalar one, bit for bit: random and hostile inputs, odd sizes, a page that cannot be touched
 * behind the last byte, canaries in front, registers that a function must keep. What the scalar set
 * computes is compared with itself: for it only memory and registers are news. A new set is tested
 * when dispatch.c names it; a new kernel is a line in `operations`.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/features/front_end.h"
#include "kernels/cpu/kernels.h"
#include "tests/unit/kernels/call.h"
#include "tests/unit/kernels/guard.h"
#include "tests/unit/kernels/inputs.h"
#include "tests/unit/suite.h"

/* What a kernel is to fill: twice, and the two compared. */
struct outputs {
    size_t bytes;
    void *got, *want;
};

static struct outputs outputs_new(size_t bytes)
{
    return (struct outputs){bytes, guard_new(bytes), guard_new(bytes)};
}

static void outputs_check(struct outputs *o, const char *what, uint64_t seed)
{
    inputs_same(o->got, o->want, o->bytes, what, seed);
    guard_free(o->got, o->bytes);
    guard_free(o->want, o->bytes);
}

/* ---- front end ---- */

/* The front end's only caller is the engine, which has no place for a marked call: the kernel under
 * test goes through this file's one variable. */
static const struct sp_kernels *tested;

static void marked_front_end(const struct sp_front_end_tables *t, const int16_t *const *rows,
                             size_t frames, float *work, uint8_t *features)
{
    CALL("front_end", tested->front_end, t, rows, frames, work, features);
}

static void try_front_end(const struct sp_kernels *k, uint64_t seed)
{
    static const uint32_t windows[] = {64, 128, 256, 512, 1024, 2048}, counts[] = {32, 25, 8, 1};
    uint64_t r = seed;
    uint32_t bands = 1 + guard_random(&r, 16);
    float edges[18];
    for (uint32_t i = 0; i < bands + 2; i++)
        edges[i] = 8000.0f * (float)i / (float)(bands + 1);
    struct sp_front_end_params params = {.window = windows[seed % 6],
                                         .frames = counts[seed % 4],
                                         .bands = bands,
                                         .band_edges_hz = edges,
                                         .log_scale = seed % 5 == 0 ? -3.5f : 4.25f,
                                         .log_offset = seed % 5 == 0 ? 90.0f : -8.0f,
                                         .max_value = seed % 3 == 0 ? 255 : 127};
    params.hop = 16000 / params.frames;
    struct sp_front_end *fe = NULL;
    struct sparrow_error err;
    ck_assert_msg(sp_front_end_new(&params, &fe, &err) == 0, "%s", err.text);
    size_t samples = seed % 7 == 0 ? guard_random(&r, 200) : 9000 + guard_random(&r, 9000);
    size_t work_bytes = (sp_front_end_work_bytes(fe) + 63) / 64 * 64;
    struct outputs out = outputs_new(params.frames * bands);
    int16_t *pcm = guard_new(2 * samples);
    void *work = guard_new(work_bytes);
    inputs_pcm(&r, pcm, samples);
    sp_front_end_run(fe, sp_front_end__scalar, work, pcm, samples, 0, params.frames, out.want);
    tested = k;
    sp_front_end_run(fe, marked_front_end, work, pcm, samples, 0, params.frames, out.got);
    outputs_check(&out, "front_end", seed);
    guard_free(pcm, 2 * samples);
    guard_free(work, work_bytes);
    sp_front_end_free(fe);
}

/* ---- convolutions ---- */

struct conv {
    struct sp_conv_shape s;
    size_t inputs, weights, taps;
    uint8_t *in;
    int8_t *w;
    int32_t *bias;
    struct outputs out;
};

static struct conv conv_new(uint64_t *r, size_t in_step, size_t out_step)
{
    struct conv c = {.s = {
                         .in_height = 1 + guard_random(r, 3),
                         .in_width = 1 + guard_random(r, 5),
                         .in_channels = in_step * (1 + guard_random(r, (uint32_t)(70 / in_step))),
                         .out_channels = out_step * (1 + guard_random(r, 9)),
                         .kernel_height = 1 + guard_random(r, 2),
                         .kernel_width = 1 + guard_random(r, 3),
                         .stride_height = 1,
                         .stride_width = 1 + guard_random(r, 2),
                         .pad_top = guard_random(r, 2),
                         .pad_left = guard_random(r, 3),
                     }};
    c.s.out_height = c.s.in_height + 2 - c.s.kernel_height;
    c.s.out_width = (c.s.in_width + 3 - c.s.kernel_width) / c.s.stride_width + 1;
    c.taps = c.s.kernel_height * c.s.kernel_width;
    c.inputs = c.s.in_height * c.s.in_width * c.s.in_channels;
    c.weights = c.s.out_channels * c.taps * c.s.in_channels;
    c.in = guard_new(c.inputs);
    c.w = guard_new(c.weights);
    c.bias = guard_new(4 * c.s.out_channels);
    c.out = outputs_new(4 * c.s.out_height * c.s.out_width * c.s.out_channels);
    inputs_u8(r, c.in, c.inputs, 255);
    inputs_s8(r, c.w, c.weights, 127);
    inputs_s32(r, c.bias, c.s.out_channels, 1 << 20);
    return c;
}

static void conv_check(struct conv *c, const char *what, uint64_t seed)
{
    outputs_check(&c->out, what, seed);
    guard_free(c->in, c->inputs);
    guard_free(c->w, c->weights);
    guard_free(c->bias, 4 * c->s.out_channels);
}

static void try_conv_dense(const struct sp_kernels *k, uint64_t seed)
{
    uint64_t r = seed;
    struct conv c = conv_new(&r, 1, 1);
    sp_conv_dense__scalar(&c.s, c.w, c.bias, c.in, c.out.want);
    CALL("conv_dense", k->conv_dense, &c.s, c.w, c.bias, c.in, (int32_t *)c.out.got);
    conv_check(&c, "conv_dense", seed);
}

/* Some places of a dense matrix; the others become 0 in it. */
static void try_conv_windows(const struct sp_kernels *k, uint64_t seed)
{
    uint64_t r = seed;
    size_t group = (size_t)1 << guard_random(&r, 5), window = (size_t)1 << guard_random(&r, 5);
    struct conv c = conv_new(&r, window, group);
    size_t windows = c.s.in_channels / window, places = 0;
    size_t all = c.s.out_channels / group * c.taps * windows;
    struct sp_place *place = guard_new(all * sizeof(*place));
    int8_t *values = guard_new(c.weights), *value = values;
    for (size_t i = 0; i < all; i++) {
        struct sp_place at = {(uint32_t)(i / windows / c.taps), (uint32_t)(i / windows % c.taps),
                              (uint32_t)(i % windows)};
        bool stored = guard_random(&r, 3) != 0;
        for (size_t in = 0; in < window; in++)
            for (size_t o = 0; o < group; o++) {
                int8_t *w = c.w + ((at.group * group + o) * c.taps + at.tap) * c.s.in_channels +
                            at.window * window + in;
                if (stored)
                    *value++ = *w;
                else
                    *w = 0;
            }
        if (stored)
            place[places++] = at;
    }
    /* what is read ends at the page that cannot be touched */
    size_t bytes = (size_t)(value - values);
    int8_t *end = values + c.weights - bytes;
    memmove(end, values, bytes);
    struct sp_place *last = place + all - places;
    memmove(last, place, places * sizeof(*place));
    struct sp_windows w = {group, window, places, last, end};
    sp_conv_dense__scalar(&c.s, c.w, c.bias, c.in, c.out.want);
    CALL("conv_windows", k->conv_windows, &c.s, &w, c.bias, c.in, (int32_t *)c.out.got);
    guard_free(values, c.weights);
    guard_free(place, all * sizeof(*place));
    conv_check(&c, "conv_windows", seed);
}

static void try_conv_indexed(const struct sp_kernels *k, uint64_t seed)
{
    uint64_t r = seed;
    struct conv c = conv_new(&r, 1, 1);
    size_t each = c.taps * c.s.in_channels, n = 0, zeros = guard_random(&r, 100);
    for (size_t i = 0; i < c.weights; i++) {
        if (guard_random(&r, 100) < zeros)
            c.w[i] = 0;
        n += c.w[i] != 0;
    }
    uint32_t *counts = guard_new(4 * c.s.out_channels), *positions = guard_new(4 * n);
    int8_t *values = guard_new(n);
    n = 0;
    for (size_t i = 0; i < c.weights; i++)
        if (c.w[i] != 0) {
            counts[i / each]++;
            positions[n] = (uint32_t)(i % each);
            values[n++] = c.w[i];
        }
    struct sp_indexed w = {counts, positions, values};
    sp_conv_dense__scalar(&c.s, c.w, c.bias, c.in, c.out.want);
    CALL("conv_indexed", k->conv_indexed, &c.s, &w, c.bias, c.in, (int32_t *)c.out.got);
    guard_free(counts, 4 * c.s.out_channels);
    guard_free(positions, 4 * n);
    guard_free(values, n);
    conv_check(&c, "conv_indexed", seed);
}

/* ---- sums, pools, winners ---- */

static void try_add(const struct sp_kernels *k, uint64_t seed)
{
    uint64_t r = seed;
    size_t n = 1 + guard_random(&r, 70), inputs = 1 + guard_random(&r, 3);
    uint32_t multipliers[3];
    bool active[3];
    void *in[3];
    for (size_t j = 0; j < inputs; j++) {
        multipliers[j] = guard_random(&r, 2) != 0 ? 1 : 1 + guard_random(&r, 32767);
        active[j] = guard_random(&r, 3) == 0;
        in[j] = guard_new(active[j] ? n : 4 * n);
        if (active[j])
            inputs_u8(&r, in[j], n, 255);
        else
            inputs_s32(&r, in[j], n, 0);
    }
    struct sp_add add = {inputs, multipliers, active};
    struct outputs out = outputs_new(4 * n);
    sp_add__scalar(&add, (const void *const *)in, n, out.want);
    CALL("add", k->add, &add, (const void *const *)in, n, (int32_t *)out.got);
    outputs_check(&out, "add", seed);
    for (size_t j = 0; j < inputs; j++)
        guard_free(in[j], active[j] ? n : 4 * n);
}

static struct sp_pool_shape random_pool(uint64_t *r, size_t *ret_inputs, size_t *ret_outputs)
{
    struct sp_pool_shape s = {.out_height = 1 + guard_random(r, 3),
                              .out_width = 1 + guard_random(r, 4),
                              .channels = 1 + guard_random(r, 70),
                              .height = 1 + guard_random(r, 3),
                              .width = 1 + guard_random(r, 3)};
    s.in_width = s.out_width * s.width + guard_random(r, (uint32_t)s.width);
    *ret_inputs = s.out_height * s.height * s.in_width * s.channels;
    *ret_outputs = s.out_height * s.out_width * s.channels;
    return s;
}

static void try_max_pool_u8(const struct sp_kernels *k, uint64_t seed)
{
    uint64_t r = seed;
    size_t inputs, outputs;
    struct sp_pool_shape s = random_pool(&r, &inputs, &outputs);
    uint8_t *in = guard_new(inputs);
    struct outputs out = outputs_new(outputs);
    inputs_u8(&r, in, inputs, 255);
    sp_max_pool_u8__scalar(&s, in, out.want);
    CALL("max_pool_u8", k->max_pool_u8, &s, in, (uint8_t *)out.got);
    outputs_check(&out, "max_pool_u8", seed);
    guard_free(in, inputs);
}

static void try_max_pool_s32(const struct sp_kernels *k, uint64_t seed)
{
    uint64_t r = seed;
    size_t inputs, outputs;
    struct sp_pool_shape s = random_pool(&r, &inputs, &outputs);
    int32_t *in = guard_new(4 * inputs);
    struct outputs out = outputs_new(4 * outputs);
    inputs_s32(&r, in, inputs, 0);
    sp_max_pool_s32__scalar(&s, in, out.want);
    CALL("max_pool_s32", k->max_pool_s32, &s, in, (int32_t *)out.got);
    outputs_check(&out, "max_pool_s32", seed);
    guard_free(in, 4 * inputs);
}

static void try_mean_pool(const struct sp_kernels *k, uint64_t seed)
{
    uint64_t r = seed;
    size_t positions = 1 + guard_random(&r, 300), channels = 1 + guard_random(&r, 70);
    uint8_t *in = guard_new(positions * channels);
    struct outputs out = outputs_new(4 * channels);
    inputs_u8(&r, in, positions * channels, 255);
    sp_mean_pool__scalar(in, positions, channels, out.want);
    CALL("mean_pool", k->mean_pool, in, positions, channels, (int32_t *)out.got);
    outputs_check(&out, "mean_pool", seed);
    guard_free(in, positions * channels);
}

/* Any scale that a model may have: 1 .. 2^31 - 1 and 1 .. 62. */
struct scales {
    uint32_t multipliers[80];
    uint8_t shifts[80];
    struct sp_requantise q;
};

static void scales_draw(uint64_t *r, struct scales *s, size_t channels, size_t share)
{
    bool one = guard_random(r, 3) == 0;
    for (size_t i = 0; i < channels / share; i++) {
        s->multipliers[i] = 1 + guard_random(r, INT32_MAX);
        s->shifts[i] = (uint8_t)(1 + guard_random(r, 62));
    }
    s->q = (struct sp_requantise){s->multipliers, s->shifts, one ? channels : share,
                                  (uint8_t)(1 + guard_random(r, 255))};
}

static void try_requantise(const struct sp_kernels *k, uint64_t seed)
{
    uint64_t r = seed;
    size_t share = (size_t)1 << guard_random(&r, 4), positions = 1 + guard_random(&r, 9);
    size_t channels = share * (1 + guard_random(&r, 9)), n = positions * channels;
    struct scales scales;
    int32_t *in = guard_new(4 * n);
    struct outputs out = outputs_new(n);
    scales_draw(&r, &scales, channels, share);
    inputs_s32(&r, in, n, guard_random(&r, 2) != 0 ? 0 : 3000);
    sp_requantise__scalar(&scales.q, in, positions, channels, out.want);
    CALL("requantise", k->requantise, &scales.q, in, positions, channels, (uint8_t *)out.got);
    outputs_check(&out, "requantise", seed);
    guard_free(in, 4 * n);
}

static void try_block_winners(const struct sp_kernels *k, uint64_t seed)
{
    uint64_t r = seed;
    static const size_t blocks[] = {1, 2, 3, 4, 8, 8, 8, 16, 16};
    size_t block = blocks[guard_random(&r, 9)], positions = 1 + guard_random(&r, 9);
    size_t channels = block * (1 + guard_random(&r, 5)), n = positions * channels;
    struct scales scales;
    int32_t *in = guard_new(4 * n);
    struct outputs out = outputs_new(n);
    scales_draw(&r, &scales, channels, block);
    struct sp_block_winners b = {.block = block,
                                 .winners = 1 + guard_random(&r, block < 3 ? (uint32_t)block : 3),
                                 .rank_shift = guard_random(&r, 9),
                                 .q = scales.q};
    inputs_s32(&r, in, n, guard_random(&r, 2) != 0 ? 0 : 3000);
    sp_block_winners__scalar(&b, in, positions, channels, out.want);
    CALL("block_winners", k->block_winners, &b, in, positions, channels, (uint8_t *)out.got);
    outputs_check(&out, "block_winners", seed);
    guard_free(in, 4 * n);
}

static void try_energies(const struct sp_kernels *k, uint64_t seed)
{
    uint64_t r = seed;
    size_t slice = 16 * (1 + guard_random(&r, 12)), count = 1 + guard_random(&r, 9);
    struct outputs out = outputs_new(count * sizeof(uint64_t));
    int16_t *pcm = guard_new(2 * slice * count);
    inputs_pcm(&r, pcm, slice * count);
    for (size_t i = 0; seed % 4 == 0 && i < slice * count; i++)
        pcm[i] = INT16_MIN; /* two squares of it need all 32 bits */
    sp_energies__scalar(pcm, slice, count, out.want);
    CALL("energies", k->energies, pcm, slice, count, (uint64_t *)out.got);
    outputs_check(&out, "energies", seed);
    guard_free(pcm, 2 * slice * count);
}

static void try_k_winners(const struct sp_kernels *k, uint64_t seed)
{
    uint64_t r = seed;
    size_t rows = 1 + guard_random(&r, 5), n = 1 + guard_random(&r, 200);
    size_t winners = 1 + guard_random(&r, (uint32_t)n);
    uint8_t *in = guard_new(rows * n);
    struct outputs out = outputs_new(rows * n);
    inputs_u8(&r, in, rows * n, 127);
    sp_k_winners__scalar(winners, in, rows, n, out.want);
    CALL("k_winners", k->k_winners, winners, in, rows, n, (uint8_t *)out.got);
    outputs_check(&out, "k_winners", seed);
    guard_free(in, rows * n);
}

/* ---- all of them ---- */

static const struct operation {
    const char *name;
    size_t place; /* of its function in struct sp_kernels */
    uint64_t rounds;
    void (*run)(const struct sp_kernels *k, uint64_t seed);
} operations[] = {
#define OPERATION(name, rounds)                                                                    \
    {                                                                                              \
#name, offsetof(struct sp_kernels, name), rounds, try_##name                               \
    }
    OPERATION(front_end, 60),      OPERATION(conv_dense, 300), OPERATION(conv_windows, 300),
    OPERATION(conv_indexed, 300),  OPERATION(add, 200),        OPERATION(max_pool_u8, 200),
    OPERATION(max_pool_s32, 200),  OPERATION(mean_pool, 100),  OPERATION(requantise, 300),
    OPERATION(block_winners, 400), OPERATION(k_winners, 200),  OPERATION(energies, 200),
};
#define OPERATION_COUNT (sizeof(operations) / sizeof(operations[0]))

/* Whether a set brings a kernel of its own, which is not that of the set before it. */
static bool own(const struct sp_kernels *k, size_t set, const struct operation *op)
{
    struct sp_kernels before;
    bool here;
    const char *name = set > 0 ? sp_kernels_set(set - 1, &here) : NULL;
    if (name == NULL || !sp_kernels_select(name, &before))
        return true;
    return memcmp((const char *)k + op->place, (const char *)&before + op->place,
                  sizeof(void (*)(void))) != 0;
}

START_TEST(every_set_is_scalar)
{
    const struct operation *op = &operations[(size_t)_i % OPERATION_COUNT];
    size_t set = (size_t)_i / OPERATION_COUNT;
    bool here;
    const char *name = sp_kernels_set(set, &here);
    struct sp_kernels k;
    if (!here)
        return;
    ck_assert(sp_kernels_select(name, &k));
    if (!own(&k, set, op))
        return;
    printf("%s %s\n", name, op->name);
    fflush(stdout);
    for (uint64_t seed = 1; seed <= suite_rounds(op->rounds); seed++)
        op->run(&k, seed);
}
END_TEST

/* A mask allows what it names and nothing faster. */
START_TEST(masks_allow_no_more_than_they_name)
{
    struct sp_kernels k, native;
    bool here;
    const char *name, *fastest = "scalar";
    for (size_t i = 0; (name = sp_kernels_set(i, &here)) != NULL; i++) {
        ck_assert_int_eq(sp_kernels_select(name, &k), here);
        if (!here)
            continue;
        fastest = name;
        ck_assert_str_eq(k.name, name);
    }
    ck_assert(sp_kernels_select("native", &native));
    ck_assert_str_eq(native.name, fastest);
}
END_TEST

int main(void)
{
    size_t sets = 0;
    bool here;
    const char *name;
    for (; (name = sp_kernels_set(sets, &here)) != NULL; sets++)
        if (!here)
            printf("skipped: this machine has no %s\n", name);
    TCase *tc = tcase_create("kernels");
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, masks_allow_no_more_than_they_name);
    tcase_add_loop_test(tc, every_set_is_scalar, 0, (int)(sets * OPERATION_COUNT));
    Suite *suite = suite_create("kernels");
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
