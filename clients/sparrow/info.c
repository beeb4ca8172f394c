/* info.c - `sparrow info`: what a model file holds, layer by layer, in both densities.
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "clients/sparrow/commands.h"
#include "clients/sparrow/json.h"
#include "clients/sparrow/model.h"
#include "clients/sparrow/say.h"
#include "clients/sparrow/table.h"

struct info_settings {
    const char *cpu, *front_end;
    bool json;
};

static const struct options_option info_options[] = {
    COMMANDS_CPU(struct info_settings),
    {.name = "front-end",
     .kind = OPTIONS_TEXT,
     .offset = offsetof(struct info_settings, front_end),
     .value = "default",
     .help = "tell the default front end's parameters instead of a model's"},
    COMMANDS_JSON(struct info_settings),
};

/* ---- JSON ---- */

static json_t *json_layers(const struct sparrow_model *engine)
{
    json_t *layers = json_array();
    for (size_t i = 0; i < sparrow_model_layer_count(engine); i++) {
        struct sparrow_layer_info layer = {.size = sizeof(layer)};
        if (sparrow_model_layer(engine, i, &layer) < 0)
            continue;
        json_array_append_new(
            layers, json_pack("{s:s, s:s, s:[III], s:I, s:I, s:I, s:I, s:s?}", "name", layer.name,
                              "op", layer.op, "shape", (json_int_t)layer.height,
                              (json_int_t)layer.width, (json_int_t)layer.channels, "weights_dense",
                              (json_int_t)layer.weights, "weights_stored", (json_int_t)layer.stored,
                              "macs_dense", (json_int_t)layer.macs_dense, "macs_stored",
                              (json_int_t)layer.macs_stored, "kernel", layer.kernel));
    }
    return layers;
}

static json_t *json_figures(const struct sparrow_model *engine)
{
    json_t *figures = json_array();
    for (size_t i = 0; i < sparrow_model_figure_count(engine); i++) {
        struct sparrow_figure figure = {.size = sizeof(figure)};
        if (sparrow_model_figure(engine, i, &figure) == 0)
            json_array_append_new(figures, json_pack("{s:s?, s:f, s:s?, s:s?}", "name", figure.name,
                                                     "value", figure.value, "unit", figure.unit,
                                                     "note", figure.note));
    }
    return figures;
}

static json_t *json_front_end(const struct sparrow_model *engine)
{
    struct sparrow_front_end fe = {.size = sizeof(fe)};
    if (sparrow_model_front_end(engine, &fe) < 0)
        return json_null();
    json_t *edges = json_array();
    for (unsigned i = 0; i < fe.bands + 2; i++)
        json_array_append_new(edges, json_real((double)fe.band_edges_hz[i]));
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:o, s:f, s:f, s:i}", "rate_hz", (int)fe.rate_hz,
                     "window", (int)fe.window, "hop", (int)fe.hop, "frames", (int)fe.frames,
                     "bands", (int)fe.bands, "band_edges_hz", edges, "log_scale",
                     (double)fe.log_scale, "log_offset", (double)fe.log_offset, "max_value",
                     (int)fe.max_value);
}

static json_t *json_model(const struct sparrow_model *engine)
{
    json_t *labels = json_array();
    char digest[80];
    snprintf(digest, sizeof(digest), "sha256:%s", sparrow_model_digest(engine));
    for (size_t i = 0; i < sparrow_model_label_count(engine); i++)
        json_array_append_new(labels,
                              json_pack("{s:s, s:s}", "name", sparrow_model_label(engine, i),
                                        "kind", model_label_kind(engine, i)));
    return json_pack("{s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:o, s:o, s:o, s:o}", "name",
                     sparrow_model_name(engine), "version", sparrow_model_version(engine), "digest",
                     digest, "kernels", sparrow_model_cpu(engine), "description",
                     sparrow_model_description(engine), "licence", sparrow_model_licence(engine),
                     "labels", labels, "front_end", json_front_end(engine), "layers",
                     json_layers(engine), "figures", json_figures(engine));
}

