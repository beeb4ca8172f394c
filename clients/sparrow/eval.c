/* eval.c - `sparrow eval`: how often a model is right, on clips whose word is known, and how sparse
 * it is while it runs.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/sparrow/clock.h"
#include "clients/sparrow/commands.h"
#include "clients/sparrow/http.h"
#include "clients/sparrow/json.h"
#include "clients/sparrow/model.h"
#include "clients/sparrow/progress.h"
#include "clients/sparrow/say.h"
#include "clients/sparrow/source.h"
#include "clients/sparrow/table.h"
#include "clients/sparrow/tally.h"
#include "clients/sparrow/wav.h"

#define SERVER_WORD_SAMPLES 16000

struct eval_settings {
    const char *model, *cpu, *server, *ca, *data, *scores;
    bool json, strict;
    double timeout_s;
};

#define AT(FIELD) offsetof(struct eval_settings, FIELD)

static const struct options_option eval_options[] = {
    COMMANDS_MODEL(struct eval_settings),
    COMMANDS_CPU(struct eval_settings),
    COMMANDS_SERVER(struct eval_settings),
    {.name = "ca",
     .kind = OPTIONS_TEXT,
     .offset = AT(ca),
     .value = "FILE",
     .help = "with an https server: trust the certificates in this file",
     .complete = OPTIONS_FILE},
    {.name = "timeout",
     .kind = OPTIONS_REAL,
     .offset = AT(timeout_s),
     .value = "S",
     .fallback = "30",
     .min = 0.001,
     .max = 3600,
     .help = "give a server so many seconds for each clip"},
    {.name = "data",
     .letter = 'd',
     .kind = OPTIONS_TEXT,
     .offset = AT(data),
     .value = "DIR",
     .fallback = "../shared/data",
     .help = "the folder in which a manifest's archives are",
     .complete = OPTIONS_FOLDER},
    {.name = "known-only",
     .kind = OPTIONS_FLAG,
     .offset = AT(strict),
     .help =
         "pass over words that the model has no label for, instead of counting them as unknown"},
    {.name = "scores",
     .kind = OPTIONS_TEXT,
     .offset = AT(scores),
     .value = "FILE",
     .help = "write the integer scores of each clip there, with tabs between",
     .complete = OPTIONS_FILE},
    COMMANDS_JSON(struct eval_settings),
};

/* One evaluation. Either `model` (with what belongs to it) or `http` is there. */
struct eval {
    const struct eval_settings *settings;
    struct source *source;
    struct tally *tally;
    size_t skipped; /* words without a label, with --known-only */
    size_t done;
    uint64_t features_ns, network_ns, total_ns;

    struct model model;
    uint8_t *features;
    int32_t *label_scores;
    float *density;      /* of one word */
    double *density_sum; /* of all words, for each layer; below 0 where a layer has no u8 input */
    FILE *scores;

    struct http *http;
    struct wav wav;
    char path[600];
};

/* ---- opening and closing ---- */

static int open_local(struct eval *e)
{
    if (!model_open(e->settings->model, e->settings->cpu, &e->model))
        return SAY_MODEL;
    const struct sparrow_model *engine = e->model.engine;
    size_t layers = sparrow_model_layer_count(engine);
    e->features = malloc(e->model.word_bytes);
    e->label_scores = calloc(e->model.labels, sizeof(*e->label_scores));
    e->density = calloc(layers, sizeof(*e->density));
    e->density_sum = calloc(layers, sizeof(*e->density_sum));
    e->tally = tally_new(e->model.labels);
    bool ok = e->features && e->label_scores && e->density && e->density_sum && e->tally;
    for (size_t i = 0; ok && i < e->model.labels; i++)
        ok = tally_name(e->tally, i, sparrow_model_label(engine, i),
                        sparrow_model_label_kind(engine, i));
    if (!ok)
        say_error("no memory");
    return ok ? SAY_FINE : SAY_FAILED;
}

static enum sparrow_label_kind kind_of(const char *kind)
{
    return kind && strcmp(kind, "silence") == 0   ? SPARROW_SILENCE
           : kind && strcmp(kind, "unknown") == 0 ? SPARROW_UNKNOWN_WORD
                                                  : SPARROW_KEYWORD;
}

