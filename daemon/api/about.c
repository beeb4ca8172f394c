/* about.c - GET /v1/models and /v1/models/{name}: what is loaded, and what its card says of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <string.h>

#include "daemon/api/put.h"
#include "daemon/api/routes.h"

static const char *about_kind(enum sparrow_label_kind kind)
{
    return kind == SPARROW_KEYWORD ? "keyword" : kind == SPARROW_SILENCE ? "silence" : "unknown";
}

static void about_labels(struct text *t, const struct sparrow_model *model)
{
    text_puts(t, ",\"labels\":[");
    for (size_t i = 0; i < sparrow_model_label_count(model); i++) {
        text_puts(t, i ? ",{\"name\":" : "{\"name\":");
        put_string(t, sparrow_model_label(model, i));
        text_puts(t, ",\"kind\":");
        put_string(t, about_kind(sparrow_model_label_kind(model, i)));
        text_puts(t, "}");
    }
    text_puts(t, "]");
}

/* What both routes say: {"name": ... without the closing brace. */
static void about_short(struct text *t, const struct sparrow_model *model, bool is_default)
{
    text_puts(t, "{\"name\":");
    put_string(t, sparrow_model_name(model));
    text_puts(t, ",\"version\":");
    put_string(t, sparrow_model_version(model));
    text_puts(t, ",\"default\":");
    put_bool(t, is_default);
    text_puts(t, ",\"digest\":\"sha256:");
    text_puts(t, sparrow_model_digest(model));
    text_puts(t, "\",\"description\":");
    put_string(t, sparrow_model_description(model));
    text_puts(t, ",\"rate\":16000");
    about_labels(t, model);
}

static void about_count(struct text *t, const char *name, uint64_t value)
{
    text_puts(t, name);
    put_uint(t, value);
}

static void about_layer(struct text *t, const struct sparrow_layer_info *l)
{
    text_puts(t, "{\"name\":");
    put_string(t, l->name);
    text_puts(t, ",\"op\":");
    put_string(t, l->op);
    about_count(t, ",\"shape\":[", l->height);
    about_count(t, ",", l->width);
    about_count(t, ",", l->channels);
    about_count(t, "],\"weights_dense\":", l->weights);
    about_count(t, ",\"weights_stored\":", l->stored);
    about_count(t, ",\"macs_dense\":", l->macs_dense);
    about_count(t, ",\"macs_stored\":", l->macs_stored);
    text_puts(t, ",\"kernel\":");
    put_string(t, l->kernel);
    text_puts(t, "}");
}

static void about_layers(struct text *t, const struct sparrow_model *model)
{
    uint64_t weights = 0, stored = 0, dense = 0, macs = 0;
    text_puts(t, ",\"layers\":[");
    for (size_t i = 0; i < sparrow_model_layer_count(model); i++) {
        struct sparrow_layer_info l = {.size = sizeof l};
        if (sparrow_model_layer(model, i, &l))
            continue;
        text_puts(t, i ? "," : "");
        about_layer(t, &l);
        weights += l.weights;
        stored += l.stored;
        dense += l.macs_dense;
        macs += l.macs_stored;
    }
    about_count(t, "],\"weights_dense\":", weights);
    about_count(t, ",\"weights_stored\":", stored);
    about_count(t, ",\"macs_dense\":", dense);
    about_count(t, ",\"macs_stored\":", macs);
    text_puts(t, ",\"weight_sparsity\":");
    put_fixed(t, weights ? 1 - (double)stored / (double)weights : 0, 4);
}

static void about_figures(struct text *t, const struct sparrow_model *model)
{
    text_puts(t, ",\"figures\":[");
    for (size_t i = 0; i < sparrow_model_figure_count(model); i++) {
        struct sparrow_figure f = {.size = sizeof f};
        if (sparrow_model_figure(model, i, &f))
            continue;
        text_puts(t, i ? ",{\"name\":" : "{\"name\":");
        put_string(t, f.name);
        text_puts(t, ",\"value\":");
        put_real(t, f.value);
        text_puts(t, ",\"unit\":");
        put_string(t, f.unit);
        text_puts(t, ",\"note\":");
        put_string(t, f.note);
        text_puts(t, "}");
    }
    text_puts(t, "]");
}

static void about_front_end(struct text *t, const struct sparrow_model *model)
{
    struct sparrow_front_end f = {.size = sizeof f};
    if (sparrow_model_front_end(model, &f))
        return;
    about_count(t, ",\"front_end\":{\"rate\":", f.rate_hz);
    about_count(t, ",\"window\":", f.window);
    about_count(t, ",\"hop\":", f.hop);
    about_count(t, ",\"frames\":", f.frames);
    about_count(t, ",\"bands\":", f.bands);
    about_count(t, ",\"max_value\":", f.max_value);
    text_puts(t, "}");
}

static enum api_verdict about_answer(struct api_call *call)
{
    text_puts(&call->x->answer, "\n");
    call->x->status = 200;
    call->x->content_type = "application/json";
    exchange_add_header(call->x, "Cache-Control", "no-cache");
    return call_answer(call);
}

enum api_verdict about_models(struct api_call *call)
{
    struct text *t = &call->x->answer;
    call->models = models_current(call->api->o.models);
    const struct model_entry *first = model_set_find(call->models, NULL);
    text_clear(t);
    text_puts(t, "{\"models\":[");
    for (size_t i = 0; i < model_set_count(call->models); i++) {
        const struct model_entry *e = model_set_at(call->models, i);
        text_puts(t, i ? "," : "");
        about_short(t, e->model, e == first);
        text_puts(t, "}");
    }
    text_puts(t, "]}");
    return about_answer(call);
}

enum api_verdict about_model(struct api_call *call)
{
    struct text *t = &call->x->answer;
    size_t n = strlen(call->rest);
    char *name = arena_alloc(&call->arena, n + 1);
    if (!name || !params_decode(call->rest, n, false, name)) {
        problem_set(&call->problem, SPARROW_BAD_PARAMETER,
                    "the model's name has a broken %% escape or is not UTF-8");
        return call_refuse(call);
    }
    call->params.model = name;
    if (call_find_model(call))
        return call_refuse(call);
    const struct sparrow_model *model = call->model->model;
    text_clear(t);
    about_short(t, model, call->model == model_set_find(call->models, NULL));
    text_puts(t, ",\"licence\":");
    put_string(t, sparrow_model_licence(model));
    text_puts(t, ",\"kernels\":");
    put_string(t, sparrow_model_cpu(model));
    about_front_end(t, model);
    about_layers(t, model);
    about_figures(t, model);
    text_puts(t, "}");
    return about_answer(call);
}
