/* bench.c - `sparrow bench`: how fast the engine is on this machine, step by step.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/sparrow/clip.h"
#include "clients/sparrow/clock.h"
#include "clients/sparrow/commands.h"
#include "clients/sparrow/json.h"
#include "clients/sparrow/machine.h"
#include "clients/sparrow/model.h"
#include "clients/sparrow/say.h"
#include "clients/sparrow/table.h"
#include "clients/sparrow/wav.h"

/* A sample of time is at least so long, so that the clock's own cost does not count. */
#define SAMPLE_NS    200000u
#define MOST_SAMPLES 20000
#define WORDS        64

struct bench_settings {
    const char *model, *cpu;
    bool json;
    double seconds;
};

static const struct options_option bench_options[] = {
    COMMANDS_MODEL(struct bench_settings),
    {.name = "cpu",
     .kind = OPTIONS_TEXT,
     .offset = offsetof(struct bench_settings, cpu),
     .value = "LIST",
     .help = "measure these kernels only: scalar, avx2, avx512 or neon (default: each that this "
             "machine has)",
     .complete = OPTIONS_CPU},
    {.name = "seconds",
     .kind = OPTIONS_REAL,
     .offset = offsetof(struct bench_settings, seconds),
     .value = "S",
     .fallback = "1",
     .min = 0.01,
     .max = 600,
     .help = "measure each line for so long"},
    COMMANDS_JSON(struct bench_settings),
};

/* One line of the result: microseconds per word. */
struct bench_line {
    const char *what;
    char cpu[32];
    double min_us, median_us;
};

struct bench {
    const struct bench_settings *settings;
    struct model model;
    struct clip clip;
    int16_t *pcm[WORDS];
    uint8_t *features[WORDS];
    struct wav wav[WORDS];
    int32_t *scores;
    size_t at; /* the word whose turn it is */
    struct bench_line lines[32];
    size_t line_count;
};

/* ---- the work ---- */

static void do_features(struct bench *b)
{
    sparrow_features(b->model.engine, b->model.scratch, b->pcm[b->at], b->model.word_samples,
                     b->features[b->at]);
}

static void do_network(struct bench *b)
{
    const uint8_t *rows[1] = {b->features[b->at]};
    sparrow_run(b->model.engine, b->model.scratch, rows, 1, b->scores);
}

static void do_all(struct bench *b)
{
    struct sparrow_audio_options options = {
        .size = sizeof(options), .media_type = "audio/wav", .borrow = true};
    const struct wav *wav = &b->wav[b->at];
    if (sparrow_audio_decode(b->clip.audio, wav->data, wav->count, &options, NULL) < 0)
        return;
    sparrow_features(b->model.engine, b->model.scratch, sparrow_audio_samples(b->clip.audio),
                     sparrow_audio_count(b->clip.audio), b->features[b->at]);
    do_network(b);
}

/* ---- measuring ---- */

static uint64_t time_rounds(struct bench *b, void (*work)(struct bench *), size_t rounds)
{
    uint64_t begin = clock_now_ns();
    for (size_t i = 0; i < rounds; i++) {
        work(b);
        b->at = (b->at + 1) % WORDS;
    }
    return clock_now_ns() - begin;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static bool measure(struct bench *b, const char *what, void (*work)(struct bench *))
{
    double *samples = calloc(MOST_SAMPLES, sizeof(*samples));
    if (!samples) {
        say_error("no memory");
        return false;
    }
    time_rounds(b, work, WORDS); /* into the caches */
    size_t rounds = 1, count = 0;
    while (rounds < 1u << 20 && time_rounds(b, work, rounds) < SAMPLE_NS)
        rounds *= 2;
    uint64_t end = clock_now_ns() + (uint64_t)(b->settings->seconds * 1e9);
    do
        samples[count++] = (double)time_rounds(b, work, rounds) / 1e3 / (double)rounds;
    while (count < MOST_SAMPLES && clock_now_ns() < end);
    qsort(samples, count, sizeof(*samples), by_value);
    struct bench_line *line = &b->lines[b->line_count++];
    line->what = what;
    line->min_us = samples[0];
    line->median_us = samples[count / 2];
    snprintf(line->cpu, sizeof(line->cpu), "%s", sparrow_model_cpu(b->model.engine));
    free(samples);
    return true;
}

/* Words that differ: tones that glide, under noise. What they say does not matter, that their
 * activations are alive does. */
static void make_word(int16_t *pcm, size_t count, uint32_t seed)
{
    double phase = 0;
    for (size_t i = 0; i < count; i++) {
        double t = (double)i / (double)count;
        seed = seed * 1664525u + 1013904223u;
        phase += (150.0 + 40.0 * (double)(seed % 7 == 0) + 2500.0 * t * (1 - t)) / 16000.0;
        double loud = sin(3.141592653589793 * t);
        double noise = (double)(int32_t)seed / 2147483648.0;
        pcm[i] = (int16_t)(9000 * loud * sin(6.283185307179586 * phase) + 1200 * noise);
    }
}

static bool prepare(struct bench *b)
{
    struct sparrow_error err;
    b->scores = calloc(b->model.labels, sizeof(*b->scores));
    bool ok = b->scores && sparrow_audio_new(&b->clip.audio, &err) == 0;
    for (size_t i = 0; ok && i < WORDS; i++) {
        b->pcm[i] = calloc(b->model.word_samples, sizeof(int16_t));
        b->features[i] = calloc(b->model.word_bytes, 1);
        ok = b->pcm[i] && b->features[i];
        if (!ok)
            break;
        make_word(b->pcm[i], b->model.word_samples, (uint32_t)i * 7919u + 1);
        ok = wav_make(&b->wav[i], b->pcm[i], b->model.word_samples);
    }
    if (!ok)
        say_error("no memory");
    return ok;
}

static void unprepare(struct bench *b)
{
    for (size_t i = 0; i < WORDS; i++) {
        free(b->pcm[i]);
        free(b->features[i]);
        wav_done(&b->wav[i]);
        b->pcm[i] = NULL;
        b->features[i] = NULL;
    }
    free(b->scores);
    b->scores = NULL;
    clip_done(&b->clip);
    model_close(&b->model);
}

/* All lines of one set of kernels. */
static int bench_cpu(struct bench *b, const char *cpu)
{
    if (!model_open(b->settings->model, cpu, &b->model))
        return SAY_MODEL;
    bool ok = prepare(b) && measure(b, "features", do_features) &&
              measure(b, "network", do_network) &&
              measure(b, "decode + features + network, from WAV", do_all);
    unprepare(b);
    return ok ? SAY_FINE : SAY_FAILED;
}

/* Whether this machine has these kernels: asked of the loader, quietly, with the front end alone.
 */
static bool has_cpu(const char *cpu)
{
    struct sparrow_model_options options = {.size = sizeof(options), .cpu = cpu};
    struct sparrow_model *model;
    if (sparrow_model_default_front_end(&options, &model, NULL) < 0)
        return false;
    sparrow_model_free(model);
    return true;
}

/* Each set that this machine has, with the slower ones below it: a set need not have every kernel.
 */
static int bench_all(struct bench *b)
{
    static const char *const all[] = {"scalar", "avx2", "avx512", "neon"};
    char list[64] = "";
    int code = SAY_FINE;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && code == SAY_FINE; i++) {
        size_t used = strlen(list);
        if (!has_cpu(all[i]))
            continue;
        snprintf(list + used, sizeof(list) - used, "%s%s", used ? "," : "", all[i]);
        code = bench_cpu(b, list);
    }
    return code;
}

