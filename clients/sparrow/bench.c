/* bench.c - `sparrow bench`: how fast the engine is on this machine, step by step.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/sparrow/commands.h"
#include "clients/sparrow/json.h"
#include "clients/sparrow/machine.h"
#include "clients/sparrow/model.h"
#include "clients/sparrow/say.h"
#include "clients/sparrow/table.h"
#include "clients/sparrow/worker.h"

#define MOST_THREADS 256
#define COMMA        ,

struct bench_settings {
    const char *model, *cpu;
    size_t batch, threads;
    bool json;
    double seconds;
};

static const struct options_option bench_options[] = {
    COMMANDS_MODEL(struct bench_settings),
    {.name = "cpu",
     .kind = OPTIONS_TEXT,
     .offset = offsetof(struct bench_settings, cpu),
     .value = "LIST",
     .help = "measure these kernels only: " COMMANDS_CPUS(
         ", ", " or ") " (default: each that this machine has)",
     .complete = OPTIONS_CPU},
    {.name = "batch",
     .kind = OPTIONS_SIZE,
     .offset = offsetof(struct bench_settings, batch),
     .value = "N",
     .fallback = "16",
     .min = 1,
     .max = WORKER_BATCH_MOST,
     .help = "also with so many words at once through the network"},
    {.name = "threads",
     .kind = OPTIONS_SIZE,
     .offset = offsetof(struct bench_settings, threads),
     .value = "N",
     .fallback = "0",
     .min = 0,
     .max = MOST_THREADS,
     .help = "also on so many threads at once; 0: one for each CPU"},
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
    size_t batch, threads;
    struct worker_time time;
};

struct bench {
    const struct bench_settings *settings;
    size_t threads;
    struct model model;
    struct worker_words words;
    struct worker *workers; /* one for each thread */
    struct bench_line lines[64];
    size_t line_count;
};

static bool measure(struct bench *b, const char *what, worker_step step, size_t batch,
                    size_t threads)
{
    struct bench_line *line = &b->lines[b->line_count];
    *line = (struct bench_line){.what = what, .batch = batch, .threads = threads};
    for (size_t i = 0; i < threads; i++)
        b->workers[i].batch = batch;
    if (!worker_measure(b->workers, threads, step, b->settings->seconds, &line->time)) {
        say_error("no memory, or no more threads");
        return false;
    }
    snprintf(line->cpu, sizeof(line->cpu), "%s", sparrow_model_cpu(b->model.engine));
    b->line_count++;
    return true;
}

static bool prepare(struct bench *b)
{
    b->workers = calloc(b->threads, sizeof(*b->workers));
    bool ok = b->workers && worker_words_make(&b->words, b->model.word_samples);
    for (size_t i = 0; ok && i < b->threads; i++)
        ok = worker_make(&b->workers[i], &b->model, &b->words);
    if (!ok)
        say_error("no memory");
    return ok;
}

static void unprepare(struct bench *b)
{
    for (size_t i = 0; b->workers && i < b->threads; i++)
        worker_done(&b->workers[i]);
    free(b->workers);
    b->workers = NULL;
    worker_words_done(&b->words);
    model_close(&b->model);
}

static bool measure_all(struct bench *b)
{
    static const char network[] = "network", keyword[] = "from WAV to keyword";
    size_t batch = b->settings->batch;
    return measure(b, "features", worker_features, 1, 1) &&
           measure(b, network, worker_network, 1, 1) &&
           (batch == 1 || measure(b, network, worker_network, batch, 1)) &&
           measure(b, keyword, worker_keyword, 1, 1) &&
           (batch == 1 || measure(b, keyword, worker_keyword, batch, 1)) &&
           (b->threads == 1 || measure(b, keyword, worker_keyword, batch, b->threads));
}

/* All lines of one set of kernels. */
static int bench_cpu(struct bench *b, const char *cpu)
{
    if (!model_open(b->settings->model, cpu, &b->model))
        return SAY_MODEL;
    bool ok = prepare(b) && measure_all(b);
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
    static const char *const all[] = {COMMANDS_CPUS(COMMA, COMMA)};
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
    printf("model  %s; times are measured, per word of one second\n\n", b->settings->model);
    struct table *table = table_new("llrrrrr");
    table_cell(table, "KERNELS");
    table_cell(table, "STEP");
    table_cell(table, "BATCH");
    table_cell(table, "THREADS");
    table_cell(table, "MIN");
    table_cell(table, "MEDIAN");
    table_cell(table, "WORDS/S");
    for (size_t i = 0; i < b->line_count; i++) {
        const struct bench_line *line = &b->lines[i];
        table_cell(table, "%s", line->cpu);
        table_cell(table, "%s", line->what);
        table_cell(table, "%zu", line->batch);
        table_cell(table, "%zu", line->threads);
        table_cell(table, "%.2f us", line->time.min_us);
        table_cell(table, "%.2f us", line->time.median_us);
        table_cell(
            table, "%s",
            table_thousands((unsigned long long)(1e6 / line->time.median_us), text, sizeof(text)));
    }
    table_print(table, 0, say_colour(), stdout);
    table_free(table);
}

static json_t *json_result(const struct bench *b, const char *cpu, const char *isa)
{
    json_t *lines = json_array();
    for (size_t i = 0; i < b->line_count; i++) {
        const struct bench_line *line = &b->lines[i];
        json_array_append_new(
            lines, json_pack("{s:s, s:s, s:I, s:I, s:f, s:f, s:f}", "kernels", line->cpu, "step",
                             line->what, "batch", (json_int_t)line->batch, "threads",
                             (json_int_t)line->threads, "min_us", line->time.min_us, "median_us",
                             line->time.median_us, "words_per_s", 1e6 / line->time.median_us));
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
    b->threads = b->settings->threads > 0 ? b->settings->threads : machine_cpus();
    b->threads = b->threads < MOST_THREADS ? b->threads : MOST_THREADS;
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
               "word, the network, and all of it from the bytes of a WAV file to the keyword; one "
               "word at a time and in batches, on one thread and on all. Words are made up and "
               "all different. It tells the shortest and the median time for a word (of all "
               "threads together), each thread tied to a CPU of its own; run it on an idle "
               "machine.",
    .options = bench_options,
    .option_count = sizeof(bench_options) / sizeof(bench_options[0]),
    .settings_size = sizeof(struct bench_settings),
    .run = run,
};
