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
        if (value->active || value->root != v || value->plain == SP_NOWHERE)
            continue;
        struct form form = {value->elements * sizeof(int32_t), v - 1, last_reader(m, v),
                            &value->plain};
        value->plain = shared_room(f, base, &form);
        f->forms[f->count++] = form;
        size_t end = value->plain + aligned(form.bytes);
        f->end = end > f->end ? end : f->end;
    }
}

/* The features' plain bytes are the caller's. */
static void place_active(struct sparrow_model *m, struct forms *f)
{
    for (size_t v = 0; v <= m->layer_count; v++) {
        struct sp_value *value = &m->values[v];
        if (!value->active || value->root != v)
            continue;
        if (value->plain != SP_NOWHERE && v != 0)
            value->plain = own_room(f, value->elements);
        if (value->lanes != SP_NOWHERE)
            value->lanes = own_room(f, 4 * sp_lanes_words(&value->form, false));
        if (value->split != SP_NOWHERE)
            value->split = own_room(f, 4 * sp_lanes_words(&value->form, true));
    }
}

/* ---- paths ---- */

/* A stage's convolutions read lanes, and its winners become some. */
static void take_stage(struct sparrow_model *m, const struct sp_stage_parts *parts)
{
    struct sp_value *out = &m->values[parts->winners + 1];
    for (size_t i = 0; i < parts->conv_count; i++) {
        struct sp_layer *layer = &m->layers[parts->conv[i]];
        struct sp_value *in = &m->values[layer->inputs[0]];
        layer->path = SP_PATH_PART;
        if (layer->inputs[0] == 0)
            in->form = (struct sp_lanes_form){
                .width = in->width,
                .quads = (in->channels + SP_LANES_QUAD - 1) / SP_LANES_QUAD,
            };
        *(sp_stages_reads_split(&layer->conv) ? &in->split : &in->lanes) = 0;
    }
    if (parts->add != SP_NO_ADD)
        m->layers[parts->add].path = SP_PATH_PART;
    m->layers[parts->winners].path = SP_PATH_LANES;
    out->form = (struct sp_lanes_form){
        .width = out->width,
        .windows = out->channels / SP_LANES_WINDOW,
    };
}

/* Whether a value comes from a stage, and is read under its own shape. */
static bool has_windows(const struct sparrow_model *m, size_t v)
{
    return m->values[v].root == v && m->values[v].form.windows != 0;
}

static void choose_lanes(struct sparrow_model *m)
{
    for (size_t i = 0; i < m->layer_count; i++) {
        struct sp_layer *layer = &m->layers[i];
        struct sp_stage_parts parts;
        if (sp_stages_find(m, i, &parts))
            take_stage(m, &parts);
        if (layer->op == SP_OP_MEAN_POOL && has_windows(m, layer->inputs[0])) {
            layer->path = SP_PATH_LANES;
            m->values[layer->inputs[0]].lanes = 0;
        }
    }
}

/* Marks the plain forms that are read or written. Forms that are needed stand at 0 until they have
 * a place. */
static void need_plain(struct sparrow_model *m)
{
    for (size_t i = 0; i < m->layer_count; i++) {
        const struct sp_layer *layer = &m->layers[i];
        struct sp_value *out = &m->values[i + 1];
        bool stage = layer->path == SP_PATH_LANES && layer->op == SP_OP_BLOCK_WINNERS;
        if (layer->path == SP_PATH_PLAIN)
            for (size_t j = 0; j < layer->input_count; j++)
                m->values[m->values[layer->inputs[j]].root].plain = 0;
        if (layer->path != SP_PATH_PART && !stage && out->root == i + 1)
            out->plain = 0;
    }
    if (m->layer_count > 0)
        m->values[m->values[m->layer_count].root].plain = 0; /* the scores */
}

