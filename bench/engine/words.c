/* words.c - measures one way to run a network: words RIVAL[:SHARE OF ZEROS] [OPTIONS], see usage().
 * Threads are pinned, each with an instance of its own; all begin together. A sample is one run of
 * a batch (several, if it is short); the least and the median of all samples are printed, as JSON.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <err.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/engine/clips.h"
#include "bench/engine/measure.h"
#include "bench/engine/peak.h"
#include "bench/engine/rival.h"
#include "bench/engine/steps.h"
#include "bench/engine/weights.h"

#define SHORTEST_US   40.0 /* of a sample */
#define LEAST_SAMPLES 5
#define MOST_SAMPLES  200000
#define MOST_THREADS  256

static const struct rival *const rivals[] = {&rival_sparrow,  &rival_dense,  &rival_blocks,
                                             &rival_shuffled, &rival_lists,  &rival_one,
                                             &rival_onednn,   &rival_xnnpack};

struct settings {
    const char *rival, *model, *clips, *cpu, *features;
    char form[16];
    size_t words, threads;
    double seconds;
    bool once;  /* one warm run and one that a profiler counts */
    bool steps; /* how is NULL: the kernels' steps instead of the core's peak */
    const struct rival *how;
    const struct sp_rows_kernels *kernels;
};

struct worker {
    const struct settings *s;
    const struct sparrow_model *model;
    const struct clips *in;
    pthread_barrier_t *start;
    pthread_t thread;
    size_t core, samples, repeats;
    double *us; /* per word */
    double elapsed_s;
    uint64_t done; /* words */
    void *instance;
};

static void usage(void)
{
    fputs("usage: words RIVAL[:SHARE] [--model FILE] [--clips GLOB] [--cpu scalar|avx2|avx512]\n"
          "             [--words N] [--threads N] [--seconds S] [--once]\n"
          "             [--features FILE: writes the clips' features there]\n"
          "RIVAL: sparrow (the engine), dense, blocks, shuffled, lists, one (ours), onednn, "
          "xnnpack;\n"
          "       peak: what the core can do at most\n"
          "       steps: cycles of the kernels' steps and ends\n"
          "SHARE: of weights that are zero, at random places (blocks, shuffled, lists, one)\n",
          stderr);
    exit(2);
}

static void write_features(const struct settings *s, const struct sparrow_model *model,
                           const struct clips *in)
{
    FILE *f = fopen(s->features, "wb");
    size_t n = model->frames * model->bands;
    if (f == NULL || fwrite(in->bytes, n, in->count, f) != in->count || fclose(f) != 0)
        err(1, "%s", s->features);
}

static void *make(const struct settings *s, const struct rival *how,
                  const struct sparrow_model *model)
{
    const char *reason = "cannot be made";
    void *instance =
        how->make(model, &(struct rival_options){s->kernels, s->form, s->words}, &reason);
    if (instance == NULL)
        errx(1, "%s: %s", s->rival, reason);
    return instance;
}

/* What callgrind counts: --toggle-collect=words_once */
__attribute__((noinline)) void words_once(const struct rival *how, void *instance,
                                          const uint8_t *const *features, int32_t *scores);
void words_once(const struct rival *how, void *instance, const uint8_t *const *features,
                int32_t *scores)
{
    how->run(instance, features, scores);
}

static void *measure(void *arg)
{
    struct worker *w = arg;
    const struct settings *s = w->s;
    measure_pin(w->core);
    int32_t *scores = weights_memory(s->words * w->model->label_count, sizeof(*scores));
    w->instance = make(s, s->how, w->model);
    double before = measure_now_us(), one = 0;
    for (size_t i = 0; i < 3; i++) {
        before = measure_now_us();
        s->how->run(w->instance, w->in->rows, scores);
        one = measure_now_us() - before;
    }
    w->repeats = one < SHORTEST_US ? (size_t)(SHORTEST_US / (one + 0.01)) + 1 : 1;
    pthread_barrier_wait(w->start);
    double begin = measure_now_us(), end = begin + s->seconds * 1e6, last = begin;
    for (size_t at = 0; (last < end || w->samples < LEAST_SAMPLES) && w->samples < MOST_SAMPLES;
         w->samples++) {
        for (size_t i = 0; i < w->repeats; i++) {
            s->how->run(w->instance, w->in->rows + at, scores);
            at = (at + s->words) % w->in->count;
        }
        double now = measure_now_us();
        w->us[w->samples] = (now - last) / (double)(w->repeats * s->words);
        last = now;
    }
    w->elapsed_s = (last - begin) / 1e6;
    w->done = (uint64_t)(w->samples * w->repeats * s->words);
    free(scores);
    return NULL;
}

