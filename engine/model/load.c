/* load.c - a model file becomes a model: envelope, message, checks, in this order. Nothing that the
 * file says is believed before it has been compared with a limit.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/model/loader.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/error.h"
#include "engine/model/budget.h"
#include "engine/model/envelope.h"
#include "engine/model/limits.h"
#include "engine/model/text.h"

int sp_loader_fail(struct sp_loader *l, enum sparrow_status status, const char *format, ...)
{
    char text[sizeof(l->err->text)];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (l->layer == SP_OUTSIDE_LAYERS)
        return sp_error_set(l->err, status, "%s", text);
    const char *name = l->file->layers[l->layer]->name;
    if (!sp_text_is_printable(name, SP_LIMIT_NAME, false))
        name = "?";
    return sp_error_set(l->err, status, "layer %zu (%s): %s", l->layer + 1, name, text);
}

void *sp_loader_alloc(struct sp_loader *l, size_t count, size_t size)
{
    void *memory = sp_region_alloc(&l->model->region, count, size);
    if (memory == NULL)
        sp_loader_fail(l, SPARROW_NO_MEMORY, "no memory for %zu x %zu bytes", count, size);
    return memory;
}

int sp_loader_add_work(struct sp_loader *l, uint64_t work)
{
    if (work > SP_LIMIT_WORK || l->work > SP_LIMIT_WORK - work)
        return sp_loader_fail(l, SPARROW_BAD_MODEL,
                              "more than %llu operations a word are not allowed",
                              (unsigned long long)SP_LIMIT_WORK);
    l->work += work;
    return SPARROW_OK;
}

/* Copies a text of the file into *ret_text. */
static int load_text(struct sp_loader *l, const char *what, const char *text, size_t limit,
                     bool lines, const char **ret_text)
{
    if (!sp_text_is_printable(text, limit, lines))
        return sp_loader_fail(l, SPARROW_BAD_MODEL,
                              "%s is longer than %zu bytes or not printable UTF-8", what, limit);
    char *copy = sp_region_text(&l->model->region, text, strlen(text));
    if (copy == NULL)
        return sp_loader_fail(l, SPARROW_NO_MEMORY, "no memory for the %s", what);
    *ret_text = copy;
    return SPARROW_OK;
}

static int load_names(struct sp_loader *l)
{
    if (!sp_text_is_name(l->file->name, SP_LIMIT_NAME))
        return sp_loader_fail(l, SPARROW_BAD_MODEL,
                              "the model's name is not 1 to %d of a-z, 0-9, _ and -",
                              SP_LIMIT_NAME);
    if (l->file->version[0] == 0)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "the model has no version");
    int status = load_text(l, "name", l->file->name, SP_LIMIT_NAME, false, &l->model->name);
    if (status < 0)
        return status;
    return load_text(l, "version", l->file->version, SP_LIMIT_NAME, false, &l->model->version);
}

static int load_labels(struct sp_loader *l)
{
    size_t n = l->file->n_labels;
    if (n < 1 || n > SP_LIMIT_LABELS)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "%zu labels, 1 to %d are possible", n,
                              SP_LIMIT_LABELS);
    if (l->file->n_label_kinds != n)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "%zu labels, but %zu label kinds", n,
                              l->file->n_label_kinds);
    l->model->labels = sp_loader_alloc(l, n, sizeof(*l->model->labels));
    if (l->model->labels == NULL)
        return SPARROW_NO_MEMORY;
    l->model->label_count = n;
    for (size_t i = 0; i < n; i++) {
        int kind = (int)l->file->label_kinds[i];
        if (kind < SPARROW_KEYWORD || kind > SPARROW_UNKNOWN_WORD)
            return sp_loader_fail(l, SPARROW_UNKNOWN_VERSION, "label %zu has the unknown kind %d",
                                  i + 1, kind);
        l->model->labels[i].kind = (enum sparrow_label_kind)kind;
        if (l->file->labels[i][0] == 0)
            return sp_loader_fail(l, SPARROW_BAD_MODEL, "label %zu is empty", i + 1);
        int status = load_text(l, "label", l->file->labels[i], SP_LIMIT_NAME, false,
                               &l->model->labels[i].text);
        if (status < 0)
            return status;
        for (size_t j = 0; j < i; j++)
            if (strcmp(l->file->labels[i], l->file->labels[j]) == 0)
                return sp_loader_fail(l, SPARROW_BAD_MODEL, "labels %zu and %zu are the same",
                                      j + 1, i + 1);
    }
    return SPARROW_OK;
}