/* Winners that are read plain, or not at all, are made of whole lanes. */
static void need_whole(struct sparrow_model *m)
{
    for (size_t v = 1; v <= m->layer_count; v++) {
        struct sp_value *value = &m->values[v];
        if (has_windows(m, v) && value->split == SP_NOWHERE)
            value->lanes = 0;
    }
}

static const char *kernel_name(const struct sparrow_model *m, const struct sp_layer *layer)
{
    const struct sp_kernels *k = &m->kernels;
    if (layer->path != SP_PATH_PLAIN)
        return k->lanes->name;
    bool dense = (layer->op == SP_OP_CONV || layer->op == SP_OP_LINEAR) &&
                 layer->conv.weights.encoding == SP_DENSE;
    if ((dense && k->conv_dense != sp_conv_dense__scalar) ||
        (layer->op == SP_OP_ADD && k->add != sp_add__scalar) ||
        (layer->op == SP_OP_REQUANTISE && k->requantise != sp_requantise__scalar))
        return k->name;
    return "scalar";
}

static void choose_paths(struct sparrow_model *m)
{
    if (m->kernels.lanes != NULL)
        choose_lanes(m);
    need_plain(m);
    need_whole(m);
    for (size_t i = 0; i < m->layer_count; i++)
        m->layers[i].kernel = kernel_name(m, &m->layers[i]);
}

/* Packs the stages' weights, whose steps say where their inputs lie. */
static int pack_stages(struct sp_loader *l)
{
    struct sparrow_model *m = l->model;
    for (l->layer = 0; l->layer < m->layer_count; l->layer++) {
        struct sp_layer *layer = &m->layers[l->layer];
        struct sp_stage_parts parts;
        if (layer->path != SP_PATH_LANES || !sp_stages_find(m, l->layer, &parts))
            continue;
        int status = sp_pack_stage(l, &parts, &layer->stage);
        if (status < 0)
            return status;
    }
    l->layer = SP_OUTSIDE_LAYERS;
    return SPARROW_OK;
}

/* Lists what runs: a word then need not look at the others. */
static int list_runs(struct sp_loader *l)
{
    struct sparrow_model *m = l->model;
    m->runs = sp_loader_alloc(l, m->layer_count, sizeof(*m->runs));
    if (m->runs == NULL)
        return SPARROW_NO_MEMORY;
    for (size_t i = 0; i < m->layer_count; i++) {
        const struct sp_layer *layer = &m->layers[i];
        if (layer->path == SP_PATH_PART || layer->op == SP_OP_RESHAPE)
            continue;
        bool stage = layer->path == SP_PATH_LANES && layer->op == SP_OP_BLOCK_WINNERS;
        m->runs[m->run_count++] = (struct sp_run){
            .layer = layer,
            .stage = stage ? &layer->stage : NULL,
            .plain = stage && m->values[i + 1].plain != SP_NOWHERE,
        };
    }
    return SPARROW_OK;
}

int sp_plan_make(struct sp_loader *l)
{
    struct sparrow_model *m = l->model;
    choose_paths(m);
    struct forms forms = {.forms = sp_loader_alloc(l, m->layer_count, sizeof(struct form))};
    if (forms.forms == NULL)
        return SPARROW_NO_MEMORY;
    m->features = own_room(&forms, m->values[0].elements);
    m->work = own_room(&forms, sp_front_end_work_bytes(m->front_end));
    place_active(m, &forms);
    place_sums(m, &forms);
    if (forms.end > SP_LIMIT_SCRATCH_BYTES)
        return sp_loader_fail(l, SPARROW_BAD_MODEL,
                              "a replica would need %zu bytes of memory; the limit is %zu",
                              forms.end, SP_LIMIT_SCRATCH_BYTES);
    m->words_at = m->scratch_bytes = forms.end;
    int status = pack_stages(l);
    if (status == 0)
        status = list_runs(l);
    if (status == 0)
        status = sp_words_make(l);
    if (m->words != NULL)
        m->scratch_bytes += m->words->bytes;
    return status;
}