static size_t best(const int32_t *scores, size_t n)
{
    size_t found = 0;
    for (size_t i = 1; i < n; i++)
        if (scores[i] > scores[found])
            found = i;
    return found;
}

/* Share of the clips to which this rival and our dense twin give the same answer. */
static double agreement(const struct settings *s, const struct sparrow_model *model,
                        const struct clips *in, void *instance)
{
    size_t n = model->label_count, same = 0, count = 0;
    void *dense = make(s, &rival_dense, model);
    int32_t *a = weights_memory(s->words * n, sizeof(*a));
    int32_t *b = weights_memory(s->words * n, sizeof(*b));
    for (size_t at = 0; at < in->count; at += s->words) {
        s->how->run(instance, in->rows + at, a);
        rival_dense.run(dense, in->rows + at, b);
        for (size_t w = 0; w < s->words; w++, count++)
            same += best(a + w * n, n) == best(b + w * n, n);
    }
    rival_dense.free(dense);
    free(a);
    free(b);
    return (double)same / (double)count;
}

/* Multiply-adds of the engine that meet a living input, mean over the clips. */
static double alive(const struct sparrow_model *model, const struct clips *in)
{
    struct sparrow_scratch *scratch;
    double macs = 0;
    int32_t *scores = weights_memory(model->label_count, sizeof(*scores));
    float *density = weights_memory(model->layer_count, sizeof(*density));
    if (sparrow_scratch_new(model, &scratch, NULL) != 0)
        errx(1, "sparrow: no memory");
    for (size_t i = 0; i < in->count; i++) {
        sparrow_run(model, scratch, in->rows + i, 1, scores);
        sparrow_scratch_density(scratch, density);
        for (size_t l = 0; l < model->layer_count; l++)
            if (density[l] >= 0)
                macs += (double)density[l] * (double)model->layers[l].macs_stored;
    }
    sparrow_scratch_free(scratch);
    free(scores);
    free(density);
    return macs / (double)in->count;
}

static void report(const struct settings *s, const struct sparrow_model *model,
                   const struct clips *in, const struct worker *workers)
{
    struct twin_counts counts;
    double least = 0, middle = 0, rate = 0, rate_middle = 0, rate_wall = 0;
    for (size_t i = 0; i < s->threads; i++) {
        const struct worker *w = &workers[i];
        measure_sort(w->us, w->samples);
        least = i == 0 || w->us[0] < least ? w->us[0] : least;
        middle = i == 0 || w->us[w->samples / 2] < middle ? w->us[w->samples / 2] : middle;
        rate += 1e6 / w->us[0];
        rate_middle += 1e6 / w->us[w->samples / 2];
        rate_wall += (double)w->done / w->elapsed_s;
    }
    s->how->count(workers[0].instance, &counts);
    bool ours = s->how == &rival_sparrow, own = s->form[0] == 0;
    printf("{\"rival\": \"%s\", \"words\": %zu, \"threads\": %zu, \"us\": %.4f, \"us_median\": "
           "%.4f, \"rate\": %.1f, \"rate_median\": %.1f, \"rate_wall\": %.1f, \"samples\": %zu, "
           "\"macs\": %llu, \"macs_alive\": %.0f, \"weight_bytes\": %llu, \"value_bytes\": %llu, "
           "\"scratch_bytes\": %zu, \"clips\": %zu, \"kernels\": \"%s\", "
           "\"agreement\": %.4f}\n",
           s->rival, s->words, s->threads, least, middle, rate, rate_middle, rate_wall,
           workers[0].samples, (unsigned long long)counts.macs, ours ? alive(model, in) : 0.0,
           (unsigned long long)counts.weights, (unsigned long long)counts.values,
           model->scratch_bytes, in->count, ours ? sparrow_model_cpu(model) : s->kernels->name,
           ours || !own ? -1.0 : agreement(s, model, in, workers[0].instance));
}

static void report_peak(const struct settings *s)
{
    struct peak p;
    peak_measure(s->kernels->name, &p);
    printf("{\"kernels\": \"%s\", \"ghz\": %.3f, \"macs_per_ns\": %.2f, \"l1_per_ns\": %.2f, "
           "\"l2_per_ns\": %.2f, \"ram_per_ns\": %.2f}\n",
           s->kernels->name, p.ghz, p.macs_per_ns, p.l1_per_ns, p.l2_per_ns, p.ram_per_ns);
}

