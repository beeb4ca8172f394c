/* model.h - finds a model by path or name and loads it, with the working memory to run it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_MODEL_H
#define CLIENTS_SPARROW_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/sparrow.h"

struct model {
    struct sparrow_model *engine;
    struct sparrow_scratch *scratch;
    size_t labels, frames, bands, hop;
    size_t word_samples; /* frames * hop */
    size_t word_bytes;   /* frames * bands */
};

/* Loads a model: `name` is a path if it has a '/' or ends in ".sparrow", else a name that is looked
 * up as NAME.sparrow in the folders of $SPARROW_MODELS (colons between), ./models, and the
 * installed models, and at last taken for a path if it names a file. On failure says why on stderr,
 * returns false, and *ret_model is untouched. */
bool model_open(const char *name, const char *cpu, struct model *ret_model);

/* The folders in which names are looked up, in order; false: there are no more. */
bool model_folder(size_t index, char *ret_folder, size_t size);

/* The default front end alone: no labels, nothing to run. `name` must be "default". */
bool model_open_front_end(const char *name, const char *cpu, struct model *ret_model);

void model_close(struct model *model);

/* "keyword", "silence" or "unknown". */
const char *model_label_kind(const struct sparrow_model *engine, size_t label);

/* The label with the largest score, ties to the lowest. */
size_t model_best(const struct model *model, const int32_t *scores);

#endif
