/* test_word_bounds.c - real words, moved inside a clip: the same word is heard, and its bounds move
 * with it. The shipped model, the sample clips.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/sparrow.h"
#include "tests/unit/suite.h"

#define RATE      16000
#define HOP       4 /* frames between two words of a clip: 125 ms */
#define TOLERANCE 0.05
#define WAV_HEAD  44

struct heard {
    char label[32];
    double start_s, end_s;
};

static struct sparrow_model *model;

static void load(void)
{
    char path[4096];
    struct sparrow_error err;
    const char *top = getenv("top_srcdir");
    snprintf(path, sizeof path, "%s/models/commands.sparrow", top ? top : ".");
    ck_assert_msg(sparrow_model_load(path, NULL, &model, &err) == 0, "%s", err.text);
}

/* A sample clip in `samples` samples of faint noise, `at` samples after their start; what does not
 * fit is cut off. */
static void place(const char *word, ptrdiff_t at, int16_t *pcm, size_t samples)
{
    static int16_t clip[RATE];
    char path[4096];
    const char *top = getenv("top_srcdir");
    snprintf(path, sizeof path, "%s/tests/data/samples/%s.wav", top ? top : ".", word);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    ck_assert_int_eq(fseek(file, WAV_HEAD, SEEK_SET), 0); /* no decoder: they are not everywhere */
    ck_assert_uint_eq(fread(clip, sizeof *clip, RATE, file), RATE);
    fclose(file);
    uint32_t r = 1;
    for (size_t i = 0; i < samples; i++) {
        ptrdiff_t of = (ptrdiff_t)i - at;
        r = r * 1664525u + 1013904223u;
        int sum = (int)(r >> 16) % 41 - 20 + (of >= 0 && of < RATE ? clip[of] : 0);
        pcm[i] = (int16_t)(sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum);
    }
}

/* What the clip's best second says, and where. */
static struct heard hear(const int16_t *pcm, size_t samples)
{
    size_t frames = sparrow_features_frames(model, samples), bands = sparrow_model_bands(model);
    size_t labels = sparrow_model_label_count(model);
    size_t words = sparrow_windows_count(model, frames, HOP);
    uint8_t *features = calloc(frames, bands);
    float *confidences = calloc(words * labels, sizeof *confidences);
    uint64_t *loudness = calloc(sparrow_loudness_count(samples) + 1, sizeof *loudness);
    int32_t *scores = calloc(labels, sizeof *scores);
    struct sparrow_scratch *scratch;
    struct sparrow_error err;
    ck_assert(features && confidences && loudness && scores);
    ck_assert_int_eq(sparrow_scratch_new(model, &scratch, &err), 0);
    sparrow_features(model, scratch, pcm, samples, features);
    for (size_t i = 0; i < words; i++) {
        const uint8_t *rows = features + bands * sparrow_windows_start(model, frames, HOP, i);
        sparrow_run(model, scratch, &rows, 1, scores);
        sparrow_confidence(model, scores, confidences + i * labels);
    }
    size_t best = sparrow_windows_best(model, confidences, words), label = 0;
    for (size_t i = 1; i < labels; i++)
        if (confidences[best * labels + i] > confidences[best * labels + label])
            label = i;
    struct heard heard;
    snprintf(heard.label, sizeof heard.label, "%s", sparrow_model_label(model, label));
    sparrow_loudness(model, pcm, samples, loudness);
    sparrow_word_bounds(loudness, samples,
                        sparrow_windows_start(model, frames, HOP, best) * sparrow_model_hop(model),
                        &heard.start_s, &heard.end_s);
    sparrow_scratch_free(scratch);
    free(features);
    free(confidences);
    free(loudness);
    free(scores);
    return heard;
}

/* The word at two places of a clip so long. */
static void check_moved(const char *word, double seconds, double at_s, double later_s)
{
    static int16_t pcm[4 * RATE];
    size_t samples = (size_t)(seconds * RATE);
    place(word, lrint(at_s * RATE), pcm, samples);
    struct heard a = hear(pcm, samples);
    place(word, lrint((at_s + later_s) * RATE), pcm, samples);
    struct heard b = hear(pcm, samples);
    ck_assert_str_eq(a.label, word);
    ck_assert_str_eq(b.label, word);
    ck_assert_msg(a.start_s > at_s && a.end_s - a.start_s > 0.1 && a.end_s - a.start_s < 0.9,
                  "%s at %g: %g to %g", word, at_s, a.start_s, a.end_s);
    ck_assert_msg(fabs(b.start_s - a.start_s - later_s) < TOLERANCE &&
                      fabs(b.end_s - a.end_s - later_s) < TOLERANCE,
                  "%s at %g: %g to %g, %g later: %g to %g", word, at_s, a.start_s, a.end_s, later_s,
                  b.start_s, b.end_s);
}

START_TEST(bounds_move_with_a_word_in_a_longer_clip)
{
    load();
    static const char *const words[] = {"yes", "no", "down", "right", "off"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        check_moved(words[i], 2.5, 0.5, 0.3);
        check_moved(words[i], 2.5, 0.3, 0.9);
    }
    sparrow_model_free(model);
}
END_TEST

START_TEST(bounds_move_with_a_word_in_one_second)
{
    load();
    check_moved("down", 1, -0.2, 0.3);
    check_moved("off", 1, -0.2, 0.3);
    check_moved("no", 1, -0.2, 0.3);
    sparrow_model_free(model);
}
END_TEST

/* The window that answers may cut the word: both give the same bounds. */
START_TEST(bounds_of_a_word_that_the_window_cuts_are_the_words)
{
    static int16_t pcm[3 * RATE];
    static uint64_t loudness[3 * RATE];
    double start_s, end_s, cut_start_s, cut_end_s;
    load();
    place("yes", RATE, pcm, 3 * RATE); /* speech from 1.08 to 1.6 */
    sparrow_loudness(model, pcm, 3 * RATE, loudness);
    sparrow_word_bounds(loudness, 3 * RATE, RATE, &start_s, &end_s);
    for (size_t first = RATE / 2; first <= RATE + RATE / 5; first += RATE / 100) {
        sparrow_word_bounds(loudness, 3 * RATE, first, &cut_start_s, &cut_end_s);
        ck_assert_msg(fabs(cut_start_s - start_s) < 0.0201 && fabs(cut_end_s - end_s) < 0.0201,
                      "window at %zu: %g to %g, not %g to %g", first, cut_start_s, cut_end_s,
                      start_s, end_s);
    }
    sparrow_model_free(model);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        bounds_move_with_a_word_in_a_longer_clip,
        bounds_move_with_a_word_in_one_second,
        bounds_of_a_word_that_the_window_cuts_are_the_words,
    };
    return suite_run("word_bounds", tests, sizeof(tests) / sizeof(tests[0]));
}