/* Cycles are ns times the clock that a chain of multiplications shows. */
static void report_steps(const struct settings *s, const struct sp_kernels *kernels)
{
    struct peak p;
    struct steps_result results[STEPS_MOST];
    peak_measure(s->kernels->name, &p);
    size_t count = steps_measure(kernels, p.ghz, results);
    for (size_t i = 0; i < count; i++)
        printf("{\"kernels\": \"%s\", \"ghz\": %.3f, \"what\": \"%s\", \"step_cycles\": %.1f, "
               "\"end_cycles\": %.1f}\n",
               kernels->name, p.ghz, results[i].what, results[i].step, results[i].end);
}

static void parse(int argc, char **argv, struct settings *s)
{
    static const struct option options[] = {{"model", required_argument, NULL, 'm'},
                                            {"clips", required_argument, NULL, 'c'},
                                            {"cpu", required_argument, NULL, 'u'},
                                            {"words", required_argument, NULL, 'w'},
                                            {"threads", required_argument, NULL, 't'},
                                            {"seconds", required_argument, NULL, 's'},
                                            {"features", required_argument, NULL, 'f'},
                                            {"once", no_argument, NULL, 'o'},
                                            {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
        switch (c) {
        case 'm':
            s->model = optarg;
            break;
        case 'c':
            s->clips = optarg;
            break;
        case 'u':
            s->cpu = optarg;
            break;
        case 'w':
            s->words = strtoul(optarg, NULL, 10);
            break;
        case 't':
            s->threads = strtoul(optarg, NULL, 10);
            break;
        case 's':
            s->seconds = strtod(optarg, NULL);
            break;
        case 'f':
            s->features = optarg;
            break;
        case 'o':
            s->once = true;
            break;
        default:
            usage();
        }
    if (optind + 1 != argc || s->words < 1 || s->words > 4096 || s->threads < 1 ||
        s->threads > MOST_THREADS || !(s->seconds > 0))
        usage();
    s->rival = argv[optind];
    s->steps = strcmp(s->rival, "steps") == 0;
    if (s->steps || strcmp(s->rival, "peak") == 0)
        return;
    size_t name = strcspn(s->rival, ":");
    snprintf(s->form, sizeof(s->form), "%s", s->rival[name] == 0 ? "" : s->rival + name + 1);
    for (size_t i = 0; i < sizeof(rivals) / sizeof(rivals[0]); i++)
        if (strlen(rivals[i]->name) == name && memcmp(rivals[i]->name, s->rival, name) == 0)
            s->how = rivals[i];
    if (s->how == NULL)
        usage();
}

/* The twins' kernels for a name as the engine has them. */
static const struct sp_rows_kernels *choose(const char *cpu)
{
#ifdef __x86_64__
    if (strcmp(cpu, "avx512") == 0)
        return &sp_rows__avx512;
    if (strncmp(cpu, "avx", 3) == 0)
        return &sp_rows__avx2;
#endif
    return &sp_rows__scalar;
}

int main(int argc, char **argv)
{
    struct settings s = {.model = "models/commands.sparrow",
                         .clips = "tests/data/samples/*.wav",
                         .words = 1,
                         .threads = 1,
                         .seconds = 0.5};
    struct sparrow_model *model;
    struct sparrow_error err;
    struct clips in;
    pthread_barrier_t start;
    parse(argc, argv, &s);
    if (sparrow_model_load(s.model,
                           &(struct sparrow_model_options){
                               .size = sizeof(struct sparrow_model_options), .cpu = s.cpu},
                           &model, &err) != 0)
        errx(1, "%s: %s", s.model, err.text);
    s.kernels = choose(sparrow_model_cpu(model));
    if (s.how == NULL) {
        if (s.steps)
            report_steps(&s, &model->kernels);
        else
            report_peak(&s);
        return 0;
    }
    clips_read(model, s.clips, s.words, &in);
    if (s.features != NULL)
        write_features(&s, model, &in);
    if (s.once) {
        void *instance = make(&s, s.how, model);
        int32_t *scores = weights_memory(s.words * model->label_count, sizeof(*scores));
        s.how->run(instance, in.rows, scores);
        words_once(s.how, instance, in.rows, scores);
        return 0;
    }
    struct worker *workers = weights_memory(s.threads, sizeof(*workers));
    pthread_barrier_init(&start, NULL, (unsigned)s.threads);
    for (size_t i = 0; i < s.threads; i++) {
        workers[i] =
            (struct worker){.s = &s, .model = model, .in = &in, .start = &start, .core = i};
        workers[i].us = weights_memory(MOST_SAMPLES, sizeof(double));
        if (pthread_create(&workers[i].thread, NULL, measure, &workers[i]) != 0)
            errx(1, "%s: no thread", s.rival);
    }
    for (size_t i = 0; i < s.threads; i++)
        pthread_join(workers[i].thread, NULL);
    report(&s, model, &in, workers);
    return 0;
}