/* The labels as GET /v1/models/{name} tells them: [{"name", "kind"}, ...]. */
static bool take_labels(struct eval *e, const json_t *labels)
{
    size_t i;
    const json_t *label;
    e->tally = json_array_size(labels) ? tally_new(json_array_size(labels)) : NULL;
    if (!e->tally) {
        say_error("%s: the server tells no labels of the model", e->settings->model);
        return false;
    }
    json_array_foreach(labels, i, label)
    {
        const char *name = json_text(label, "name");
        if (!name || !tally_name(e->tally, i, name, kind_of(json_text(label, "kind")))) {
            say_error("%s: the server tells no name of label %zu", e->settings->model, i);
            return false;
        }
    }
    return true;
}

static int open_remote(struct eval *e)
{
    const struct eval_settings *s = e->settings;
    char path[300];
    json_t *info = NULL;
    if (s->scores) {
        say_error("--scores does not go with --server: a server does not tell integer scores");
        return SAY_USAGE;
    }
    e->http = http_new(s->server, s->ca, s->timeout_s);
    if (!e->http)
        return SAY_USAGE;
    snprintf(e->path, sizeof(e->path), "/v1/recognize?top=1");
    int n = snprintf(path, sizeof(path), "/v1/models/%s", s->model);
    if (n < 0 || (size_t)n >= sizeof(path) || strpbrk(s->model, "/?#% ") ||
        !http_query(e->http, e->path, sizeof(e->path), "model", s->model)) {
        say_error("\"%s\" is no name of a model", s->model);
        return SAY_USAGE;
    }
    enum http_outcome outcome = http_get(e->http, path, s->model, &info);
    if (outcome != HTTP_FINE)
        return outcome == HTTP_REFUSED ? SAY_MODEL : SAY_SERVER;
    bool ok = take_labels(e, json_object_get(info, "labels"));
    json_decref(info);
    return ok ? SAY_FINE : SAY_SERVER;
}

static int open_eval(struct eval *e, const char *path)
{
    int code = e->settings->server ? open_remote(e) : open_local(e);
    if (code != SAY_FINE)
        return code;
    e->source =
        source_open(path, e->settings->data, e->http ? SERVER_WORD_SAMPLES : e->model.word_samples);
    if (!e->source)
        return SAY_FAILED;
    if (e->settings->scores) {
        e->scores = fopen(e->settings->scores, "we");
        if (!e->scores) {
            say_error("%s: %s", e->settings->scores, strerror(errno));
            return SAY_FAILED;
        }
        fputs("clip\tlabel\tname", e->scores);
        for (size_t i = 0; i < e->model.labels; i++)
            fprintf(e->scores, "\t%s", sparrow_model_label(e->model.engine, i));
        fputc('\n', e->scores);
    }
    return SAY_FINE;
}

static int close_eval(struct eval *e, int code)
{
    if (e->scores && (ferror(e->scores) | fclose(e->scores))) {
        say_error("%s: could not be written", e->settings->scores);
        code = SAY_FAILED;
    }
    source_close(e->source);
    tally_free(e->tally);
    if (e->model.engine)
        model_close(&e->model);
    http_free(e->http);
    wav_done(&e->wav);
    free(e->features);
    free(e->label_scores);
    free(e->density);
    free(e->density_sum);
    return code;
}

/* ---- one clip ---- */

static size_t hear_local(struct eval *e, size_t index, const struct source_clip *clip)
{
    const struct model *model = &e->model;
    const uint8_t *rows[1] = {e->features};
    uint64_t begin = clock_now_ns();
    sparrow_features(model->engine, model->scratch, clip->samples, model->word_samples,
                     e->features);
    uint64_t middle = clock_now_ns();
    sparrow_run(model->engine, model->scratch, rows, 1, e->label_scores);
    uint64_t end = clock_now_ns();
    e->features_ns += middle - begin;
    e->network_ns += end - middle;
    sparrow_scratch_density(model->scratch, e->density);
    for (size_t i = 0; i < sparrow_model_layer_count(model->engine); i++)
        e->density_sum[i] += (double)e->density[i];
    if (e->scores) {
        fprintf(e->scores, "%zu\t%s\t%s", index, clip->label, clip->name);
        for (size_t i = 0; i < model->labels; i++)
            fprintf(e->scores, "\t%" PRId32, e->label_scores[i]);
        fputc('\n', e->scores);
    }
    return model_best(model, e->label_scores);
}

