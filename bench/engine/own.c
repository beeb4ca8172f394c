/* own.c - the engine itself, and the twins, as rivals.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "bench/engine/rival.h"
#include "bench/engine/weights.h"

/* ---- sparse-sparse: sparrow_run() ---- */

struct sparrow {
    const struct sparrow_model *model;
    size_t words;
    struct sparrow_scratch *scratch;
};

static void *sparrow_make(const struct sparrow_model *model, const struct rival_options *opt,
                          const char **ret_reason)
{
    struct sparrow *s = weights_memory(1, sizeof(*s));
    *s = (struct sparrow){.model = model, .words = opt->words};
    if (sparrow_scratch_new(model, &s->scratch, NULL) == 0)
        return s;
    free(s);
    *ret_reason = "no memory for a replica";
    return NULL;
}

static void sparrow_go(void *self, const uint8_t *const *features, int32_t *scores)
{
    struct sparrow *s = self;
    sparrow_run(s->model, s->scratch, features, s->words, scores);
}

/* Multiply-adds of the weights that are stored, with every input alive: how many of them meet a
 * winner is told by the density. */
static void sparrow_count(const void *self, struct twin_counts *ret_counts)
{
    const struct sparrow *s = self;
    *ret_counts = (struct twin_counts){0};
    for (size_t l = 0; l < s->model->layer_count; l++) {
        const struct sp_layer *layer = &s->model->layers[l];
        const struct sp_value *to = &s->model->values[l + 1];
        ret_counts->macs += layer->macs_stored;
        ret_counts->weights += layer->stored;
        if (layer->stored > 0)
            ret_counts->weights += to->channels * sizeof(int32_t);
        ret_counts->values += to->elements * (to->active ? 1 : 4);
    }
}

static void sparrow_done(void *self)
{
    struct sparrow *s = self;
    sparrow_scratch_free(s->scratch);
    free(s);
}

const struct rival rival_sparrow = {.name = "sparrow",
                                    .make = sparrow_make,
                                    .run = sparrow_go,
                                    .count = sparrow_count,
                                    .free = sparrow_done};

/* ---- twins ---- */

struct own {
    struct twin *twin;
    size_t words;
};

static void *own_make(const struct sparrow_model *model, const struct rival_options *opt,
                      enum twin_form form, const char **ret_reason)
{
    double zeros = opt->form[0] == 0 ? -1 : strtod(opt->form, NULL);
    size_t words = form == TWIN_WORDS ? (opt->words + 63) / 64 * 64 : opt->words;
    struct twin *twin =
        twin_new(model, &(struct twin_options){form, opt->kernels, zeros, words}, ret_reason);
    if (twin == NULL)
        return NULL;
    struct own *o = weights_memory(1, sizeof(*o));
    *o = (struct own){twin, opt->words};
    return o;
}

static void *make_dense(const struct sparrow_model *m, const struct rival_options *opt,
                        const char **ret_reason)
{
    return own_make(m, opt, TWIN_DENSE, ret_reason);
}

static void *make_blocks(const struct sparrow_model *m, const struct rival_options *opt,
                         const char **ret_reason)
{
    return own_make(m, opt, TWIN_BLOCKS, ret_reason);
}

static void *make_shuffled(const struct sparrow_model *m, const struct rival_options *opt,
                           const char **ret_reason)
{
    return own_make(m, opt, TWIN_SHUFFLED, ret_reason);
}

static void *make_lists(const struct sparrow_model *m, const struct rival_options *opt,
                        const char **ret_reason)
{
    return own_make(m, opt, TWIN_WORDS, ret_reason);
}

static void *make_one(const struct sparrow_model *m, const struct rival_options *opt,
                      const char **ret_reason)
{
    return own_make(m, opt, TWIN_ONE, ret_reason);
}

static void own_run(void *self, const uint8_t *const *features, int32_t *scores)
{
    struct own *o = self;
    twin_run(o->twin, features, o->words, scores);
}

static void own_count(const void *self, struct twin_counts *ret_counts)
{
    const struct own *o = self;
    twin_count(o->twin, ret_counts);
}

static void own_free(void *self)
{
    struct own *o = self;
    twin_free(o->twin);
    free(o);
}

const struct rival rival_dense = {"dense", make_dense, own_run, own_count, own_free};
const struct rival rival_blocks = {"blocks", make_blocks, own_run, own_count, own_free};
const struct rival rival_shuffled = {"shuffled", make_shuffled, own_run, own_count, own_free};
const struct rival rival_lists = {"lists", make_lists, own_run, own_count, own_free};
const struct rival rival_one = {"one", make_one, own_run, own_count, own_free};
