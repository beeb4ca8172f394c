/* test_run.c - whole networks: the engine on every CPU path against plain 64-bit arithmetic.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/model.h"
#include "engine/model/words.h"
#include "engine/sparrow.h"
#include "tests/unit/network/graph.h"
#include "tests/unit/suite.h"

/* "native" is the last of these that the machine has. */
static const char *const cpus[] = {"scalar", "avx2", "avxvnni", "avx512vnni",
                                   "avx512", "neon", "dotprod"};
#define CPU_COUNT (sizeof(cpus) / sizeof(cpus[0]))

static uint8_t *random_features(struct graph *g, size_t words)
{
    size_t n = words * g->front_end.frames * g->front_end.bands;
    uint8_t *f = graph_alloc(g, n, 1);
    for (size_t i = 0; i < n; i++)
        f[i] = (uint8_t)graph_random(g, g->front_end.max_value + 1);
    return f;
}

/* Loads what the graph packs; NULL if this machine lacks the CPU. */
static struct sparrow_model *load(struct graph *g, const char *cpu)
{
    size_t n;
    uint8_t *bytes = graph_pack(g, &n);
    struct sparrow_model_options opt = {.size = sizeof(opt), .cpu = cpu};
    struct sparrow_model *model = NULL;
    struct sparrow_error err;
    int status = sparrow_model_parse(bytes, n, &opt, &model, &err);
    free(bytes);
    if (status == SPARROW_BAD_ARGUMENT)
        return NULL;
    ck_assert_msg(status == 0, "%s", err.text);
    return model;
}

struct which {
    uint64_t seed;
    const char *cpu, *how;
    size_t word;
};

/* ck_assert_msg() would write to a pipe for each score. */
static void same_scores(const int32_t *got, const int32_t *want, size_t labels, struct which which)
{
    for (size_t j = 0; j < labels; j++)
        if (got[j] != want[j])
            ck_abort_msg("seed %llu cpu %s word %zu %s label %zu: %d, not %d",
                         (unsigned long long)which.seed, which.cpu, which.word, which.how, j,
                         got[j], want[j]);
}

/* Runs `words` words on every CPU path and compares each score with the reference. */
static void check_graph(struct graph *g, uint64_t seed, size_t words)
{
    size_t labels = g->values[g->model.n_layers].channels;
    size_t step = (size_t)g->front_end.frames * g->front_end.bands;
    uint8_t *features = random_features(g, words);
    memset(features, 0, step); /* the first word is silent */
    if (words > 1)
        memset(features + step, (int)g->front_end.max_value, step);
    int32_t *want = graph_alloc(g, words * labels, sizeof(*want));
    for (size_t i = 0; i < words; i++)
        graph_reference(g, features + i * step, want + i * labels);
    /* Again and again in one call: lonely words, full batches and part-filled ones. */
    size_t calls = 1 + graph_random(g, 40);
    int32_t *got = graph_alloc(g, calls * labels, sizeof(*got));
    const uint8_t **rows = graph_alloc(g, calls, sizeof(*rows));
    for (size_t i = 0; i < calls; i++)
        rows[i] = features + i % words * step;
    for (size_t c = 0; c < CPU_COUNT; c++) {
        struct sparrow_model *model = load(g, cpus[c]);
        if (model == NULL)
            continue;
        struct sparrow_scratch *scratch = NULL;
        ck_assert_int_eq(sparrow_scratch_new(model, &scratch, NULL), 0);
        memset(got, 0x55, calls * labels * sizeof(*got));
        sparrow_run(model, scratch, rows, calls, got);
        for (size_t i = 0; i < calls; i++)
            same_scores(got + i * labels, want + i % words * labels, labels,
                        (struct which){seed, cpus[c], "of a call", i});
        for (size_t i = 0; i < words; i++) { /* and each one alone */
            sparrow_run(model, scratch, rows + i % calls, 1, got);
            same_scores(got, want + i % calls * labels, labels,
                        (struct which){seed, cpus[c], "alone", i});
        }
        sparrow_scratch_free(scratch);
        sparrow_model_free(model);
    }
}

