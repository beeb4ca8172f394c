/* models.c - `sparrow models`: which models there are, here or on a server.
 * SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/sparrow/commands.h"
#include "clients/sparrow/http.h"
#include "clients/sparrow/json.h"
#include "clients/sparrow/model.h"
#include "clients/sparrow/say.h"
#include "clients/sparrow/table.h"

struct models_settings {
    const char *server, *ca;
    bool json;
    double timeout_s;
};

static const struct options_option models_options[] = {
    COMMANDS_SERVER(struct models_settings),
    {.name = "ca",
     .kind = OPTIONS_TEXT,
     .offset = offsetof(struct models_settings, ca),
     .value = "FILE",
     .help = "with an https server: trust the certificates in this file",
     .complete = OPTIONS_FILE},
    {.name = "timeout",
     .kind = OPTIONS_REAL,
     .offset = offsetof(struct models_settings, timeout_s),
     .value = "S",
     .fallback = "30",
     .min = 0.001,
     .max = 3600,
     .help = "give a server so many seconds"},
    COMMANDS_JSON(struct models_settings),
};

/* ---- here ---- */

/* One model as an object of the shape that a server's GET /v1/models has. NULL after a message. */
static json_t *describe(const char *path)
{
    struct model model;
    if (!model_open(path, NULL, &model))
        return NULL;
    json_int_t stored = 0, dense = 0;
    for (size_t i = 0; i < sparrow_model_layer_count(model.engine); i++) {
        struct sparrow_layer_info layer = {.size = sizeof(layer)};
        if (sparrow_model_layer(model.engine, i, &layer) == 0) {
            stored += (json_int_t)layer.stored;
            dense += (json_int_t)layer.weights;
        }
    }
    json_t *labels = json_array();
    for (size_t i = 0; i < model.labels; i++)
        json_array_append_new(labels,
                              json_pack("{s:s, s:s}", "name",
                                        sparrow_model_label(model.engine, i), "kind",
                                        model_label_kind(model.engine, i)));
    char digest[80];
    snprintf(digest, sizeof(digest), "sha256:%s", sparrow_model_digest(model.engine));
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:o, s:I, s:I, s:s}", "name", sparrow_model_name(model.engine),
                  "version", sparrow_model_version(model.engine), "digest", digest, "labels",
                  labels, "weights_stored", stored, "weights_dense", dense, "path", path);
    model_close(&model);
    return object;
}

struct listing {
    json_t *models;
    int code;
};

static int list_file(const char *path, void *arg)
{
    struct listing *listing = arg;
    json_t *object = describe(path);
    if (object)
        json_array_append_new(listing->models, object);
    else
        listing->code = SAY_MODEL;
    return 0;
}

/* Adds what stands in the folders; one that is not there has nothing. Returns an exit code. */
static int list_here(json_t *models)
{
    char folder[PATH_MAX];
    struct listing listing = {.models = models, .code = SAY_FINE};
    for (size_t i = 0; model_folder(i, folder, sizeof(folder)); i++) {
        struct sparrow_error err;
        if (sparrow_model_files(folder, list_file, &listing, &err) == SPARROW_NO_MEMORY) {
            say_error("%s", err.text);
            listing.code = SAY_MODEL;
        }
    }
    return listing.code;
}

/* ---- both ---- */

static void print_row(struct table *table, const json_t *model)
{
    char text[32];
    const char *name = json_text(model, "name"), *version = json_text(model, "version");
    const char *digest = json_text(model, "digest"), *path = json_text(model, "path");
    double stored = json_number(model, "weights_stored"),
           dense = json_number(model, "weights_dense");
    table_cell(table, "%s", name ? name : "-");
    table_cell(table, "%s", version ? version : "-");
    table_cell(table, "%zu", json_array_size(json_object_get(model, "labels")));
    table_cell(table, "%s",
               stored >= 0 && stored < 1e15
                   ? table_thousands((unsigned long long)stored, text, sizeof(text))
                   : "-");
    table_cell(table, stored >= 0 && dense > 0 ? "%.2f %%" : "-", 100 * stored / dense);
    if (digest && strncmp(digest, "sha256:", 7) == 0)
        digest += 7;
    table_cell(table, "%.12s", digest ? digest : "-");
    table_cell(table, "%s",
               path                                              ? path
               : json_is_true(json_object_get(model, "default")) ? "default"
                                                                 : "");
}

static void print_models(const json_t *models, bool remote)
{
    size_t i;
    const json_t *model;
    struct table *table = table_new("llrrrll");
    static const char *const heads[] = {"MODEL",          "VERSION", "LABELS",
                                        "WEIGHTS STORED", "DENSITY", "SHA-256"};
    for (size_t h = 0; h < sizeof(heads) / sizeof(heads[0]); h++)
        table_cell(table, "%s", heads[h]);
    table_cell(table, "%s", remote ? "" : "FILE");
    json_array_foreach(models, i, model)
    {
        print_row(table, model);
    }
    table_print(table, 0, say_colour(), stdout);
    table_free(table);
}

/* What the list says little of, each model's own page tells: takes it in. */
static void detail(struct http *http, json_t *model)
{
    char path[200];
    const char *name = json_text(model, "name");
    json_t *more = NULL;
    if (!name || strpbrk(name, "/?#%"))
        return;
    int n = snprintf(path, sizeof(path), "/v1/models/%s", name);
    if (n > 0 && (size_t)n < sizeof(path) && http_get(http, path, name, &more) == HTTP_FINE)
        json_object_update_missing(model, more);
    json_decref(more);
}

static int list_remote(const struct models_settings *settings, json_t **ret_models)
{
    struct http *http = http_new(settings->server, settings->ca, settings->timeout_s);
    if (!http)
        return SAY_USAGE;
    enum http_outcome outcome = http_get(http, "/v1/models", "models", ret_models);
    size_t i;
    json_t *model;
    if (outcome == HTTP_FINE) {
        json_array_foreach(json_object_get(*ret_models, "models"), i, model) detail(http, model);
    }
    http_free(http);
    return outcome == HTTP_FINE ? SAY_FINE : outcome == HTTP_REFUSED ? SAY_FAILED : SAY_SERVER;
}

static int run(const void *arg, const struct options_list *operands)
{
    const struct models_settings *settings = arg;
    json_t *root = NULL;
    (void)operands;
    int code;
    if (settings->server) {
        code = list_remote(settings, &root);
    } else {
        json_t *models = json_array();
        code = list_here(models);
        root = json_pack("{s:o}", "models", models);
    }
    if (!root)
        return code;
    const json_t *models = json_object_get(root, "models");
    if (settings->json)
        code = json_print(root, JSON_INDENT(2), stdout) ? code : SAY_FAILED;
    else if (json_array_size(models) == 0 && code == SAY_FINE)
        puts("no models ($SPARROW_MODELS, ./models and " PKGDATADIR "/models have none)");
    else
        print_models(models, settings->server != NULL);
    json_decref(root);
    return code;
}

const struct options_command models_command = {
    .name = "models",
    .max_operands = 0,
    .summary = "list the models here, or on a server",
    .details = "Lists the models in the folders where --model looks them up by name, or those "
               "that a server has loaded. `sparrow info MODEL` tells all about one.",
    .options = models_options,
    .option_count = sizeof(models_options) / sizeof(models_options[0]),
    .settings_size = sizeof(struct models_settings),
    .run = run,
};
