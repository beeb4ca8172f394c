/* words_pack.c - the weights of a layer as steps and tables of kernels/cpu/words.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "engine/model/loader.h"
#include "engine/model/pack.h"
#include "engine/model/words.h"

/* Tables beyond this do not pay: they would pass through the caches for every sixteen words. */
#define TABLE_LIMIT ((size_t)8 << 20)

struct packing {
    struct sp_loader *l;
    const struct sp_words_place *place;
    const struct sp_words_form *form;
    struct sp_conv_shape shape; /* over the value that is read; a mean is a convolution too */
    const int8_t *full;         /* out x taps x in; NULL: a mean */
    size_t taps, position_bytes, window_bytes, table_bytes;
};

/* ---- shape ---- */

/* A layer over a value of this shape as a convolution; false if it is none. */
static bool shape_of(const struct sparrow_model *m, const struct sp_layer *layer,
                     struct sp_conv_shape *ret_shape)
{
    const struct sp_value *in = &m->values[layer->inputs[0]], *root = &m->values[in->root];
    if (layer->op == SP_OP_CONV) {
        *ret_shape = layer->conv.shape;
        return root->height == in->height && root->width == in->width;
    }
    *ret_shape = (struct sp_conv_shape){
        .in_height = root->height,
        .in_width = root->width,
        .in_channels = root->channels,
        .out_height = 1,
        .out_width = 1,
        .out_channels = layer->op == SP_OP_LINEAR ? layer->conv.shape.out_channels : in->channels,
        .kernel_height = root->height,
        .kernel_width = root->width,
        .stride_height = 1,
        .stride_width = 1,
    };
    return layer->op == SP_OP_LINEAR || (root->height == in->height && root->width == in->width);
}

/* ---- spots ---- */

/* The taps, along one dimension, that lie inside of the value. */
struct span {
    size_t first, end;
};

static struct span inside(size_t at, size_t stride, size_t pad, size_t kernel, size_t in)
{
    size_t start = at * stride; /* of the kernel, in front of which `pad` is */
    struct span s = {start < pad ? pad - start : 0, kernel};
    if (start + kernel > in + pad)
        s.end = start < in + pad ? in + pad - start : 0;
    if (s.first > s.end)
        s.first = s.end;
    return s;
}

static struct sp_words_spot spot_at(const struct packing *k, size_t y, size_t x)
{
    const struct sp_conv_shape *s = &k->shape;
    struct span rows = inside(y, s->stride_height, s->pad_top, s->kernel_height, s->in_height);
    struct span cols = inside(x, s->stride_width, s->pad_left, s->kernel_width, s->in_width);
    ptrdiff_t row = (ptrdiff_t)(y * s->stride_height) - (ptrdiff_t)s->pad_top;
    ptrdiff_t col = (ptrdiff_t)(x * s->stride_width) - (ptrdiff_t)s->pad_left;
    ptrdiff_t position = row * (ptrdiff_t)s->in_width + col;
    struct sp_words_spot spot = {
        .input = (int32_t)(position * (ptrdiff_t)k->position_bytes),
        .tap = (uint16_t)(rows.first * s->kernel_width + cols.first),
        .taps = (uint16_t)(cols.end - cols.first),
        .rows = (uint16_t)(rows.end - rows.first),
    };
    if (spot.taps == s->kernel_width) { /* whole rows are one */
        spot.taps = (uint16_t)(spot.taps * spot.rows);
        spot.rows = 1;
    }
    return spot;
}

static const struct sp_words_spot *make_spots(const struct packing *k)
{
    const struct sp_words_place *p = k->place;
    size_t pool = p->pool_height * p->pool_width, n = p->height * p->width * pool;
    struct sp_words_spot *spots = sp_loader_alloc(k->l, n, sizeof(*spots));
    for (size_t i = 0; spots != NULL && i < n; i++) {
        size_t out = i / pool, y = out / p->width, x = out % p->width;
        spots[i] = spot_at(k, y * p->pool_height + i % pool / p->pool_width,
                           x * p->pool_width + i % p->pool_width);
    }
    return spots;
}

/* ---- tables ---- */

static int8_t weight_at(const struct packing *k, size_t out, size_t tap, size_t channel)
{
    const struct sp_conv_shape *s = &k->shape;
    if (out >= s->out_channels || channel >= s->in_channels)
        return 0;
    if (k->full == NULL)
        return out == channel;
    return k->full[(out * k->taps + tap) * s->in_channels + channel];
}