static struct graph_weights random_weights(struct graph *g, size_t out, size_t in)
{
    struct graph_weights w = {.density = 0.05 + graph_random(g, 60) / 100.0};
    w.encoding = (enum graph_encoding)graph_random(g, 3);
    w.group = out % 8 == 0 && graph_random(g, 4) != 0 ? 8 : out % 4 == 0 ? 4 : 1;
    w.window = in % 16 == 0 && graph_random(g, 4) != 0 ? 16 : in % 2 == 0 ? 2 : 1;
    w.limit = graph_random(g, 2) != 0 ? 127 : 1 + (int)graph_random(g, 64);
    w.bias = graph_random(g, 3) != 0 ? (int)graph_random(g, 2000) : 0;
    return w;
}

static uint32_t random_active(struct graph *g, uint32_t sum)
{
    size_t channels = g->values[sum].channels;
    uint32_t max = graph_random(g, 3) != 0 ? 127 : 1 + graph_random(g, 127);
    bool each = graph_random(g, 2) != 0;
    if (graph_random(g, 4) == 0)
        return graph_requantise(g, sum, max, each);
    uint32_t block = channels % 8 == 0 ? 8 : channels % 2 == 0 ? 2 : 1;
    if (channels % 16 == 0 && graph_random(g, 3) == 0)
        block = 16;
    uint32_t winners = 1 + graph_random(g, block < 3 ? block : 3);
    uint32_t shift = graph_random(g, 3) == 0 ? graph_random(g, 8) : block == 16 ? 4 : 3;
    return graph_block_winners(g, sum, block, winners, shift, max, each);
}

static void finish(struct graph *g, uint32_t active)
{
    struct graph_value v = g->values[active];
    uint32_t labels = 1 + graph_random(g, 12);
    if (graph_random(g, 2) != 0 && v.height * v.width > 1)
        active = graph_requantise(g, graph_mean_pool(g, active), 100, true);
    v = g->values[active];
    graph_linear(g, active, labels, random_weights(g, labels, v.height * v.width * v.channels));
}

static uint32_t random_frames(struct graph *g)
{
    static const uint32_t frames[] = {32, 32, 25, 20, 16, 10, 8, 5, 50, 40};
    return frames[graph_random(g, sizeof(frames) / sizeof(frames[0]))];
}

/* A residual network in one dimension: what vector kernels take, with odd shapes among it. */
static void random_temporal(struct graph *g, uint64_t seed)
{
    static const uint32_t channels[] = {16, 32, 48, 64, 24, 8};
    graph_init(g, seed, 32, 4, 127);
    uint32_t frames = random_frames(g), bands = 4 + graph_random(g, 29);
    graph_done(g);
    graph_init(g, seed + 1000003, frames, bands, graph_random(g, 4) == 0 ? 255 : 127);
    uint32_t out = channels[graph_random(g, 6)], taps = 1 + graph_random(g, 5);
    struct graph_conv stem = {.out = out,
                              .kernel_width = taps,
                              .pad_left = taps / 2,
                              .pad_right = taps / 2,
                              .weights = random_weights(g, out, bands)};
    stem.weights.encoding = graph_random(g, 4) == 0 ? GRAPH_INDEXED : GRAPH_DENSE;
    if (graph_random(g, 2) != 0)
        stem.weights.limit = 40;
    uint32_t active = random_active(g, graph_conv(g, 0, &stem));
    for (uint32_t blocks = graph_random(g, 3); blocks > 0; blocks--) {
        size_t in = g->values[active].channels;
        uint32_t stride = 1 + graph_random(g, 2), k = 1 + 2 * graph_random(g, 5);
        out = channels[graph_random(g, 6)];
        struct graph_conv a = {.out = out,
                               .kernel_width = k,
                               .stride_width = stride,
                               .pad_left = k / 2,
                               .pad_right = k / 2,
                               .weights = random_weights(g, out, in)};
        struct graph_conv skip = {
            .out = out, .stride_width = stride, .weights = random_weights(g, out, in)};
        struct graph_conv b = a;
        b.stride_width = 1;
        uint32_t inner = random_active(g, graph_conv(g, active, &a));
        b.weights = random_weights(g, out, out);
        uint32_t main = graph_conv(g, inner, &b), side = graph_conv(g, active, &skip);
        active = random_active(g, graph_add(g, main, side, 1 + graph_random(g, 2), 1));
    }
    finish(g, active);
}