/* ---- the result ---- */

static void print_result(const struct bench *b, const char *cpu, const char *isa)
{
    char text[32];
    printf("cpu    %s, %zu usable; %s\n", cpu, machine_cpus(), isa);
    printf("model  %s; times are measured, on one core, per word of one second\n\n",
           b->settings->model);
    struct table *table = table_new("llrrr");
    table_cell(table, "KERNELS");
    table_cell(table, "STEP");
    table_cell(table, "MIN");
    table_cell(table, "MEDIAN");
    table_cell(table, "WORDS/S");
    for (size_t i = 0; i < b->line_count; i++) {
        const struct bench_line *line = &b->lines[i];
        table_cell(table, "%s", line->cpu);
        table_cell(table, "%s", line->what);
        table_cell(table, "%.2f us", line->min_us);
        table_cell(table, "%.2f us", line->median_us);
        table_cell(
            table, "%s",
            table_thousands((unsigned long long)(1e6 / line->median_us), text, sizeof(text)));
    }
    table_print(table, 0, say_colour(), stdout);
    table_free(table);
}

static json_t *json_result(const struct bench *b, const char *cpu, const char *isa)
{
    json_t *lines = json_array();
    for (size_t i = 0; i < b->line_count; i++) {
        const struct bench_line *line = &b->lines[i];
        json_array_append_new(lines,
                              json_pack("{s:s, s:s, s:f, s:f, s:f}", "kernels", line->cpu, "step",
                                        line->what, "min_us", line->min_us, "median_us",
                                        line->median_us, "words_per_s", 1e6 / line->median_us));
    }
    return json_pack("{s:s, s:s, s:I, s:s, s:o}", "cpu", cpu, "isa", isa, "cpus",
                     (json_int_t)machine_cpus(), "model", b->settings->model, "lines", lines);
}

static int run(const void *arg, const struct options_list *operands)
{
    (void)operands;
    struct bench *b = calloc(1, sizeof(*b));
    char cpu[128], isa[256];
    int code = SAY_FINE;
    if (!b) {
        say_error("no memory");
        return SAY_FAILED;
    }
    b->settings = arg;
    code = b->settings->cpu ? bench_cpu(b, b->settings->cpu) : bench_all(b);
    machine_cpu(cpu, sizeof(cpu));
    machine_isa(isa, sizeof(isa));
    if (code == SAY_FINE && b->settings->json) {
        json_t *root = json_result(b, cpu, isa);
        code = json_print(root, JSON_INDENT(2), stdout) ? SAY_FINE : SAY_FAILED;
        json_decref(root);
    } else if (code == SAY_FINE) {
        print_result(b, cpu, isa);
    }
    free(b);
    return code;
}

const struct options_command bench_command = {
    .name = "bench",
    .max_operands = 0,
    .summary = "measure how fast the engine is on this machine",
    .details = "Measures, with each set of kernels that this machine has: the features of a "
               "word, the network, and all of it from the bytes of a WAV file. Words are made up "
               "and all different. It tells the shortest and the median time for a word, on one "
               "core; run it on an idle machine.",
    .options = bench_options,
    .option_count = sizeof(bench_options) / sizeof(bench_options[0]),
    .settings_size = sizeof(struct bench_settings),
    .run = run,
};