static int load_figures(struct sp_loader *l, const Sparrow__Model__V1__Card *card)
{
    if (card->n_figures > SP_LIMIT_FIGURES)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "the card has more than %d figures",
                              SP_LIMIT_FIGURES);
    l->model->figures = sp_loader_alloc(l, card->n_figures, sizeof(*l->model->figures));
    if (l->model->figures == NULL)
        return SPARROW_NO_MEMORY;
    l->model->figure_count = card->n_figures;
    for (size_t i = 0; i < card->n_figures; i++) {
        const Sparrow__Model__V1__Figure *from = card->figures[i];
        struct sparrow_figure *to = &l->model->figures[i];
        int status = load_text(l, "figure's name", from->name, SP_LIMIT_TEXT, false, &to->name);
        if (status == 0)
            status = load_text(l, "figure's unit", from->unit, SP_LIMIT_TEXT, false, &to->unit);
        if (status == 0)
            status = load_text(l, "figure's note", from->note, SP_LIMIT_TEXT, true, &to->note);
        if (status < 0)
            return status;
        if (!isfinite(from->value))
            return sp_loader_fail(l, SPARROW_BAD_MODEL, "figure %zu of the card is not a number",
                                  i + 1);
        to->value = from->value;
        to->size = sizeof(*to);
    }
    return SPARROW_OK;
}

static int load_card(struct sp_loader *l)
{
    const Sparrow__Model__V1__Card *card = l->file->card;
    l->model->description = l->model->licence = "";
    if (card == NULL)
        return SPARROW_OK;
    int status =
        load_text(l, "description", card->description, SP_LIMIT_TEXT, true, &l->model->description);
    if (status == 0)
        status = load_text(l, "licence", card->licence, SP_LIMIT_TEXT, true, &l->model->licence);
    if (status == 0)
        status = load_figures(l, card);
    return status;
}

/* The features are a value too: height 1, width frames, channels bands. */
static void features_value(struct sp_value *v, const struct sp_front_end_params *from)
{
    *v = (struct sp_value){
        .height = 1,
        .width = from->frames,
        .channels = from->bands,
        .elements = (size_t)from->frames * from->bands,
        .active = true,
        .max = from->max_value,
        .hi = from->max_value,
        .plain = SP_NOWHERE,
        .lanes = SP_NOWHERE,
        .split = SP_NOWHERE,
    };
}

int sp_loader_front_end(struct sp_loader *l, const struct sp_front_end_params *params)
{
    struct sparrow_model *m = l->model;
    int status = sp_front_end_new(params, &m->front_end, l->err);
    if (status < 0)
        return status;
    size_t n = params->bands + 2u, layers = l->file != NULL ? l->file->n_layers : 0;
    float *edges = sp_loader_alloc(l, n, sizeof(*edges));
    if (edges == NULL)
        return SPARROW_NO_MEMORY;
    memcpy(edges, params->band_edges_hz, n * sizeof(*edges));
    m->front_end_params = *params;
    m->front_end_params.band_edges_hz = edges;
    m->frames = params->frames;
    m->bands = params->bands;
    m->hop = params->hop;
    if (m->frames * m->bands > SP_LIMIT_ELEMENTS)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "front_end: more than %zu features a word",
                              SP_LIMIT_ELEMENTS);
    if (layers > SP_LIMIT_LAYERS)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "%zu layers, 1 to %d are possible", layers,
                              SP_LIMIT_LAYERS);
    m->layers = sp_loader_alloc(l, layers, sizeof(*m->layers));
    m->values = sp_loader_alloc(l, layers + 1, sizeof(*m->values));
    if (m->layers == NULL || m->values == NULL)
        return SPARROW_NO_MEMORY;
    m->layer_count = layers;
    features_value(&m->values[0], params);
    return SPARROW_OK;
}

static int load_front_end(struct sp_loader *l)
{
    const Sparrow__Model__V1__FrontEnd *from = l->file->front_end;
    if (from == NULL)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "the model has no front end");
    if (from->rate_hz != SP_FRONT_END_RATE_HZ)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "front_end: rate %u Hz, only %d is possible",
                              from->rate_hz, SP_FRONT_END_RATE_HZ);
    if (from->n_band_edges_hz != (uint64_t)from->bands + 2)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "front_end: %zu band edges for %u bands",
                              from->n_band_edges_hz, from->bands);
    struct sp_front_end_params params = {
        .window = from->window,
        .hop = from->hop,
        .frames = from->frames,
        .bands = from->bands,
        .band_edges_hz = from->band_edges_hz,
        .log_scale = from->log_scale,
        .log_offset = from->log_offset,
        .max_value = from->max_value,
    };
    return sp_loader_front_end(l, &params);
}