/* Weights that the lanes take: any kind, or windows as the exporter has them. */
static struct graph_weights stage_weights(struct graph *g, size_t in)
{
    struct graph_weights w = random_weights(g, 16, in);
    if (graph_random(g, 3) != 0) {
        w.encoding = GRAPH_WINDOWS;
        w.group = 8;
        w.window = in % 16 == 0 && graph_random(g, 3) != 0 ? 16 : in % 4 == 0 ? 4 : 1;
    }
    return w;
}

static uint32_t stage_winners(struct graph *g, uint32_t sum)
{
    uint32_t max = graph_random(g, 3) != 0 ? 127 : 1 + graph_random(g, 127);
    uint32_t shift = graph_random(g, 3) == 0 ? 3 + graph_random(g, 5) : 3;
    bool each = graph_random(g, 2) != 0; /* in statements: compilers draw arguments in any order */
    uint32_t winners = 1 + (graph_random(g, 4) != 0);
    return graph_block_winners(g, sum, 8, winners, shift, max, each);
}

/* Winners between all convolutions: one stage after the other on lanes. Widths from 50 down to 1.
 */
static void random_stages(struct graph *g, uint64_t seed)
{
    graph_init(g, seed, 32, 4, 127);
    uint32_t frames = random_frames(g),
             bands = graph_random(g, 3) == 0 ? 32 : 3 + graph_random(g, 30);
    graph_done(g);
    graph_init(g, seed + 2000003, frames, bands, graph_random(g, 4) == 0 ? 255 : 127);
    uint32_t out = 16 * (1 + graph_random(g, 4)), taps = 1 + graph_random(g, 5);
    struct graph_conv stem = {.out = out,
                              .kernel_width = taps,
                              .stride_width = 1 + graph_random(g, 2),
                              .pad_left = taps / 2,
                              .pad_right = taps / 2,
                              .weights = stage_weights(g, bands)};
    if (g->front_end.max_value > 127)
        stem.weights.limit = 64;
    uint32_t v = stage_winners(g, graph_conv(g, 0, &stem));
    for (uint32_t blocks = 1 + graph_random(g, 3); blocks > 0; blocks--) {
        size_t in = g->values[v].channels;
        uint32_t stride = 1 + graph_random(g, 2), k = 1 + 2 * graph_random(g, 5);
        out = 16 * (1 + graph_random(g, 4));
        struct graph_conv a = {.out = out,
                               .kernel_width = k,
                               .stride_width = stride,
                               .pad_left = k / 2,
                               .pad_right = k / 2,
                               .weights = stage_weights(g, in)};
        struct graph_conv skip = {
            .out = out, .stride_width = stride, .weights = stage_weights(g, in)};
        struct graph_conv b = a;
        b.stride_width = 1;
        b.weights = stage_weights(g, out);
        uint32_t inner = stage_winners(g, graph_conv(g, v, &a));
        uint32_t main = graph_conv(g, inner, &b), side = graph_conv(g, v, &skip);
        v = stage_winners(g, graph_add(g, main, side, 1, 1));
    }
    finish(g, v);
}