/* The weights of a group in a window; false if all of them are 0. */
static bool fill_table(const struct packing *k, size_t group, size_t tap, size_t window,
                       int8_t *table)
{
    bool any = false;
    for (size_t i = 0; i < k->table_bytes; i++) {
        table[i] = weight_at(k, group * SP_WORDS_GROUP + i / k->form->window, tap,
                             window * k->form->window + i % k->form->window);
        any = any || table[i] != 0;
    }
    return any;
}

static uint32_t step_input(const struct packing *k, size_t tap, size_t window)
{
    size_t position = tap / k->shape.kernel_width * k->shape.in_width + tap % k->shape.kernel_width;
    return (uint32_t)(position * k->position_bytes + window * k->window_bytes);
}

/* Steps and tables in their order; a mean's tables are the same at all taps. With steps NULL they
 * are only counted. */
struct counts {
    size_t steps, tables;
};

static struct counts fill_group(const struct packing *k, size_t group, struct counts at,
                                uint32_t *first, struct sp_words_step *steps, int8_t *tables)
{
    int8_t spare[SP_WORDS_GROUP * 32];
    size_t tap_tables = at.tables;
    for (size_t tap = 0; tap < k->taps; tap++) {
        if (first != NULL)
            first[tap] = (uint32_t)at.steps;
        if (k->full == NULL)
            at.tables = tap_tables;
        for (size_t w = 0; w < k->form->windows; w++) {
            int8_t *table = tables != NULL ? tables + at.tables * k->table_bytes : spare;
            if (!fill_table(k, group, tap, w, table))
                continue;
            if (steps != NULL)
                steps[at.steps] = (struct sp_words_step){step_input(k, tap, w),
                                                         (uint32_t)(at.tables * k->table_bytes)};
            at.steps++;
            at.tables++;
        }
    }
    if (first != NULL)
        first[k->taps] = (uint32_t)at.steps;
    return at;
}

static int make_tables(const struct packing *k, struct sp_words_part *part, bool *ret_fits)
{
    struct counts n = {0, 0};
    for (size_t g = 0; g < k->place->groups; g++)
        n = fill_group(k, g, n, NULL, NULL, NULL);
    if (n.tables * k->table_bytes > TABLE_LIMIT)
        return SPARROW_OK;
    uint32_t *first = sp_loader_alloc(k->l, k->place->groups * (k->taps + 1), sizeof(*first));
    struct sp_words_step *steps = sp_loader_alloc(k->l, n.steps, sizeof(*steps));
    /* one more than there are, to try what may turn out empty */
    int8_t *tables = sp_loader_alloc(k->l, n.tables + 1, k->table_bytes);
    if (first == NULL || steps == NULL || tables == NULL)
        return SPARROW_NO_MEMORY;
    n = (struct counts){0, 0};
    for (size_t g = 0; g < k->place->groups; g++)
        n = fill_group(k, g, n, first + g * (k->taps + 1), steps, tables);
    part->first = first;
    part->steps = steps;
    part->tables = tables;
    *ret_fits = true;
    return SPARROW_OK;
}

int sp_words_pack(struct sp_loader *l, struct sp_words_program *program,
                  const struct sp_words_place *place, struct sp_words_part *part, bool *ret_fits)
{
    const struct sparrow_model *m = l->model;
    const struct sp_layer *layer = &m->layers[place->layer];
    struct packing k = {.l = l, .place = place};
    *ret_fits = false;
    k.form = &program->values[m->values[layer->inputs[0]].root].form;
    if (k.form->window == 0 || !shape_of(m, layer, &k.shape))
        return SPARROW_OK;
    k.taps = k.shape.kernel_height * k.shape.kernel_width;
    bool weighted = layer->op != SP_OP_MEAN_POOL;
    if (k.taps > UINT16_MAX || (weighted && layer->conv.weights.full > SP_PACK_FULL_LIMIT))
        return SPARROW_OK;
    k.position_bytes = sp_words_position_bytes(k.form);
    k.window_bytes = k.form->window == 4 ? SP_WORDS_QUAD : SP_WORDS_WINDOW;
    k.table_bytes = SP_WORDS_GROUP * k.form->window;
    *part = (struct sp_words_part){
        .window = k.form->window,
        .all_taps = k.taps,
        .row_taps = k.shape.kernel_width,
        .spots = make_spots(&k),
    };
    int8_t *full = weighted ? sp_pack_unfold(&layer->conv) : NULL;
    if (part->spots == NULL || (weighted && full == NULL))
        return sp_loader_fail(l, SPARROW_NO_MEMORY, "no memory to unfold its weights");
    k.full = full;
    int status = make_tables(&k, part, ret_fits);
    free(full);
    return status;
}
