/* test_front_end.c - the front end against a double precision Fourier sum, and where its frames
 * lie.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "engine/features/front_end.h"
#include "tests/unit/suite.h"

#define PI 3.14159265358979323846

static float edges[34];

static struct sp_front_end *make(uint32_t window, uint32_t frames, uint32_t bands)
{
    for (uint32_t i = 0; i < bands + 2; i++)
        edges[i] = 100.0f + 7500.0f * (float)i / (float)(bands + 1);
    struct sp_front_end_params p = {.window = window,
                                    .hop = 16000 / frames,
                                    .frames = frames,
                                    .bands = bands,
                                    .band_edges_hz = edges,
                                    .log_scale = 6.0f,
                                    .log_offset = -10.0f,
                                    .max_value = 255};
    struct sp_front_end *fe = NULL;
    struct sparrow_error err;
    ck_assert_msg(sp_front_end_new(&p, &fe, &err) == 0, "%s", err.text);
    return fe;
}

static void run(const struct sp_front_end *fe, const int16_t *pcm, size_t samples, size_t first,
                size_t frames, uint8_t *features)
{
    void *work = aligned_alloc(64, (sp_front_end_work_bytes(fe) + 63) / 64 * 64);
    ck_assert_ptr_nonnull(work);
    sp_front_end_run(fe, sp_front_end__scalar, work, pcm, samples, first, frames, features);
    free(work);
}

/* A feature, not yet rounded, by the definition of the transform. */
static double feature(const int16_t *pcm, size_t samples, size_t window, size_t hop, size_t frame,
                      size_t band)
{
    double sum = 1;
    for (size_t k = 0; k <= window / 2; k++) {
        double hz = (double)k * 16000 / (double)window;
        double up = (hz - (double)edges[band]) / (double)(edges[band + 1] - edges[band]);
        double down = ((double)edges[band + 2] - hz) / (double)(edges[band + 2] - edges[band + 1]);
        double weight = fmin(up, down), re = 0, im = 0;
        if (weight <= 0)
            continue;
        for (size_t n = 0; n < window; n++) {
            ptrdiff_t at = (ptrdiff_t)((frame + 1) * hop + n) - (ptrdiff_t)window;
            if (at < 0 || at >= (ptrdiff_t)samples)
                continue;
            double x = pcm[at] * (0.5 - 0.5 * cos(2 * PI * (double)n / (double)window));
            double angle = 2 * PI * (double)(k * n % window) / (double)window;
            re += x * cos(angle);
            im -= x * sin(angle);
        }
        sum += weight * (re * re + im * im);
    }
    return fmin(fmax(log2(sum) * 6 - 10, 0), 255);
}

static void noisy_tone(int16_t *pcm, size_t n)
{
    uint32_t r = 1;
    for (size_t i = 0; i < n; i++) {
        r = r * 1664525u + 1013904223u;
        pcm[i] = (int16_t)(9000 * sin(0.13 * (double)i) + (double)(r >> 22) - 512);
    }
}

START_TEST(run_agrees_with_the_definition)
{
    static const uint32_t windows[] = {64, 512, 2048};
    static int16_t pcm[9000];
    noisy_tone(pcm, 9000);
    for (size_t w = 0; w < 3; w++) {
        struct sp_front_end *fe = make(windows[w], 20, 8);
        uint8_t features[20 * 8];
        run(fe, pcm, 9000, 0, 20, features);
        /* 9000 samples end inside frame 11 */
        for (size_t f = 0; f < 20; f += 3)
            for (size_t b = 0; b < 8; b++) {
                double want = feature(pcm, 9000, windows[w], 800, f, b);
                ck_assert_msg(fabs(features[f * 8 + b] - want) < 0.51, "window %u %zu %zu: %u, %f",
                              windows[w], f, b, features[f * 8 + b], want);
            }
        sp_front_end_free(fe);
    }
}
END_TEST

START_TEST(run_frames_are_shared_between_words)
{
    static int16_t pcm[40000];
    noisy_tone(pcm, 40000);
    struct sp_front_end *fe = make(512, 32, 16);
    static uint8_t all[80 * 16], some[13 * 16];
    run(fe, pcm, 40000, 0, 80, all);
    run(fe, pcm, 40000, 41, 13, some);
    ck_assert_mem_eq(some, all + 41 * 16, sizeof(some));
    sp_front_end_free(fe);
}
END_TEST

START_TEST(run_silence_is_zero_and_short_clips_end_in_it)
{
    static int16_t pcm[16000];
    struct sp_front_end *fe = make(512, 32, 16);
    static uint8_t features[32 * 16], padded[32 * 16];
    run(fe, pcm, 0, 0, 32, features);
    for (size_t i = 0; i < sizeof(features); i++)
        ck_assert_uint_eq(features[i], 0);
    noisy_tone(pcm, 777);
    run(fe, pcm, 777, 0, 32, features);
    run(fe, pcm, 16000, 0, 32, padded);
    ck_assert_mem_eq(features, padded, sizeof(features));
    ck_assert_uint_gt(features[0], 0);
    sp_front_end_free(fe);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        run_agrees_with_the_definition,
        run_frames_are_shared_between_words,
        run_silence_is_zero_and_short_clips_end_in_it,
    };
    return suite_run("features", tests, sizeof(tests) / sizeof(tests[0]));
}