static void random_flat(struct graph *g, uint64_t seed)
{
    graph_init(g, seed, 20, 12, 127);
    uint32_t v = graph_reshape(g, 0, 20, 12, 1);
    for (uint32_t layers = 1 + graph_random(g, 2); layers > 0; layers--) {
        size_t in = g->values[v].channels;
        uint32_t out = 4 * (1 + graph_random(g, 6));
        struct graph_conv c = {
            .out = out,
            .kernel_height = 1 + graph_random(g, 3) % (uint32_t)g->values[v].height,
            .kernel_width = 1 + graph_random(g, 3) % (uint32_t)g->values[v].width,
            .stride_height = 1 + graph_random(g, 2),
            .stride_width = 1 + graph_random(g, 2),
            .pad_top = graph_random(g, 3),
            .pad_bottom = graph_random(g, 3),
            .pad_left = graph_random(g, 3),
            .pad_right = graph_random(g, 3),
            .weights = random_weights(g, out, in)};
        v = graph_conv(g, v, &c);
        if (graph_random(g, 2) != 0) {
            uint32_t width = 1 + graph_random(g, 2) % (uint32_t)g->values[v].width;
            uint32_t height = 1 + graph_random(g, 2) % (uint32_t)g->values[v].height;
            v = graph_max_pool(g, v, height, width);
        }
        v = random_active(g, v);
        size_t n = g->values[v].height * g->values[v].width * g->values[v].channels;
        bool local = graph_random(g, 2) != 0;
        if (graph_random(g, 2) != 0)
            v = graph_k_winners(
                g, v, 1 + graph_random(g, (uint32_t)(local ? g->values[v].channels : n)), local);
        if (graph_random(g, 3) == 0)
            v = graph_max_pool(g, v, 1, 1 + graph_random(g, 2) % (uint32_t)g->values[v].width);
    }
    finish(g, v);
}

/* An image, pools and block winners in two dimensions: runs of taps in a row, in all shapes. */
static void random_image(struct graph *g, uint64_t seed)
{
    static const uint32_t frames[] = {32, 20, 16, 10}, bands[] = {32, 16, 12, 7};
    graph_init(g, seed, 32, 4, 127);
    uint32_t height = frames[graph_random(g, 4)], width = bands[graph_random(g, 4)];
    graph_done(g);
    graph_init(g, seed + 3000017, height, width, graph_random(g, 4) == 0 ? 255 : 127);
    uint32_t v = graph_reshape(g, 0, height, width, 1);
    for (uint32_t layers = 1 + graph_random(g, 2); layers > 0; layers--) {
        bool first = g->values[v].channels == 1;
        uint32_t out = 8 * (1 + graph_random(g, 6));
        struct graph_conv c = {
            .out = out,
            .kernel_height = 1 + graph_random(g, 5) % (uint32_t)g->values[v].height,
            .kernel_width = 1 + graph_random(g, 9) % (uint32_t)g->values[v].width,
            .stride_height = 1 + graph_random(g, 2),
            .stride_width = 1 + graph_random(g, 2),
            .pad_top = graph_random(g, 3),
            .pad_bottom = graph_random(g, 3),
            .pad_left = first ? 0 : graph_random(g, 3),
            .pad_right = first ? 0 : graph_random(g, 3),
            .weights = stage_weights(g, g->values[v].channels)};
        if (g->front_end.max_value > 127)
            c.weights.limit = 64;
        v = graph_conv(g, v, &c);
        if (graph_random(g, 3) != 0) {
            uint32_t wide = 1 + graph_random(g, 2) % (uint32_t)g->values[v].width;
            uint32_t high = 1 + graph_random(g, 2) % (uint32_t)g->values[v].height;
            v = graph_max_pool(g, v, high, wide);
        }
        if (graph_random(g, 5) == 0)
            v = graph_requantise(g, v, 127, true);
        else
            v = stage_winners(g, v);
    }
    finish(g, v);
}

/* An image whose first convolution may be one of short sums (kernels/cpu/words.h): they come near
 * the bounds of 16 bits, or pass them. */
