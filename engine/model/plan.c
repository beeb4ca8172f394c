/* plan.c - where each value lies in the scratch, and on which kernels each layer runs.
 * Active values keep their place until the next word, so that their density can be asked for
 * afterwards; sums share places once they have been read.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/model/limits.h"
#include "engine/model/loader.h"
#include "engine/model/pack.h"
#include "engine/model/words.h"

/* One form of a value: bytes that are written by layer `first` and read last by layer `last`. */
struct form {
    size_t bytes, first, last;
    size_t *offset;
};

struct forms {
    struct form *forms;
    size_t count;
    size_t end; /* of the scratch so far */
};

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* Room that is nobody else's. */
static size_t own_room(struct forms *f, size_t bytes)
{
    size_t at = f->end;
    f->end += aligned(bytes);
    return at;
}

/* The lowest room that is free of sums which are alive between first and last. Sums lie behind
 * `base`. */
static size_t shared_room(struct forms *f, size_t base, const struct form *wanted)
{
    size_t at = base;
    for (size_t i = 0; i < f->count; i++) {
        const struct form *other = &f->forms[i];
        bool together = other->last >= wanted->first && other->first <= wanted->last;
        if (together && at < *other->offset + aligned(other->bytes) &&
            *other->offset < at + aligned(wanted->bytes)) {
            at = *other->offset + aligned(other->bytes);
            i = SIZE_MAX; /* begin again: this place may touch an earlier one */
        }
    }
    return at;
}

/* The last layer that reads the bytes of a value, under whatever shape; the layer that writes it,
 * if none does. */
static size_t last_reader(const struct sparrow_model *m, size_t value)
{
    size_t last = value - 1;
    for (size_t i = value; i < m->layer_count; i++)
        for (size_t j = 0; j < m->layers[i].input_count; j++)
            if (m->values[m->layers[i].inputs[j]].root == value)
                last = i;
    return value == m->values[m->layer_count].root ? m->layer_count : last;
}

static void place_sums(struct sparrow_model *m, struct forms *f)
{
    size_t base = f->end;
    for (size_t v = 1; v <= m->layer_count; v++) {
        struct sp_value *value = &m->values[v];
        if (value->active || value->root != v)
            continue;
        size_t bytes[2] = {value->elements * sizeof(int32_t),
                           value->channels * sp_lanes_row(value->width) * sizeof(int32_t)};
        size_t *offsets[2] = {&value->plain, &value->lanes};
        for (size_t i = 0; i < 2; i++) {
            if (*offsets[i] == SP_NOWHERE)
                continue;
            struct form form = {bytes[i], v - 1, last_reader(m, v), offsets[i]};
            *offsets[i] = shared_room(f, base, &form);
            f->forms[f->count++] = form;
            size_t end = *offsets[i] + aligned(bytes[i]);
            f->end = end > f->end ? end : f->end;
        }
    }
}

static void place_active(struct sparrow_model *m, struct forms *f)
{
    for (size_t v = 1; v <= m->layer_count; v++) {
        struct sp_value *value = &m->values[v];
        if (!value->active || value->root != v)
            continue;
        if (value->plain != SP_NOWHERE)
            value->plain = own_room(f, value->elements);
        if (value->lanes != SP_NOWHERE)
            value->lanes = own_room(f, 2 * sp_lanes_plane(&value->winners, false));
        if (value->split != SP_NOWHERE)
            value->split = own_room(f, 2 * sp_lanes_plane(&value->winners, true));
    }
}

/* ---- paths ---- */

/* A value that can be read in lanes: made there, and under its own shape. */
static bool has_lanes(const struct sparrow_model *m, size_t v)
{
    return m->values[v].root == v && m->values[v].lanes != SP_NOWHERE;
}

static struct sp_lanes_winners_shape winners_shape(const struct sp_block_winners *b,
                                                   const struct sp_value *in)
{
    return (struct sp_lanes_winners_shape){
        .width = in->width,
        .windows = in->channels / SP_LANES_WINDOW,
        .block = b->block,
        .winners = b->winners,
        .pairs = SP_LANES_WINDOW / b->block * b->winners / 2,
    };
}

static bool all_inputs_have_lanes(const struct sparrow_model *m, const struct sp_layer *layer)
{
    for (size_t j = 0; j < layer->input_count; j++)
        if (!has_lanes(m, layer->inputs[j]) || m->values[layer->inputs[j]].active)
            return false;
    return true;
}

static int choose_conv(struct sp_loader *l, struct sp_layer *layer, const struct sp_value *in)
{
    struct sparrow_model *m = l->model;
    if (has_lanes(m, layer->inputs[0])) {
        if (!sp_pack_can_conv(&layer->conv, &in->winners))
            return SPARROW_OK;
        layer->path = SP_PATH_LANES;
        return sp_pack_conv(l, &layer->conv, &in->winners, in->max);
    }
    if (!sp_pack_can_stem(&layer->conv, in->max))
        return SPARROW_OK;
    layer->path = SP_PATH_STEM;
    return sp_pack_stem(l, &layer->conv);
}