static int check_scores(struct sp_loader *l)
{
    const struct sp_value *v = &l->model->values[l->model->layer_count];
    l->layer = l->model->layer_count - 1;
    if (v->active || v->elements != l->model->label_count || v->channels != v->elements)
        return sp_loader_fail(l, SPARROW_BAD_MODEL,
                              "the last layer gives %s of %zu x %zu x %zu; %zu labels need sums of "
                              "1 x 1 x %zu",
                              v->active ? "active values" : "sums", v->height, v->width,
                              v->channels, l->model->label_count, l->model->label_count);
    l->layer = SP_OUTSIDE_LAYERS;
    return SPARROW_OK;
}

static int load_layers(struct sp_loader *l)
{
    if (l->model->layer_count < 1)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "the model has no layers");
    for (l->layer = 0; l->layer < l->model->layer_count; l->layer++) {
        int status = sp_layers_load(l);
        if (status < 0)
            return status;
    }
    return check_scores(l);
}

static int load_message(struct sp_loader *l)
{
    static int (*const parts[])(struct sp_loader *) = {load_names,     load_labels, load_card,
                                                       load_front_end, load_layers, sp_plan_make};
    l->layer = SP_OUTSIDE_LAYERS;
    if (!isfinite(l->file->score_scale) || l->file->score_scale <= 0 || l->file->score_scale > 1e6)
        return sp_loader_fail(l, SPARROW_BAD_MODEL, "score_scale is not between 0 and a million");
    l->model->score_scale = l->file->score_scale;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        int status = parts[i](l);
        if (status < 0)
            return status;
    }
    return SPARROW_OK;
}

int sp_loader_choose_cpu(const struct sparrow_model_options *opt, struct sp_kernels *ret_kernels,
                         struct sparrow_error *err)
{
    if (opt != NULL && opt->size < sizeof(*opt))
        return sp_error_set(err, SPARROW_BAD_ARGUMENT, "sparrow_model_options.size is not set");
    const char *names = opt != NULL ? opt->cpu : NULL;
    if (names == NULL)
        names = getenv("SPARROW_CPU");
    if (names == NULL || names[0] == 0)
        names = "native";
    if (!sp_kernels_select(names, ret_kernels))
        return sp_error_set(err, SPARROW_BAD_ARGUMENT,
                            "cpu \"%.60s\": not known, or not available on this machine", names);
    return SPARROW_OK;
}

static int unpack(const struct sp_envelope *envelope, struct sp_budget *budget,
                  Sparrow__Model__V1__Model **ret_file, struct sparrow_error *err)
{
    size_t limit = SP_LIMIT_UNPACK_BYTES;
    if (envelope->bytes < limit / 16)
        limit = 65536 + 16 * envelope->bytes;
    sp_budget_init(budget, limit);
    *ret_file =
        sparrow__model__v1__model__unpack(&budget->allocator, envelope->bytes, envelope->payload);
    if (*ret_file != NULL)
        return SPARROW_OK;
    if (budget->denied)
        return sp_error_set(err, SPARROW_BAD_MODEL,
                            "model message needs more than %zu bytes of memory to unpack", limit);
    return sp_error_set(err, SPARROW_BAD_MODEL, "model message is malformed (or memory is short)");
}

int sparrow_model_parse(const void *bytes, size_t n, const struct sparrow_model_options *opt,
                        struct sparrow_model **ret_model, struct sparrow_error *err)
{
    struct sparrow_error own;
    if (err == NULL)
        err = &own;
    struct sp_kernels kernels;
    int status = sp_loader_choose_cpu(opt, &kernels, err);
    if (status < 0)
        return status;
    struct sp_envelope envelope;
    status = sp_envelope_open(bytes, n, &envelope, err);
    if (status < 0)
        return status;
    struct sp_budget budget;
    Sparrow__Model__V1__Model *file = NULL;
    status = unpack(&envelope, &budget, &file, err);
    if (status < 0)
        return status;

    struct sparrow_model *model = calloc(1, sizeof(*model));
    if (model == NULL) {
        status = sp_error_set(err, SPARROW_NO_MEMORY, "no memory for a model");
        goto done;
    }
    model->kernels = kernels;
    memcpy(model->digest, envelope.digest, sizeof(model->digest));
    struct sp_loader loader = {.model = model, .file = file, .err = err};
    status = load_message(&loader);
    if (status < 0)
        sparrow_model_free(model);
    else
        *ret_model = model;

done:
    sparrow__model__v1__model__free_unpacked(file, &budget.allocator);
    return status;
}

int sparrow_model_load(const char *path, const struct sparrow_model_options *opt,
                       struct sparrow_model **ret_model, struct sparrow_error *err)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    int status = sp_envelope_read(path, &bytes, &n, err);
    if (status < 0)
        return status;
    status = sparrow_model_parse(bytes, n, opt, ret_model, err);
    free(bytes);
    return status;
}

void sparrow_model_free(struct sparrow_model *model)
{
    if (model == NULL)
        return;
    sp_front_end_free(model->front_end);
    sp_region_done(&model->region);
    free(model);
}
