/* plan.c - where each value lies in the scratch, and on which kernels each layer runs.
 * Active values keep their place until the next word, so that their density can be asked for afterwards; sums share
 * places once they have been read.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/model/limits.h"
#include "engine/model/loader.h"

/* One form of a value: bytes that are written by layer `first` and read last by layer `last`. */
struct form {
    size_t bytes, first, last;
    size_t *offset;
};

struct forms {
    struct form *forms;
    size_t count;
    size_t end;                     /* of the scratch so far */
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

/* The lowest room that is free of sums which are alive between first and last. Sums lie behind `base`. */
static size_t shared_room(struct forms *f, size_t base, const struct form *wanted)
{
    size_t at = base;
    for (size_t i = 0; i < f->count; i++) {
        const struct form *other = &f->forms[i];
        bool together = other->last >= wanted->first && other->first <= wanted->last;
        if (together && at < *other->offset + aligned(other->bytes) &&
            *other->offset < at + aligned(wanted->bytes)) {
            at = *other->offset + aligned(other->bytes);
            i = SIZE_MAX;           /* begin again: this place may touch an earlier one */
        }
    }
    return at;
}

/* The last layer that reads the bytes of a value, under whatever shape; the layer that writes it, if none does. */
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

/* Until they have a place, forms that are needed stand at 0. */
static void choose_paths(struct sparrow_model *m)
{
    for (size_t i = 0; i < m->layer_count; i++) {
        m->layers[i].path = SP_PATH_PLAIN;
        m->layers[i].kernel = "scalar";
        if (m->values[i + 1].root == i + 1)
            m->values[i + 1].plain = 0;
    }
}

int sp_plan_make(struct sp_loader *l)
{
    struct sparrow_model *m = l->model;
    choose_paths(m);
    struct forms forms = {.forms = sp_loader_alloc(l, 2 * m->layer_count, sizeof(struct form))};
    if (forms.forms == NULL)
        return SPARROW_NO_MEMORY;
    m->features = own_room(&forms, m->values[0].elements);
    m->work = own_room(&forms, sp_front_end_work_bytes(m->front_end));
    place_active(m, &forms);
    place_sums(m, &forms);
    if (forms.end > SP_LIMIT_SCRATCH_BYTES)
        return sp_loader_fail(l, SPARROW_BAD_MODEL,
                              "a replica would need %zu bytes of memory; the limit is %zu", forms.end,
                              SP_LIMIT_SCRATCH_BYTES);
    m->scratch_bytes = forms.end;
    return SPARROW_OK;
}
