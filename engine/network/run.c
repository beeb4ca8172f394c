/* run.c - a model and features give scores: the layers in their order, each on the path that the
 * plan chose.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/error.h"
#include "engine/model/limits.h"
#include "engine/model/model.h"
#include "engine/network/batch.h"

struct sparrow_scratch {
    const struct sparrow_model *model;
    uint8_t *bytes; /* model->scratch_bytes, laid out by the model's plan */
    bool ran;
    size_t lane; /* of the word run last, if it ran among others; else SP_BATCH_ALONE */
};

/* One word on its way through the layers. */
struct word {
    const struct sparrow_model *model;
    uint8_t *bytes;
    const uint8_t *features;
};

int sparrow_scratch_new(const struct sparrow_model *model, struct sparrow_scratch **ret_scratch,
                        struct sparrow_error *err)
{
    struct sparrow_scratch *scratch = calloc(1, sizeof(*scratch));
    if (scratch == NULL)
        goto fail;
    scratch->model = model;
    scratch->bytes = aligned_alloc(64, model->scratch_bytes);
    if (scratch->bytes == NULL)
        goto fail;
    /* Margins of lanes are never written again: they have to be 0 from here on. */
    memset(scratch->bytes, 0, model->scratch_bytes);
    *ret_scratch = scratch;
    return SPARROW_OK;

fail:
    free(scratch);
    return sp_error_set(err, SPARROW_NO_MEMORY, "no memory for a replica (%zu bytes)",
                        model->scratch_bytes);
}

void sparrow_scratch_free(struct sparrow_scratch *scratch)
{
    if (scratch == NULL)
        return;
    free(scratch->bytes);
    free(scratch);
}

size_t sparrow_scratch_bytes(const struct sparrow_scratch *scratch)
{
    return scratch->model->scratch_bytes + sizeof(*scratch);
}

/* The plain bytes of a value that is read. */
static const void *plain_in(const struct word *w, size_t value)
{
    size_t root = w->model->values[value].root;
    return root == 0 ? w->features : w->bytes + w->model->values[root].plain;
}

static void *plain_out(const struct word *w, size_t value)
{
    return w->bytes + w->model->values[value].plain;
}

static void run_conv(const struct word *w, const struct sp_conv_params *c, const uint8_t *in,
                     int32_t *out)
{
    const struct sp_kernels *k = &w->model->kernels;
    switch (c->weights.encoding) {
    case SP_DENSE:
        k->conv_dense(&c->shape, c->weights.dense, c->bias, in, out);
        break;
    case SP_WINDOWS:
        k->conv_windows(&c->shape, &c->weights.windows, c->bias, in, out);
        break;
    case SP_INDEXED:
        k->conv_indexed(&c->shape, &c->weights.indexed, c->bias, in, out);
        break;
    }
}

static void run_add(const struct word *w, const struct sp_layer *layer, size_t elements,
                    int32_t *out)
{
    const void *in[SP_LIMIT_INPUTS];
    for (size_t i = 0; i < layer->input_count; i++)
        in[i] = plain_in(w, layer->inputs[i]);
    w->model->kernels.add(&layer->add, in, elements, out);
}

static void run_plain(const struct word *w, size_t index)
{
    const struct sp_kernels *k = &w->model->kernels;
    const struct sp_layer *layer = &w->model->layers[index];
    const struct sp_value *from = &w->model->values[layer->inputs[0]];
    size_t positions = from->height * from->width;
    const void *in = plain_in(w, layer->inputs[0]);
    void *out = plain_out(w, index + 1);
    switch (layer->op) {
    case SP_OP_CONV:
    case SP_OP_LINEAR:
        run_conv(w, &layer->conv, in, out);
        break;
    case SP_OP_ADD:
        run_add(w, layer, from->elements, out);
        break;
    case SP_OP_MAX_POOL:
        if (from->active)
            k->max_pool_u8(&layer->pool, in, out);
        else
            k->max_pool_s32(&layer->pool, in, out);
        break;
    case SP_OP_MEAN_POOL:
        k->mean_pool(in, positions, from->channels, out);
        break;
    case SP_OP_REQUANTISE:
        k->requantise(&layer->requantise, in, positions, from->channels, out);
        break;
    case SP_OP_BLOCK_WINNERS:
        k->block_winners(&layer->block_winners, in, positions, from->channels, out);
        break;
    case SP_OP_K_WINNERS:
        k->k_winners(layer->k_winners.k, in, layer->k_winners.rows, layer->k_winners.n, out);
        break;
    case SP_OP_RESHAPE: /* the same bytes */
    case SP_OP_COUNT:
        break;
    }
}