/* Takes the lanes where the layer and its inputs allow it. */
static int choose_lanes(struct sp_loader *l, size_t index)
{
    struct sparrow_model *m = l->model;
    struct sp_layer *layer = &m->layers[index];
    const struct sp_value *in = &m->values[layer->inputs[0]];
    bool in_lanes = has_lanes(m, layer->inputs[0]);
    if (layer->op == SP_OP_CONV)
        return choose_conv(l, layer, in);
    if (layer->op == SP_OP_ADD && all_inputs_have_lanes(m, layer))
        layer->path = SP_PATH_LANES;
    if (layer->op == SP_OP_MEAN_POOL && in_lanes)
        layer->path = SP_PATH_LANES;
    if (layer->op == SP_OP_BLOCK_WINNERS && in_lanes &&
        sp_pack_can_winners(&layer->block_winners, in)) {
        layer->path = SP_PATH_LANES;
        m->values[index + 1].winners = winners_shape(&layer->block_winners, in);
    }
    return SPARROW_OK;
}

/* Marks the forms that a layer reads. */
static void need_inputs(struct sparrow_model *m, const struct sp_layer *layer)
{
    for (size_t j = 0; j < layer->input_count; j++) {
        struct sp_value *in = &m->values[layer->inputs[j]];
        if (layer->path != SP_PATH_LANES)
            m->values[in->root].plain = 0;
        else if (layer->op == SP_OP_CONV && layer->conv.split)
            in->split = 0;
    }
}

static const char *kernel_name(const struct sparrow_model *m, const struct sp_layer *layer)
{
    if (layer->path != SP_PATH_PLAIN)
        return m->kernels.lanes->name;
    bool dense = (layer->op == SP_OP_CONV || layer->op == SP_OP_LINEAR) &&
                 layer->conv.weights.encoding == SP_DENSE;
    if ((dense && m->kernels.conv_dense != sp_conv_dense__scalar) ||
        (layer->op == SP_OP_ADD && m->kernels.add != sp_add__scalar))
        return m->kernels.name;
    return "scalar";
}

/* Forms that are needed stand at 0 until they have a place. */
static int choose_paths(struct sp_loader *l)
{
    struct sparrow_model *m = l->model;
    for (size_t i = 0; i < m->layer_count; i++) {
        struct sp_layer *layer = &m->layers[i];
        struct sp_value *out = &m->values[i + 1];
        layer->path = SP_PATH_PLAIN;
        int status = m->kernels.lanes != NULL ? choose_lanes(l, i) : SPARROW_OK;
        if (status < 0)
            return status;
        if (layer->path == SP_PATH_PLAIN || layer->op == SP_OP_MEAN_POOL)
            out->plain = out->root == i + 1 ? 0 : SP_NOWHERE;
        else
            out->lanes = 0;
        need_inputs(m, layer);
        layer->kernel = kernel_name(m, layer);
    }
    if (m->layer_count > 0)
        m->values[m->values[m->layer_count].root].plain = 0; /* the scores */
    return SPARROW_OK;
}

/* Working memory that the front end and stems use, one after the other. */
static size_t work_bytes(const struct sparrow_model *m)
{
    size_t most = sp_front_end_work_bytes(m->front_end);
    for (size_t i = 0; i < m->layer_count; i++)
        if (m->layers[i].path == SP_PATH_STEM) {
            size_t bytes = sp_lanes_stem_work(&m->layers[i].conv.stem);
            most = bytes > most ? bytes : most;
        }
    return most;
}

int sp_plan_make(struct sp_loader *l)
{
    struct sparrow_model *m = l->model;
    int status = choose_paths(l);
    if (status < 0)
        return status;
    struct forms forms = {.forms = sp_loader_alloc(l, 2 * m->layer_count, sizeof(struct form))};
    if (forms.forms == NULL)
        return SPARROW_NO_MEMORY;
    m->features = own_room(&forms, m->values[0].elements);
    m->work = own_room(&forms, work_bytes(m));
    place_active(m, &forms);
    place_sums(m, &forms);
    if (forms.end > SP_LIMIT_SCRATCH_BYTES)
        return sp_loader_fail(l, SPARROW_BAD_MODEL,
                              "a replica would need %zu bytes of memory; the limit is %zu",
                              forms.end, SP_LIMIT_SCRATCH_BYTES);
    m->words_at = m->scratch_bytes = forms.end;
    status = sp_words_make(l);
    if (m->words != NULL)
        m->scratch_bytes += m->words->bytes;
    return status;
}
