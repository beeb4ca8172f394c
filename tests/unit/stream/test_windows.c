/* test_windows.c - words inside longer audio, and where speech is in them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "engine/sparrow.h"
#include "tests/unit/network/graph.h"
#include "tests/unit/suite.h"

/* Labels: keyword, keyword, silence, unknown. 32 frames of 500 samples. */
static struct sparrow_model *make(void)
{
    struct graph g;
    graph_init(&g, 1, 32, 8, 127);
    graph_linear(&g, 0, 4, (struct graph_weights){.encoding = GRAPH_DENSE});
    size_t n;
    free(graph_pack(&g, &n));
    g.model.label_kinds[2] = SPARROW__MODEL__V1__LABEL_KIND__SILENCE;
    g.model.label_kinds[3] = SPARROW__MODEL__V1__LABEL_KIND__UNKNOWN;
    uint8_t *bytes = graph_pack(&g, &n);
    struct sparrow_model *m = NULL;
    struct sparrow_error err;
    ck_assert_msg(sparrow_model_parse(bytes, n, NULL, &m, &err) == 0, "%s", err.text);
    free(bytes);
    graph_done(&g);
    return m;
}

START_TEST(count_and_start_cover_the_clip_and_end_with_it)
{
    struct sparrow_model *m = make();
    ck_assert_uint_eq(sparrow_windows_count(m, 0, 4), 1);
    ck_assert_uint_eq(sparrow_windows_count(m, 32, 4), 1);
    ck_assert_uint_eq(sparrow_windows_count(m, 33, 4), 2);
    ck_assert_uint_eq(sparrow_windows_start(m, 33, 4, 1), 1);
    ck_assert_uint_eq(sparrow_windows_start(m, 5, 4, 0), 0);
    ck_assert_uint_eq(sparrow_windows_count(m, SIZE_MAX, 1), SIZE_MAX - 31);
    for (size_t frames = 0; frames < 120; frames++)
        for (size_t hop = 0; hop < 40; hop++) {
            size_t n = sparrow_windows_count(m, frames, hop), step = hop == 0 ? 1 : hop;
            for (size_t i = 0; i + 1 < n; i++)
                ck_assert_uint_eq(sparrow_windows_start(m, frames, hop, i), i * step);
            size_t last = sparrow_windows_start(m, frames, hop, n - 1);
            ck_assert_uint_eq(last + 32, frames < 32 ? 32 : frames);
            ck_assert(n == 1 || last > (n - 2) * step);
        }
    sparrow_model_free(m);
}
END_TEST

START_TEST(best_prefers_keywords_then_unknown_words)
{
    struct sparrow_model *m = make();
    static const float c[][4] = {
        {0.00f, 0.00f, 1.00f, 0.00f}, /* silence, certain */
        {0.10f, 0.20f, 0.10f, 0.60f}, /* unknown */
        {0.50f, 0.10f, 0.40f, 0.00f}, /* keyword */
        {0.05f, 0.70f, 0.25f, 0.00f}, /* keyword, more certain */
        {0.00f, 0.00f, 0.10f, 0.90f}, /* unknown, more certain than the other */
    };
    ck_assert_uint_eq(sparrow_windows_best(m, c[0], 5), 3);
    ck_assert_uint_eq(sparrow_windows_best(m, c[0], 3), 2);
    ck_assert_uint_eq(sparrow_windows_best(m, c[0], 2), 1);
    ck_assert_uint_eq(sparrow_windows_best(m, c[0], 1), 0);
    ck_assert_uint_eq(sparrow_windows_best(m, c[4], 1), 0);
    sparrow_model_free(m);
}
END_TEST

static void noise(int16_t *pcm, size_t from, size_t to, int level)
{
    static uint32_t r = 3;
    for (size_t i = from; i < to; i++) {
        r = r * 1664525u + 1013904223u;
        pcm[i] = (int16_t)((int)(r >> 16) % (2 * level + 1) - level);
    }
}

static void check_bounds(const struct sparrow_model *m, const int16_t *pcm, size_t samples,
                         size_t first, double start_s, double end_s)
{
    double got_start, got_end;
    uint64_t *loudness = calloc(sparrow_loudness_count(samples) + 1, sizeof *loudness);
    ck_assert_ptr_nonnull(loudness);
    sparrow_loudness(m, pcm, samples, loudness);
    sparrow_word_bounds(loudness, samples, first, &got_start, &got_end);
    free(loudness);
    ck_assert_msg(fabs(got_start - start_s) < 0.0101 && fabs(got_end - end_s) < 0.0101,
                  "%f to %f, not %f to %f", got_start, got_end, start_s, end_s);
}

START_TEST(bounds_find_a_word_and_bridge_its_gaps)
{
    struct sparrow_model *m = make();
    static int16_t pcm[48000];
    noise(pcm, 0, 48000, 20);
    noise(pcm, 20000, 24000, 8000);
    noise(pcm, 25600, 28000, 6000); /* 100 ms later */
    check_bounds(m, pcm, 48000, 16000, 20000 / 16000.0, 28000 / 16000.0);
    noise(pcm, 24000, 28000, 20);
    noise(pcm, 28000, 30000, 6000); /* 250 ms later: another word */
    check_bounds(m, pcm, 48000, 16000, 20000 / 16000.0, 24000 / 16000.0);
    sparrow_model_free(m);
}
END_TEST

START_TEST(bounds_without_speech_are_the_window)
{
    struct sparrow_model *m = make();
    static int16_t pcm[48000];
    check_bounds(m, pcm, 48000, 16000, 1, 2);
    check_bounds(m, pcm, 24000, 16000, 1, 1.5);
    check_bounds(m, pcm, 100, 0, 0, 100 / 16000.0);
    check_bounds(m, NULL, 0, 0, 0, 0);
    check_bounds(m, pcm, 100, 16000, 1, 1);
    noise(pcm, 0, 48000, 300);
    check_bounds(m, pcm, 48000, 16000, 1, 2);
    for (size_t i = 0; i < 48000; i++)
        pcm[i] = INT16_MIN;
    check_bounds(m, pcm, 48000, 16000, 1, 2);
    sparrow_model_free(m);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        count_and_start_cover_the_clip_and_end_with_it,
        best_prefers_keywords_then_unknown_words,
        bounds_find_a_word_and_bridge_its_gaps,
        bounds_without_speech_are_the_window,
    };
    return suite_run("stream", tests, sizeof(tests) / sizeof(tests[0]));
}