/* Features in lanes, where a stage reads them. */
static void run_quads(const struct word *w)
{
    const struct sp_value *v = &w->model->values[0];
    const struct sp_lanes_kernels *k = w->model->kernels.lanes;
    if (v->lanes != SP_NOWHERE)
        k->quads(&v->form, v->channels, w->features, false, w->bytes + v->lanes);
    if (v->split != SP_NOWHERE)
        k->quads(&v->form, v->channels, w->features, true, w->bytes + v->split);
}

/* Winners that have lanes, for those who read them plain. */
static void run_form(const struct word *w, size_t value)
{
    const struct sp_value *v = &w->model->values[value];
    bool split = v->lanes == SP_NOWHERE;
    sp_lanes_plain(&v->form, split, w->bytes + (split ? v->split : v->lanes), plain_out(w, value));
}

static void run_mean_pool(const struct word *w, size_t index)
{
    const struct sparrow_model *m = w->model;
    const struct sp_value *from = &m->values[m->layers[index].inputs[0]];
    m->kernels.lanes->mean_pool(&from->form, w->bytes + from->lanes, plain_out(w, index + 1));
}

static void run_word(const struct word *w, int32_t *scores)
{
    const struct sparrow_model *m = w->model;
    run_quads(w);
    for (size_t i = 0; i < m->run_count; i++) {
        const struct sp_run *run = &m->runs[i];
        if (run->stage != NULL)
            m->kernels.lanes->stage(run->stage, w->bytes);
        else if (run->layer->path == SP_PATH_LANES)
            run_mean_pool(w, (size_t)(run->layer - m->layers));
        else
            run_plain(w, (size_t)(run->layer - m->layers));
        if (run->plain)
            run_form(w, (size_t)(run->layer - m->layers) + 1);
    }
    memcpy(scores, plain_in(w, m->layer_count), m->label_count * sizeof(*scores));
}

void sparrow_run(const struct sparrow_model *model, struct sparrow_scratch *scratch,
                 const uint8_t *const *features, size_t words, int32_t *scores)
{
    if (words == 0 || model->layer_count == 0)
        return;
    size_t i = 0;
    for (size_t n; (n = sp_batch_words(model, words - i)) != 0; i += n) {
        sp_batch_run(model, scratch->bytes, features + i, n, scores + i * model->label_count);
        scratch->lane = n - 1;
    }
    for (; i < words; i++) {
        struct word w = {.model = model, .bytes = scratch->bytes, .features = features[i]};
        run_word(&w, scores + i * model->label_count);
        scratch->lane = SP_BATCH_ALONE;
    }
    memcpy(scratch->bytes + model->features, features[words - 1], model->values[0].elements);
    scratch->ran = true;
}

void sparrow_confidence(const struct sparrow_model *model, const int32_t *scores,
                        float *ret_confidence)
{
    int32_t best = scores[0];
    for (size_t i = 1; i < model->label_count; i++)
        best = scores[i] > best ? scores[i] : best;
    double total = 0;
    for (size_t i = 0; i < model->label_count; i++)
        total += exp(((double)scores[i] - best) * model->score_scale);
    for (size_t i = 0; i < model->label_count; i++)
        ret_confidence[i] = (float)(exp(((double)scores[i] - best) * model->score_scale) / total);
}

/* Alive elements of an active value after the last word. */
static size_t alive(const struct sparrow_scratch *scratch, const struct sp_value *value)
{
    const struct sp_value *root = &scratch->model->values[value->root];
    if (value->root != 0 && scratch->lane != SP_BATCH_ALONE)
        return sp_batch_alive(scratch->model, scratch->bytes, value->root, scratch->lane);
    if (root->form.windows != 0) {
        bool split = root->lanes == SP_NOWHERE;
        return sp_lanes_alive(&root->form, split,
                              scratch->bytes + (split ? root->split : root->lanes));
    }
    const uint8_t *bytes =
        scratch->bytes + (value->root == 0 ? scratch->model->features : root->plain);
    size_t n = 0;
    for (size_t i = 0; i < value->elements; i++)
        n += bytes[i] != 0;
    return n;
}

void sparrow_scratch_density(const struct sparrow_scratch *scratch, float *ret_density)
{
    for (size_t i = 0; i < scratch->model->layer_count; i++) {
        const struct sp_value *in = &scratch->model->values[scratch->model->layers[i].inputs[0]];
        ret_density[i] = -1.0f;
        if (in->active && scratch->ran)
            ret_density[i] = (float)alive(scratch, in) / (float)in->elements;
    }
}

size_t sparrow_features_frames(const struct sparrow_model *model, size_t samples)
{
    size_t frames = samples / model->hop;
    return frames < model->frames ? model->frames : frames;
}

void sparrow_features(const struct sparrow_model *model, struct sparrow_scratch *scratch,
                      const int16_t *pcm, size_t samples, uint8_t *ret_features)
{
    sp_front_end_run(model->front_end, model->kernels.front_end, scratch->bytes + model->work, pcm,
                     samples, 0, sparrow_features_frames(model, samples), ret_features);
}