static void random_short(struct graph *g, uint64_t seed)
{
    static const uint32_t frames[] = {32, 20, 16, 10}, bands[] = {32, 16, 12, 7};
    graph_init(g, seed, 32, 4, 127);
    uint32_t height = frames[graph_random(g, 4)], width = bands[graph_random(g, 4)];
    graph_done(g);
    graph_init(g, seed + 4000037, height, width, 127);
    struct graph_conv c = {.out = 32 * (1 + graph_random(g, 2)),
                           .kernel_height = 1 + graph_random(g, 5),
                           .kernel_width = 1 + graph_random(g, 5)};
    uint32_t most = 2 * INT16_MAX / 127 / (c.kernel_height * c.kernel_width);
    c.weights = (struct graph_weights){
        .encoding = GRAPH_WINDOWS, .group = 8, .window = 1, .density = 0.7, .bias = 3000};
    c.weights.limit = 1 + (int)(most / 2 + graph_random(g, most));
    if (c.weights.limit > 127)
        c.weights.limit = 127;
    uint32_t v = graph_conv(g, graph_reshape(g, 0, height, width, 1), &c);
    v = graph_max_pool(g, v, 2, 2);
    uint32_t shift = 3 + graph_random(g, 2);
    finish(g, graph_block_winners(g, v, 8, 1, shift, 127, graph_random(g, 2) != 0));
}

/* Makes networks from seeds and checks them; returns how many run as sixteen words at once. All
 * count where this CPU has no kernels for that. */
static size_t check_networks(void (*make)(struct graph *g, uint64_t seed), uint64_t seeds)
{
    size_t at_once = 0;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct graph g;
        make(&g, seed);
        check_graph(&g, seed, 3);
        struct sparrow_model *model = load(&g, "native");
        at_once += model->words != NULL || model->kernels.words == NULL;
        sparrow_model_free(model);
        graph_done(&g);
    }
    return at_once;
}

START_TEST(run_random_images_match_reference)
{
    uint64_t seeds = suite_rounds(120);
    size_t at_once = check_networks(random_image, seeds);
    ck_assert_msg(at_once >= seeds * 5 / 6, "only %zu of them run as sixteen words at once",
                  at_once);
}
END_TEST

START_TEST(run_random_short_sums_match_reference)
{
    uint64_t seeds = suite_rounds(120);
    size_t twos = 0, can = 0;
    check_networks(random_short, seeds);
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct graph g;
        random_short(&g, seed);
        struct sparrow_model *model = load(&g, "avx2");
        can += model != NULL && model->kernels.words->image_of_twos != NULL;
        twos += model != NULL && model->words != NULL && model->words->values[0].form.window == 2;
        sparrow_model_free(model);
        graph_done(&g);
    }
    ck_assert_msg(twos >= can / 6, "only %zu of %zu have short sums", twos, can);
}
END_TEST

START_TEST(run_random_temporal_networks_match_reference)
{
    uint64_t seeds = suite_rounds(150);
    size_t at_once = check_networks(random_temporal, seeds);
    ck_assert_msg(at_once >= seeds / 6, "only %zu of them run as sixteen words at once", at_once);
}
END_TEST

/* Counts a model's stages by the positions that they compute at once. */
static void count_stages(struct graph *g, size_t counts[17])
{
    struct sparrow_model *model = load(g, "native");
    for (size_t i = 0; i < model->layer_count; i++)
        if (model->layers[i].path == SP_PATH_LANES && model->layers[i].op == SP_OP_BLOCK_WINNERS)
            counts[model->layers[i].stage.lanes]++;
    if (model->kernels.lanes == NULL)
        counts[4] = counts[8] = counts[16] = SIZE_MAX / 2;
    sparrow_model_free(model);
}

START_TEST(run_random_stages_match_reference)
{
    size_t counts[17] = {0};
    uint64_t seeds = suite_rounds(250);
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct graph g;
        random_stages(&g, seed);
        check_graph(&g, seed, 3);
        count_stages(&g, counts);
        graph_done(&g);
    }
    /* A few seeds need not hold them all. */
    ck_assert_msg(seeds < 250 || (counts[4] >= 40 && counts[8] >= 100 && counts[16] >= 300),
                  "only %zu, %zu and %zu stages of 4, 8 and 16 positions", counts[4], counts[8],
                  counts[16]);
}
END_TEST

