/* against.c - a model's stages compiled from what generate.c writes, against the same stages run
 * from tables: against MODEL CPU CLIPS words|one SECONDS FILE.so...
 * Every score of every clip has to be the engine's. Then each file takes turns with the engine's
 * kernels for SECONDS, sixteen words (or one) at a time, on core 0. Printed are, as JSON, the least
 * time of a word either way, and the median of the ratios of neighbouring turns (above 1: what was
 * compiled is faster). `cold` is a word for which the front end has just computed features, as it
 * does in a daemon: half a second of them, so that its code and tables have passed through the
 * caches.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/engine/clips.h"
#include "bench/engine/measure.h"
#include "bench/engine/weights.h"
#include "engine/model/words.h"
#include "engine/network/batch.h"

#define TURN  16    /* batches of a turn */
#define MOST  65536 /* turns */
#define NOISE 8000  /* samples for the front end in front of a cold word */

typedef void (*stage_fn)(uint8_t *scratch);

/* One way to run the stages: compiled ones, or a kernel from tables. */
struct way {
    const char *name;
    const stage_fn *stages; /* NULL: from tables */
    void (*words_stage)(const struct sp_words_stage *s, uint8_t *scratch);
    void (*lanes_stage)(const struct sp_lanes_stage *s, uint8_t *scratch);
    uint8_t *scratch;
};

struct bench {
    const struct sparrow_model *model;
    struct sparrow_scratch *own; /* of the front end */
    bool one;
    double seconds;
    struct clips clips;
    int16_t noise[NOISE];
    uint8_t *spare; /* the noise's features */
    double ratio[MOST];
};

/* ---- the two ways: what engine/network/batch.c and run.c do ---- */

static void run_words(const struct bench *b, const struct way *w, const uint8_t *const *features,
                      int32_t *scores)
{
    const struct sp_words_program *p = b->model->words;
    uint8_t *bytes = w->scratch + b->model->words_at;
    sp_batch_begin(b->model, features, bytes);
    for (size_t i = 0; i < p->stage_count; i++)
        if (w->stages != NULL)
            w->stages[i](bytes);
        else
            w->words_stage(&p->stages[i], bytes);
    sp_batch_end(b->model, bytes, SP_WORDS, scores);
}

/* Layers behind the stages: they are as many as networks of this kind have. */
static void run_layer(const struct sparrow_model *m, const struct sp_layer *layer, uint8_t *bytes)
{
    const struct sp_value *from = &m->values[layer->inputs[0]];
    uint8_t *in = bytes + m->values[from->root].plain;
    void *out = bytes + m->values[layer - m->layers + 1].plain;
    const struct sp_kernels *k = &m->kernels;
    if (layer->op == SP_OP_MEAN_POOL && layer->path == SP_PATH_LANES)
        k->lanes->mean_pool(&from->form, bytes + from->lanes, out);
    else if (layer->op == SP_OP_REQUANTISE)
        k->requantise(&layer->requantise, (void *)in, from->height * from->width, from->channels,
                      out);
    else if (layer->op == SP_OP_LINEAR && layer->conv.weights.encoding == SP_DENSE)
        k->conv_dense(&layer->conv.shape, layer->conv.weights.dense, layer->conv.bias, in, out);
    else
        errx(1, "%s: this command knows no such layer between stages", layer->name);
}

static void run_one(const struct bench *b, const struct way *w, const uint8_t *features,
                    int32_t *scores)
{
    const struct sparrow_model *m = b->model;
    const struct sp_value *v = &m->values[0];
    const struct sp_lanes_kernels *k = m->kernels.lanes;
    uint8_t *bytes = w->scratch;
    if (v->lanes != SP_NOWHERE)
        k->quads(&v->form, v->channels, features, false, bytes + v->lanes);
    if (v->split != SP_NOWHERE)
        k->quads(&v->form, v->channels, features, true, bytes + v->split);
    for (size_t i = 0; i < m->run_count; i++)
        if (m->runs[i].stage == NULL)
            run_layer(m, m->runs[i].layer, bytes);
        else if (w->stages != NULL)
            w->stages[i](bytes);
        else
            w->lanes_stage(m->runs[i].stage, bytes);
    memcpy(scores, bytes + m->values[m->values[m->layer_count].root].plain,
           m->label_count * sizeof(*scores));
}

static void run(const struct bench *b, const struct way *w, size_t clip, int32_t *scores)
{
    if (b->one)
        run_one(b, w, b->clips.rows[clip], scores);
    else
        run_words(b, w, b->clips.rows + clip, scores);
}

/* ---- what is compared ---- */

static void check(struct bench *b, const struct way *w)
{
    size_t words = b->one ? 1 : SP_WORDS, n = words * b->model->label_count;
    int32_t *right = weights_memory(n, sizeof(*right)), *own = weights_memory(n, sizeof(*own));
    for (size_t clip = 0; clip < b->clips.count; clip += words) {
        sparrow_run(b->model, b->own, b->clips.rows + clip, words, right);
        run(b, w, clip, own);
        if (memcmp(right, own, n * sizeof(*own)) != 0)
            errx(1, "%s: other scores than the engine's", w->name);
    }
    free(right);
    free(own);
}

