/* test_memory.c - loading a model when memory runs out at any of its allocations.
 * The linker puts the functions below in front of the C library's (--wrap).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "engine/sparrow.h"
#include "tests/unit/network/graph.h"
#include "tests/unit/suite.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_aligned_alloc(size_t alignment, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_aligned_alloc(size_t alignment, size_t n);

/* Allocations until one fails; negative: none does. How many there were. */
static long left = -1, allocations;

static bool fails(void)
{
    allocations++;
    if (left < 0)
        return false;
    return left-- == 0;
}

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t n)
{
    return fails() ? NULL : __real_calloc(count, n);
}

void *__wrap_aligned_alloc(size_t alignment, size_t n)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, n);
}

/* Layers on lanes, split ones and plain ones. */
static void mixed_graph(struct graph *g)
{
    graph_init(g, 3, 16, 8, 127);
    struct graph_conv stem = {.out = 16,
                              .kernel_width = 3,
                              .pad_left = 1,
                              .pad_right = 1,
                              .weights = {.encoding = GRAPH_DENSE, .bias = 9}};
    struct graph_conv next = {
        .out = 16,
        .kernel_width = 3,
        .stride_width = 2,
        .pad_left = 1,
        .pad_right = 1,
        .weights = {
            .encoding = GRAPH_WINDOWS, .group = 8, .window = 16, .density = 0.6, .bias = 9}};
    uint32_t v = graph_block_winners(g, graph_conv(g, 0, &stem), 8, 2, 3, 127, true);
    v = graph_requantise(g, graph_conv(g, v, &next), 100, true);
    graph_linear(g, v, 3, (struct graph_weights){.encoding = GRAPH_INDEXED, .density = 0.5});
}

START_TEST(parse_and_scratch_survive_every_failed_allocation)
{
    struct graph g;
    mixed_graph(&g);
    size_t n;
    uint8_t *bytes = graph_pack(&g, &n);
    long failures = 0;
    for (;; failures++) {
        struct sparrow_model *model = NULL;
        struct sparrow_scratch *scratch = NULL;
        struct sparrow_error err = {.text = ""};
        left = failures;
        int status = sparrow_model_parse(bytes, n, NULL, &model, &err);
        if (status == 0)
            status = sparrow_scratch_new(model, &scratch, &err);
        bool done = left >= 0; /* nothing failed any more */
        left = -1;
        if (done)
            ck_assert_msg(status == 0, "%s", err.text);
        else
            /* protobuf-c does not tell a malformed message from a lack of memory */
            ck_assert_msg(status == SPARROW_NO_MEMORY ||
                              (status == SPARROW_BAD_MODEL && scratch == NULL),
                          "allocation %ld: %d %s", failures, status, err.text);
        sparrow_scratch_free(scratch);
        sparrow_model_free(model);
        if (done)
            break;
    }
    ck_assert_int_gt(failures, 50);
    free(bytes);
    graph_done(&g);
}
END_TEST

START_TEST(features_and_run_allocate_nothing)
{
    static const char *const cpus[] = {"scalar", "native"};
    struct graph g;
    mixed_graph(&g);
    size_t n;
    uint8_t *bytes = graph_pack(&g, &n);
    for (size_t i = 0; i < 2; i++) {
        struct sparrow_model_options opt = {.size = sizeof(opt), .cpu = cpus[i]};
        struct sparrow_model *model = NULL;
        struct sparrow_scratch *scratch = NULL;
        ck_assert_int_eq(sparrow_model_parse(bytes, n, &opt, &model, NULL), 0);
        ck_assert_int_eq(sparrow_scratch_new(model, &scratch, NULL), 0);
        static int16_t pcm[20000];
        static uint8_t features[20 * 8];
        const uint8_t *rows = features;
        int32_t scores[3];
        float confidence[3];
        double start, end;
        static uint64_t loudness[20000 / 160];
        ck_assert_uint_eq(sparrow_loudness_count(20000), sizeof loudness / sizeof loudness[0]);
        allocations = 0;
        sparrow_features(model, scratch, pcm, 20000, features);
        sparrow_run(model, scratch, &rows, 1, scores);
        sparrow_confidence(model, scores, confidence);
        sparrow_loudness(model, pcm, 20000, loudness);
        sparrow_word_bounds(loudness, 20000, 0, &start, &end);
        ck_assert_int_eq(allocations, 0);
        sparrow_scratch_free(scratch);
        sparrow_model_free(model);
    }
    free(bytes);
    graph_done(&g);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        parse_and_scratch_survive_every_failed_allocation,
        features_and_run_allocate_nothing,
    };
    return suite_run("model-memory", tests, sizeof(tests) / sizeof(tests[0]));
}