/* The label heard, or tally_labels() after a message. *ret_code is SAY_SERVER if no server answers.
 */
static size_t hear_remote(struct eval *e, const struct source_clip *clip, int *ret_code)
{
    json_t *reply = NULL;
    size_t none = tally_labels(e->tally);
    if (!wav_make(&e->wav, clip->samples, SERVER_WORD_SAMPLES)) {
        say_error("no memory");
        return none;
    }
    enum http_outcome outcome =
        http_post(e->http, e->path, "audio/wav", e->wav.data, e->wav.count, clip->name, &reply);
    if (outcome != HTTP_FINE) {
        *ret_code = outcome == HTTP_REFUSED ? SAY_FAILED : SAY_SERVER;
        return none;
    }
    const json_t *result = json_array_get(json_object_get(reply, "results"), 0);
    const char *word =
        json_text(json_array_get(json_object_get(result, "alternatives"), 0), "transcript");
    size_t heard = word ? tally_find(e->tally, word, true) : none;
    if (heard == none)
        say_error("%s: the server heard \"%s\", which is no label of the model", clip->name,
                  word ? word : "");
    json_decref(reply);
    return heard;
}

static int hear_all(struct eval *e)
{
    struct progress progress;
    size_t none = tally_labels(e->tally), count = source_count(e->source);
    int code = SAY_FINE;
    uint64_t begin = clock_now_ns();
    progress_begin(&progress);
    for (size_t i = 0; i < count && code != SAY_SERVER; i++) {
        struct source_clip clip;
        size_t said = tally_find(e->tally, source_label(e->source, i), e->settings->strict);
        progress_show(&progress, i, count);
        if (said == none) {
            e->skipped++;
            continue;
        }
        if (!source_read(e->source, i, &clip)) {
            code = SAY_FAILED;
            continue;
        }
        int one = SAY_FAILED;
        size_t heard = e->http ? hear_remote(e, &clip, &one) : hear_local(e, i, &clip);
        if (heard == none) {
            code = one;
        } else {
            tally_add(e->tally, said, heard);
            e->done++;
        }
    }
    progress_end(&progress);
    e->total_ns = clock_now_ns() - begin;
    return code;
}

/* ---- the result ---- */

/* Mean share of a layer's inputs that are alive; NAN where that means nothing. */
static double alive(const struct eval *e, size_t layer)
{
    return e->done && e->density_sum[layer] >= 0 ? e->density_sum[layer] / (double)e->done
                                                 : (double)NAN;
}

static void print_density(const struct eval *e)
{
    struct table *table = table_new("lrrl");
    table_cell(table, "LAYER");
    table_cell(table, "WEIGHTS STORED");
    table_cell(table, "INPUTS ALIVE");
    table_cell(table, "KERNEL");
    for (size_t i = 0; i < sparrow_model_layer_count(e->model.engine); i++) {
        struct sparrow_layer_info layer = {.size = sizeof(layer)};
        if (sparrow_model_layer(e->model.engine, i, &layer) < 0 || layer.weights == 0)
            continue;
        table_cell(table, "%s", layer.name);
        table_cell(table, "%.2f %%", 100.0 * (double)layer.stored / (double)layer.weights);
        if (isnan(alive(e, i)))
            table_cell(table, "-");
        else
            table_cell(table, "%.2f %%", 100 * alive(e, i));
        table_cell(table, "%s", layer.kernel ? layer.kernel : "");
    }
    table_print(table, 0, say_colour(), stdout);
    table_free(table);
}

static void print_speed(const struct eval *e)
{
    double n = (double)e->done, total_us = (double)e->total_ns / 1e3;
    char text[32];
    if (e->http) {
        printf("speed      %s clips/s over one connection, decoding here and sending included "
               "(measured)\n",
               table_thousands((unsigned long long)(n / total_us * 1e6), text, sizeof(text)));
        return;
    }
    double features_us = (double)e->features_ns / 1e3, network_us = (double)e->network_ns / 1e3;
    /* Decoding drives the weights out of the caches: that is how a word feels that comes alone. */
    printf("speed      %s words/s on one core: features %.1f us, network %.1f us a word, with %s "
           "kernels (measured)\n"
           "           each word right after its clip was decoded; `sparrow bench` measures the "
           "engine alone\n",
           table_thousands((unsigned long long)(n / (features_us + network_us) * 1e6), text,
                           sizeof(text)),
           features_us / n, network_us / n, sparrow_model_cpu(e->model.engine));
}

