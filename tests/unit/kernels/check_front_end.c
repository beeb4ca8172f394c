/* check_front_end.c - the front end of every set of kernels against the scalar one, bit for bit:
 * silent, loud and impulsive clips, all windows, bands from one bin to all of them, numbers of
 * frames around the lanes', a page that cannot be touched behind the last sample, feature and byte
 * of work.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/features/front_end.h"
#include "kernels/cpu/kernels.h"
#include "tests/unit/kernels/guard.h"
#include "tests/unit/kernels/inputs.h"
#include "tests/unit/suite.h"

#define MOST_BANDS 255
#define KINDS      8

static const uint32_t windows[] = {64, 128, 256, 512, 1024, 2048};
#define WINDOWS (sizeof(windows) / sizeof(windows[0]))

/* One case: a front end, a clip, and which of its frames are asked for. */
struct trial {
    uint64_t seed;
    struct sp_front_end_params params;
    float edges[MOST_BANDS + 2];
    size_t samples, first, frames;
    int16_t *pcm;
};

static int16_t sample(uint64_t *r, uint32_t kind, size_t i, size_t n)
{
    int32_t v = (int32_t)guard_random(r, 65536) - 32768;
    switch (kind) {
    case 0:
        return 0;
    case 1:
        return INT16_MIN;
    case 2:
        return i / 16 % 2 != 0 ? INT16_MAX : INT16_MIN;
    case 3:
        return i % 2 != 0 ? INT16_MAX : INT16_MIN; /* all in the last bin */
    case 4:
        return i == n / 2 || i + 1 == n ? INT16_MAX : 0;
    case 5:
        return (int16_t)(v / 8192);
    case 6:
        return (int16_t)(12000 * sin(0.001 * (double)i * (double)i / (double)(n + 1)) + v / 64);
    default:
        return (int16_t)v;
    }
}

/* Bands of equal widths; or of one bin each, with every edge on a bin; or narrow ones below wide
 * ones. */
static void choose_bands(struct trial *t, uint64_t *r)
{
    uint32_t half = t->params.window / 2, kind = guard_random(r, 3);
    float bin = 16000.0f / (float)t->params.window;
    uint32_t n = kind == 1 ? guard_random(r, half < MOST_BANDS ? half - 1 : MOST_BANDS) + 1
                           : guard_random(r, half < 40 ? 7 : 40) + 1;
    float end = kind == 0 && guard_random(r, 4) == 0 ? 16000.0f : 8000.0f;
    for (uint32_t i = 0; i < n + 2; i++) {
        float share = (float)i / (float)(n + 1);
        t->edges[i] = kind == 0 ? end * share
                      : kind == 1
                          ? bin * (float)i
                          : 0.3f + (float)i * bin + (7000.0f - (float)n * bin) * share * share;
    }
    t->params.bands = n;
    t->params.band_edges_hz = t->edges;
}

static void trial_make(struct trial *t, uint64_t seed)
{
    static const uint32_t counts[] = {32, 25, 10, 8, 100};
    uint64_t r = t->seed = seed;
    t->params = (struct sp_front_end_params){.window = windows[seed % WINDOWS],
                                             .frames = counts[guard_random(&r, 5)],
                                             .log_scale = seed % 5 == 0 ? -3.5f : 4.25f,
                                             .log_offset = seed % 5 == 0 ? 90.0f : -8.0f,
                                             .max_value = seed % 3 == 0 ? 255 : 127};
    t->params.hop = 16000 / t->params.frames;
    choose_bands(t, &r);
    t->first = guard_random(&r, 3) * guard_random(&r, 20);
    t->frames = 1 + guard_random(&r, 2 * SP_FRONT_END_LANES + 2);
    /* often the clip ends with the last frame, which then is read in place */
    t->samples = (t->first + t->frames) * t->params.hop;
    if (guard_random(&r, 3) == 0)
        t->samples = guard_random(&r, (uint32_t)t->samples);
    t->pcm = guard_new(2 * t->samples);
    for (size_t i = 0; i < t->samples; i++)
        t->pcm[i] = sample(&r, (uint32_t)(seed / WINDOWS % KINDS), i, t->samples);
}

static void run(const struct trial *t, const struct sp_front_end *fe, sp_front_end_fn kernel,
                uint8_t *features)
{
    size_t bytes = (sp_front_end_work_bytes(fe) + 63) / 64 * 64;
    void *work = guard_new(bytes);
    memset(work, 0x7f, bytes); /* whatever was there before */
    sp_front_end_run(fe, kernel, work, t->pcm, t->samples, t->first, t->frames, features);
    guard_free(work, bytes);
}

/* Returns 1 if the front end's parameters are possible ones. */
static size_t compare(uint64_t seed, sp_front_end_fn kernel)
{
    struct trial t;
    trial_make(&t, seed);
    struct sp_front_end *fe = NULL;
    bool possible = sp_front_end_new(&t.params, &fe, NULL) == 0;
    if (possible) {
        size_t n = t.frames * t.params.bands;
        uint8_t *got = guard_new(n), *want = guard_new(n);
        run(&t, fe, sp_front_end__scalar, want);
        run(&t, fe, kernel, got);
        for (size_t i = 0; i < n; i++)
            inputs_expect(got[i] == want[i],
                          "seed %llu: window %u, %u bands, %zu frames: feature %zu is %u, not %u",
                          (unsigned long long)seed, t.params.window, t.params.bands, t.frames, i,
                          got[i], want[i]);
        guard_free(got, n);
        guard_free(want, n);
        sp_front_end_free(fe);
    }
    guard_free(t.pcm, 2 * t.samples);
    return possible;
}

static void check_set(const char *name, const struct sp_kernels *kernels)
{
    size_t possible = 0;
    const size_t seeds = suite_rounds(WINDOWS * KINDS * 12);
    printf("%s\n", name);
    fflush(stdout);
    for (uint64_t seed = 0; seed < seeds; seed++)
        possible += compare(seed, kernels->front_end);
    ck_assert_uint_gt(possible, seeds * 8 / 10);
}

START_TEST(every_set_is_scalar)
{
    bool here;
    const char *name;
    for (size_t i = 0; (name = sp_kernels_set(i, &here)) != NULL; i++) {
        struct sp_kernels kernels;
        if (!here)
            printf("skipped: this machine has no %s\n", name);
        else if (sp_kernels_select(name, &kernels) && kernels.front_end != sp_front_end__scalar)
            check_set(name, &kernels);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_set_is_scalar};
    return suite_run("kernels-front-end", tests, sizeof(tests) / sizeof(tests[0]));
}