/* ---- for people ---- */

static void print_front_end(const struct sparrow_model *engine)
{
    struct sparrow_front_end fe = {.size = sizeof(fe)};
    if (sparrow_model_front_end(engine, &fe) < 0)
        return;
    printf("front end    %u frames x %u bands, %.0f to %.0f Hz; window %u and hop %u samples at "
           "%u Hz; 0 to %u\n",
           fe.frames, fe.bands, (double)fe.band_edges_hz[0], (double)fe.band_edges_hz[fe.bands + 1],
           fe.window, fe.hop, fe.rate_hz, fe.max_value);
}

static void print_labels(const struct sparrow_model *engine)
{
    fputs("labels      ", stdout);
    for (size_t i = 0; i < sparrow_model_label_count(engine); i++) {
        printf(" %s", sparrow_model_label(engine, i));
        if (sparrow_model_label_kind(engine, i) != SPARROW_KEYWORD)
            printf("(%s)", model_label_kind(engine, i));
    }
    putchar('\n');
}

static void print_share(struct table *table, uint64_t part, uint64_t whole)
{
    if (whole)
        table_cell(table, "%.2f %%", 100.0 * (double)part / (double)whole);
    else
        table_cell(table, "%s", "");
}

static void print_count(struct table *table, uint64_t count)
{
    char text[32];
    table_cell(table, "%s", count ? table_thousands(count, text, sizeof(text)) : "");
}

static void print_layer_row(struct table *table, const char *name,
                            const struct sparrow_layer_info *layer)
{
    table_cell(table, "%s", name);
    table_cell(table, "%s", layer->op);
    if (layer->channels)
        table_cell(table, "%zu x %zu x %zu", layer->height, layer->width, layer->channels);
    else
        table_cell(table, "%s", "");
    print_count(table, layer->stored);
    print_count(table, layer->weights);
    print_share(table, layer->stored, layer->weights);
    print_count(table, layer->macs_stored);
    print_count(table, layer->macs_dense);
    table_cell(table, "%s", layer->kernel ? layer->kernel : "");
}

static void print_layers(const struct sparrow_model *engine)
{
    static const char *const heads[] = {"LAYER",       "DOES",       "OUTPUT",
                                        "STORED",      "DENSE",      "WEIGHT DENSITY",
                                        "MACS STORED", "MACS DENSE", "KERNEL"};
    struct sparrow_layer_info total = {.op = "", .kernel = ""};
    struct table *table = table_new("lllrrrrrl");
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        table_cell(table, "%s", heads[i]);
    for (size_t i = 0; i < sparrow_model_layer_count(engine); i++) {
        struct sparrow_layer_info layer = {.size = sizeof(layer)};
        if (sparrow_model_layer(engine, i, &layer) < 0)
            continue;
        print_layer_row(table, layer.name, &layer);
        total.stored += layer.stored;
        total.weights += layer.weights;
        total.macs_stored += layer.macs_stored;
        total.macs_dense += layer.macs_dense;
    }
    print_layer_row(table, "total", &total);
    putchar('\n');
    table_print(table, 0, say_colour(), stdout);
    table_free(table);
}

static size_t widest(size_t width, const char *text)
{
    size_t n = text ? table_width(text) : 0;
    return n > width ? n : width;
}

/* Left-aligned, with blanks up to its width. */
static void put(const char *text, size_t width)
{
    size_t n = text ? table_width(text) : 0;
    printf("%s%*s", text ? text : "", (int)(n < width ? width - n : 0), "");
}

static bool figure_at(const struct sparrow_model *engine, size_t index, char *ret_number,
                      size_t size, struct sparrow_figure *ret_figure)
{
    *ret_figure = (struct sparrow_figure){.size = sizeof(*ret_figure)};
    if (sparrow_model_figure(engine, index, ret_figure) < 0)
        return false;
    double value = ret_figure->value;
    if (value >= 1e3 && value < 1e15 && value == floor(value))
        table_thousands((unsigned long long)value, ret_number, size);
    else if (ret_figure->unit && strcmp(ret_figure->unit, "fraction") == 0)
        snprintf(ret_number, size, "%.4f", value);
    else
        snprintf(ret_number, size, "%.6g", value);
    return true;
}

