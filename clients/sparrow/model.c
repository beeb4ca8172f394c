/* model.c - finds a model by path or name and loads it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "clients/sparrow/model.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/sparrow/say.h"

#define SUFFIX ".sparrow"

static bool is_path(const char *name)
{
    size_t n = strlen(name), m = strlen(SUFFIX);
    return strchr(name, '/') || (n > m && strcmp(name + n - m, SUFFIX) == 0);
}

bool model_folder(size_t index, char *ret_folder, size_t size)
{
    const char *ours = getenv("SPARROW_MODELS");
    size_t n = 0;
    for (; ours && *ours; ours += n + (ours[n] == ':')) {
        n = strcspn(ours, ":");
        if (n && index-- == 0)
            return snprintf(ret_folder, size, "%.*s", (int)n, ours) >= 0;
    }
    if (index > 1)
        return false;
    return snprintf(ret_folder, size, "%s", index ? PKGDATADIR "/models" : "models") >= 0;
}

static bool find(const char *name, char *ret_path, size_t size)
{
    char folder[PATH_MAX], looked[400] = "";
    if (is_path(name)) {
        int n = snprintf(ret_path, size, "%s", name);
        if (n > 0 && (size_t)n < size)
            return true;
        say_error("the model's path is too long");
        return false;
    }
    for (size_t i = 0; model_folder(i, folder, sizeof(folder)); i++) {
        int n = snprintf(ret_path, size, "%s/%s" SUFFIX, folder, name);
        if (n > 0 && (size_t)n < size && access(ret_path, R_OK) == 0)
            return true;
        size_t used = strlen(looked);
        snprintf(looked + used, sizeof(looked) - used, "%s%.100s", i ? ", " : "", folder);
    }
    struct stat state; /* the name of no model, but of a file that may hold one */
    if (stat(name, &state) == 0 && S_ISREG(state.st_mode) && strlen(name) < size)
        return snprintf(ret_path, size, "%s", name) > 0;
    say_error("no model \"%s\": no file %s" SUFFIX " in any of: %s", name, name, looked);
    return false;
}

/* Takes over `engine`, also on failure. */
static bool adopt(struct sparrow_model *engine, const char *name, struct model *ret_model)
{
    struct sparrow_error err;
    struct model model = {.engine = engine,
                          .labels = sparrow_model_label_count(engine),
                          .frames = sparrow_model_frames(engine),
                          .bands = sparrow_model_bands(engine),
                          .hop = sparrow_model_hop(engine)};
    model.word_samples = model.frames * model.hop;
    model.word_bytes = model.frames * model.bands;
    if (sparrow_scratch_new(engine, &model.scratch, &err) < 0) {
        say_error("%s: %s", name, err.text);
        sparrow_model_free(engine);
        return false;
    }
    *ret_model = model;
    return true;
}

bool model_open(const char *name, const char *cpu, struct model *ret_model)
{
    char path[PATH_MAX];
    struct sparrow_error err;
    struct sparrow_model *engine;
    struct sparrow_model_options options = {.size = sizeof(options), .cpu = cpu};
    if (!find(name, path, sizeof(path)))
        return false;
    if (sparrow_model_load(path, &options, &engine, &err) < 0) {
        bool of_file = err.status == SPARROW_BAD_MODEL || err.status == SPARROW_UNKNOWN_VERSION;
        bool named = strncmp(err.text, path, strnlen(path, 100)) == 0; /* as far as 100 bytes */
        say_error("%s%s%s", of_file && !named ? path : "", of_file && !named ? ": " : "", err.text);
        return false;
    }
    return adopt(engine, path, ret_model);
}

bool model_open_front_end(const char *name, const char *cpu, struct model *ret_model)
{
    struct sparrow_error err;
    struct sparrow_model *engine;
    struct sparrow_model_options options = {.size = sizeof(options), .cpu = cpu};
    if (strcmp(name, "default") != 0) {
        say_error("there is no front end \"%s\", only \"default\"", name);
        return false;
    }
    if (sparrow_model_default_front_end(&options, &engine, &err) < 0) {
        say_error("the default front end: %s", err.text);
        return false;
    }
    return adopt(engine, "the default front end", ret_model);
}

void model_close(struct model *model)
{
    sparrow_scratch_free(model->scratch);
    sparrow_model_free(model->engine);
    *model = (struct model){0};
}

const char *model_label_kind(const struct sparrow_model *engine, size_t label)
{
    enum sparrow_label_kind kind = sparrow_model_label_kind(engine, label);
    return kind == SPARROW_KEYWORD ? "keyword" : kind == SPARROW_SILENCE ? "silence" : "unknown";
}

size_t model_best(const struct model *model, const int32_t *scores)
{
    size_t best = 0;
    for (size_t i = 1; i < model->labels; i++) {
        if (scores[i] > scores[best])
            best = i;
    }
    return best;
}