START_TEST(run_random_flat_networks_match_reference)
{
    uint64_t seeds = suite_rounds(100);
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct graph g;
        random_flat(&g, seed);
        check_graph(&g, seed, 3);
        graph_done(&g);
    }
}
END_TEST

/* The shape behind the published figures, 64 x 28 x 28, 64 x 10 x 10, 1500, 12, with the masks of
 * models/published.sparrow: runs of taps are closer there than at random. */
static void published_shape(struct graph *g, uint64_t seed)
{
    struct graph_weights taps = {
        .encoding = GRAPH_WINDOWS, .group = 8, .window = 1, .density = 0.48, .bias = 500};
    struct graph_weights windows = {
        .encoding = GRAPH_WINDOWS, .group = 8, .window = 32, .density = 0.125, .bias = 500};
    struct graph_conv c1 = {.out = 64, .kernel_height = 5, .kernel_width = 5, .weights = taps};
    struct graph_conv c2 = {.out = 64, .kernel_height = 5, .kernel_width = 5, .weights = windows};
    graph_init(g, seed, 32, 32, 127);
    uint32_t v = graph_max_pool(g, graph_conv(g, graph_reshape(g, 0, 32, 32, 1), &c1), 2, 2);
    v = graph_block_winners(g, v, 8, 1, 3, 127, true);
    v = graph_max_pool(g, graph_conv(g, v, &c2), 2, 2);
    v = graph_block_winners(g, v, 8, 1, 3, 127, true);
    windows.density = 0.04;
    windows.bias = 0;
    v = graph_block_winners(g, graph_linear(g, v, 1504, windows), 8, 1, 3, 127, true);
    graph_linear(g, v, 12, (struct graph_weights){.encoding = GRAPH_DENSE, .limit = 60});
}

START_TEST(run_published_shape_matches_reference)
{
    struct graph g;
    published_shape(&g, 13);
    check_graph(&g, 13, 5);
    struct sparrow_model *model = load(&g, "native");
    if (model->kernels.words != NULL) {
        ck_assert_ptr_nonnull(model->words);
        ck_assert_uint_eq(sparrow_model_batch(model), 1); /* one word, too: it has no lanes */
    }
    sparrow_model_free(model);
    graph_done(&g);
}
END_TEST

/* The same with any masks, and winners among all channels or units. */
START_TEST(run_published_shape_of_any_masks_matches_reference)
{
    struct graph g;
    graph_init(&g, 7, 32, 32, 127);
    struct graph_conv c1 = {.out = 64,
                            .kernel_height = 5,
                            .kernel_width = 5,
                            .weights = {.encoding = GRAPH_INDEXED, .density = 0.48, .bias = 500}};
    struct graph_conv c2 = {.out = 64,
                            .kernel_height = 5,
                            .kernel_width = 5,
                            .weights = {.encoding = GRAPH_INDEXED, .density = 0.125, .bias = 500}};
    uint32_t v = graph_max_pool(&g, graph_conv(&g, graph_reshape(&g, 0, 32, 32, 1), &c1), 2, 2);
    v = graph_k_winners(&g, graph_requantise(&g, v, 127, true), 6, true);
    v = graph_max_pool(&g, graph_conv(&g, v, &c2), 2, 2);
    v = graph_k_winners(&g, graph_requantise(&g, v, 127, true), 8, true);
    v = graph_linear(&g, v, 1500,
                     (struct graph_weights){.encoding = GRAPH_INDEXED, .density = 0.04});
    v = graph_k_winners(&g, graph_requantise(&g, v, 127, true), 150, false);
    graph_linear(&g, v, 12, (struct graph_weights){.encoding = GRAPH_DENSE, .limit = 60});
    check_graph(&g, 7, 2);
    graph_done(&g);
}
END_TEST