/* A table whose last column, how a figure came about, is folded. */
static void print_figures(const struct sparrow_model *engine)
{
    struct sparrow_figure figure;
    char number[32];
    size_t name_width = 6, number_width = 5, unit_width = 4;
    for (size_t i = 0; figure_at(engine, i, number, sizeof(number), &figure); i++) {
        name_width = widest(name_width, figure.name);
        number_width = widest(number_width, number);
        unit_width = widest(unit_width, figure.unit);
    }
    bool colour = say_colour();
    printf("\n%s%-*s  %*s  %-*s  HOW%s\n", colour ? "\033[1m" : "", (int)name_width, "FIGURE",
           (int)number_width, "VALUE", (int)unit_width, "UNIT", colour ? "\033[0m" : "");
    size_t used = name_width + number_width + unit_width + 4;
    size_t how_column = used < 50 ? used + 2 : 52;
    for (size_t i = 0; figure_at(engine, i, number, sizeof(number), &figure); i++) {
        put(figure.name, name_width);
        printf("  %*s  ", (int)number_width, number);
        put(figure.unit, unit_width);
        options_fold_beside(figure.note ? figure.note : "", used, how_column, stdout);
    }
}

/* A long text beside its name, folded. */
static void print_text(const char *name, const char *text)
{
    enum { NAME_WIDTH = 13 };
    if (*text) {
        printf("%s\n", name);
        options_fold(text, NAME_WIDTH, stdout);
    }
}

static void print_model(const struct sparrow_model *engine)
{
    printf("model        %s %s\n", sparrow_model_name(engine), sparrow_model_version(engine));
    printf("digest       %s\n", sparrow_model_digest(engine));
    printf("kernels      %s\n", sparrow_model_cpu(engine));
    print_text("description", sparrow_model_description(engine));
    print_text("licence", sparrow_model_licence(engine));
    print_labels(engine);
    print_front_end(engine);
    print_layers(engine);
    putchar('\n');
    options_fold("Weight density is what is stored of the dense twin's weights; multiply-adds "
                 "are counted for one word with every input alive. The other density, of the "
                 "activations, depends on what is heard: `sparrow eval` measures it.",
                 0, stdout);
    if (sparrow_model_figure_count(engine))
        print_figures(engine);
}

static int run(const void *arg, const struct options_list *names)
{
    const struct info_settings *settings = arg;
    struct model model;
    const char *name = names->count ? names->items[0] : "commands";
    if (!(settings->front_end ? model_open_front_end(settings->front_end, settings->cpu, &model)
                              : model_open(name, settings->cpu, &model)))
        return SAY_MODEL;
    int code = SAY_FINE;
    if (settings->json) {
        json_t *root =
            settings->front_end ? json_front_end(model.engine) : json_model(model.engine);
        code = json_print(root, JSON_INDENT(2), stdout) ? SAY_FINE : SAY_FAILED;
        json_decref(root);
    } else if (settings->front_end) {
        print_front_end(model.engine);
    } else {
        print_model(model.engine);
    }
    model_close(&model);
    return code;
}

const struct options_command info_command = {
    .name = "info",
    .operands = "[MODEL]",
    .max_operands = 1,
    .summary = "tell what a model file holds",
    .details = "Tells what the loader found in a model file (default: commands): its labels, its "
               "layers with their shapes, stored and dense weights, multiply-adds and kernels, "
               "and the figures of its card. MODEL is a path or a name, as for --model of the "
               "other commands.",
    .options = info_options,
    .option_count = sizeof(info_options) / sizeof(info_options[0]),
    .settings_size = sizeof(struct info_settings),
    .run = run,
};