static void print_result(const struct eval *e, const char *path)
{
    if (e->http)
        printf("model      %s, on %s\n", e->settings->model, e->settings->server);
    else
        printf("model      %s %s, %.12s\n", sparrow_model_name(e->model.engine),
               sparrow_model_version(e->model.engine), sparrow_model_digest(e->model.engine));
    printf("clips      %s", path);
    if (e->skipped)
        printf(" (%zu passed over: words without a label)", e->skipped);
    putchar('\n');
    print_speed(e);
    putchar('\n');
    tally_print_groups(e->tally, say_colour(), stdout);
    putchar('\n');
    tally_print_confusion(e->tally, say_colour(), stdout);
    if (!e->http) {
        putchar('\n');
        print_density(e);
    }
}

static json_t *json_density(const struct eval *e)
{
    json_t *layers = json_array();
    for (size_t i = 0; i < sparrow_model_layer_count(e->model.engine); i++) {
        struct sparrow_layer_info layer = {.size = sizeof(layer)};
        if (sparrow_model_layer(e->model.engine, i, &layer) < 0)
            continue;
        double stored = layer.weights ? (double)layer.stored / (double)layer.weights : (double)NAN;
        json_array_append_new(
            layers, json_pack("{s:s, s:o, s:o, s:s?}", "name", layer.name, "weight_density",
                              json_real_or_null(stored), "activation_density",
                              json_real_or_null(alive(e, i)), "kernel", layer.kernel));
    }
    return layers;
}

static json_t *json_result(const struct eval *e, const char *path)
{
    double n = (double)e->done;
    json_t *root =
        json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:f}", "model",
                  e->http ? e->settings->model : sparrow_model_name(e->model.engine), "clips", path,
                  "count", (json_int_t)e->done, "skipped", (json_int_t)e->skipped, "groups",
                  tally_json_groups(e->tally), "confusion", tally_json_confusion(e->tally),
                  "seconds", (double)e->total_ns / 1e9);
    if (root && !e->http) {
        json_object_set_new(root, "version", json_string(sparrow_model_version(e->model.engine)));
        json_object_set_new(root, "digest", json_string(sparrow_model_digest(e->model.engine)));
        json_object_set_new(root, "cpu", json_string(sparrow_model_cpu(e->model.engine)));
        json_object_set_new(root, "features_us",
                            json_real_or_null((double)e->features_ns / 1e3 / n));
        json_object_set_new(root, "network_us", json_real_or_null((double)e->network_ns / 1e3 / n));
        json_object_set_new(root, "layers", json_density(e));
    }
    return root;
}

static int run(const void *arg, const struct options_list *operands)
{
    struct eval e = {.settings = arg};
    const char *path = operands->items[0];
    int code = open_eval(&e, path);
    if (code == SAY_FINE)
        code = hear_all(&e);
    if (e.done && e.settings->json) {
        json_t *root = json_result(&e, path);
        if (!json_print(root, JSON_INDENT(2), stdout))
            code = SAY_FAILED;
        json_decref(root);
    } else if (e.done) {
        print_result(&e, path);
    } else if (code == SAY_FINE) {
        say_error("%s: no clip has a word that the model knows", path);
        code = SAY_FAILED;
    }
    return close_eval(&e, code);
}

const struct options_command eval_command = {
    .name = "eval",
    .operands = "SOURCE",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "measure accuracy and sparsity on labelled clips",
    .details = "Runs a model over clips whose word is known, and tells how often it is right, "
               "with the 95 % interval (Wilson's); what was taken for what; how many weights "
               "each layer stores and how many of its inputs are alive; and how fast it went.\n\n"
               "SOURCE is a folder with WORD/FILE.wav (or any other kind of audio), a tar "
               "archive of the same, or a manifest such as models/eval.tsv: lines of label, "
               "archive, member, start, samples and gain with tabs between. Clips shorter than a "
               "word are filled up with silence. A word that the model has no label for counts "
               "as unknown.\n\n"
               "  sparrow eval models/eval.tsv\n"
               "  sparrow eval --model my.sparrow --json recordings/",
    .options = eval_options,
    .option_count = sizeof(eval_options) / sizeof(eval_options[0]),
    .settings_size = sizeof(struct eval_settings),
    .run = run,
};