/* Microseconds a word. */
static double turn(const struct bench *b, const struct way *w, size_t from, bool cold)
{
    static int32_t scores[SP_WORDS * 4096];
    size_t words = b->one ? 1 : SP_WORDS;
    double spent = 0, begin = measure_now_us();
    for (size_t i = 0; i < TURN; i++) {
        if (cold) {
            sparrow_features(b->model, b->own, b->noise, NOISE, b->spare);
            begin = measure_now_us();
        }
        run(b, w, (from + i * words) % b->clips.count, scores);
        if (cold)
            spent += measure_now_us() - begin;
    }
    return (cold ? spent : measure_now_us() - begin) / (double)(TURN * words);
}

static void compare(struct bench *b, const struct way *tables, const struct way *compiled,
                    bool cold)
{
    double least[2] = {1e9, 1e9}, end = measure_now_us() + b->seconds * 1e6;
    size_t n = 0, clip = 0;
    for (; n < MOST && (measure_now_us() < end || n < 8);
         n++, clip = (clip + TURN * SP_WORDS) % b->clips.count) {
        bool first = n % 2 == 0;
        double us[2];
        us[!first] = turn(b, first ? tables : compiled, clip, cold);
        us[first] = turn(b, first ? compiled : tables, clip, cold);
        least[0] = us[0] < least[0] ? us[0] : least[0];
        least[1] = us[1] < least[1] ? us[1] : least[1];
        b->ratio[n] = us[0] / us[1];
    }
    measure_sort(b->ratio, n);
    printf("\"%s\": {\"tables_us\": %.4f, \"compiled_us\": %.4f, \"least_ratio\": %.4f, "
           "\"median_ratio\": %.4f, \"turns\": %zu}",
           cold ? "cold" : "warm", least[0], least[1], least[0] / least[1], b->ratio[n / 2], n);
}

static struct way tables_of(const struct bench *b)
{
    return (struct way){
        .name = "tables",
        .words_stage = b->model->words->kernels->stage,
        .lanes_stage = b->model->kernels.lanes->stage,
        .scratch = weights_memory(1, b->model->scratch_bytes),
    };
}

static struct way load(const struct bench *b, const char *path)
{
    struct way w = tables_of(b);
    w.name = path;
    void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (so == NULL)
        errx(1, "%s: %s", path, dlerror());
    const size_t *count = dlsym(so, "compiled_count");
    const char *digest = dlsym(so, "compiled_digest");
    const void *kernel = dlsym(so, "compiled_stage");
    w.stages = dlsym(so, "compiled");
    if (count == NULL || digest == NULL || (w.stages == NULL) == (kernel == NULL) ||
        strcmp(digest, b->model->digest) != 0 ||
        *count != (b->one ? b->model->run_count : b->model->words->stage_count))
        errx(1, "%s: made for another model", path);
    if (kernel != NULL && b->one)
        memcpy(&w.lanes_stage, kernel, sizeof(w.lanes_stage));
    else if (kernel != NULL)
        memcpy(&w.words_stage, kernel, sizeof(w.words_stage));
    return w;
}

int main(int argc, char **argv)
{
    struct sparrow_model *model;
    struct sparrow_error err;
    if (argc < 7) {
        fputs("usage: against MODEL CPU CLIPS words|one SECONDS FILE.so...\n", stderr);
        return 2;
    }
    struct sparrow_model_options options = {.size = sizeof(options), .cpu = argv[2]};
    if (sparrow_model_load(argv[1], &options, &model, &err) != 0)
        errx(1, "%s: %s", argv[1], err.text);
    static struct bench b;
    b.model = model;
    b.one = strcmp(argv[4], "one") == 0;
    b.seconds = strtod(argv[5], NULL);
    if (model->words == NULL || model->kernels.lanes == NULL || model->label_count > 4096 ||
        sparrow_scratch_new(model, &b.own, NULL) != 0)
        errx(1, "%s: these kernels do not run it", argv[1]);
    clips_read(model, argv[3], SP_WORDS, &b.clips);
    b.spare = weights_memory(sparrow_features_frames(model, NOISE), model->bands);
    for (size_t i = 0; i < NOISE; i++)
        b.noise[i] = (int16_t)(i * 7919 % 20011);
    measure_pin(0);
    struct way tables = tables_of(&b);
    check(&b, &tables);
    for (int i = 6; i < argc; i++) {
        struct way compiled = load(&b, argv[i]);
        check(&b, &compiled);
        printf("{\"file\": \"%s\", ", argv[i]);
        compare(&b, &tables, &compiled, false);
        if (b.one) {
            printf(", ");
            compare(&b, &tables, &compiled, true);
        }
        puts("}");
        fflush(stdout);
        free(compiled.scratch);
    }
    return 0;
}