/* The shape of the network that ships. */
static void commands_shape(struct graph *g, uint64_t seed)
{
    static const uint32_t outs[] = {128, 128, 256}, strides[] = {1, 2, 2};
    graph_init(g, seed, 32, 32, 127);
    struct graph_conv stem = {.out = 128,
                              .kernel_width = 3,
                              .pad_left = 1,
                              .pad_right = 1,
                              .weights = {.encoding = GRAPH_DENSE, .bias = 3000}};
    uint32_t v = graph_block_winners(g, graph_conv(g, 0, &stem), 8, 2, 3, 127, true);
    for (size_t i = 0; i < 3; i++) {
        struct graph_weights w = {
            .encoding = GRAPH_WINDOWS, .group = 8, .window = 16, .density = 0.07, .bias = 3000};
        struct graph_conv a = {.out = outs[i],
                               .kernel_width = 9,
                               .stride_width = strides[i],
                               .pad_left = 4,
                               .pad_right = 4,
                               .weights = w};
        struct graph_conv b = a, skip = {.out = outs[i], .stride_width = strides[i], .weights = w};
        b.stride_width = 1;
        uint32_t inner = graph_block_winners(g, graph_conv(g, v, &a), 8, 2, 3, 127, true);
        uint32_t sum = graph_add(g, graph_conv(g, inner, &b), graph_conv(g, v, &skip), 1, 1);
        v = graph_block_winners(g, sum, 8, 2, 3, 127, true);
    }
    v = graph_requantise(g, graph_mean_pool(g, v), 127, true);
    graph_linear(g, v, 12, (struct graph_weights){.encoding = GRAPH_DENSE, .bias = 1000});
}

START_TEST(run_commands_shape_matches_reference)
{
    struct graph g;
    commands_shape(&g, 11);
    check_graph(&g, 11, 5);
    graph_done(&g);
}
END_TEST

START_TEST(density_of_commands_shape_is_a_quarter_behind_winners)
{
    struct graph g;
    commands_shape(&g, 12);
    for (size_t c = 0; c < CPU_COUNT; c++) {
        struct sparrow_model *model = load(&g, cpus[c]);
        if (model == NULL)
            continue;
        struct sparrow_scratch *scratch = NULL;
        ck_assert_int_eq(sparrow_scratch_new(model, &scratch, NULL), 0);
        float density[GRAPH_LAYERS];
        sparrow_scratch_density(scratch, density);
        ck_assert(density[0] < 0);
        const uint8_t *features = random_features(&g, 1);
        int32_t scores[12];
        sparrow_run(model, scratch, &features, 1, scores);
        sparrow_scratch_density(scratch, density);
        ck_assert(density[0] > 0.9f && density[0] < 1.0f);
        ck_assert(density[1] < 0); /* block winners read sums */
        ck_assert_msg(density[2] > 0.15f && density[2] <= 0.25f, "%f", (double)density[2]);
        sparrow_scratch_free(scratch);
        sparrow_model_free(model);
    }
    graph_done(&g);
}
END_TEST

START_TEST(confidence_adds_up_and_follows_scores)
{
    struct graph g;
    random_flat(&g, 3);
    struct sparrow_model *model = load(&g, "scalar");
    size_t labels = sparrow_model_label_count(model);
    int32_t *scores = graph_alloc(&g, labels, sizeof(*scores));
    float *confidence = graph_alloc(&g, labels, sizeof(*confidence));
    for (size_t i = 0; i < labels; i++)
        scores[i] = i == 0 ? INT32_MAX : (int32_t)i - 1000;
    sparrow_confidence(model, scores, confidence);
    float total = 0;
    for (size_t i = 0; i < labels; i++)
        total += confidence[i];
    ck_assert(total > 0.9999f && total < 1.0001f && confidence[0] > 0.999f);
    sparrow_model_free(model);
    graph_done(&g);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        run_random_temporal_networks_match_reference,
        run_random_stages_match_reference,
        run_random_short_sums_match_reference,
        run_random_flat_networks_match_reference,
        run_random_images_match_reference,
        run_published_shape_matches_reference,
        run_published_shape_of_any_masks_matches_reference,
        run_commands_shape_matches_reference,
        density_of_commands_shape_is_a_quarter_behind_winners,
        confidence_adds_up_and_follows_scores,
    };
    return suite_run("network", tests, sizeof(tests) / sizeof(tests[0]));
}
