/* words_pack.c - the weights of a stage as steps and tables of kernels/cpu/words.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "engine/model/loader.h"
#include "engine/model/pack.h"
#include "engine/model/words.h"

/* Tables and runs beyond these do not pay: they would pass through the caches for every sixteen
 * words. */
#define TABLE_LIMIT ((size_t)8 << 20)
#define RUN_LIMIT   ((size_t)1 << 18)

/* One convolution of a stage. */
struct term {
    struct sp_conv_shape shape; /* over the value that is read */
    const struct sp_words_form *form;
    size_t input; /* of the value, in the scratch */
    size_t taps, first_tap;
    size_t position_bytes, window_bytes, table_bytes;
    int8_t *full; /* out x taps x in; NULL: a mean */
};

struct packing {
    struct sp_loader *l;
    struct sp_words_stage *stage;
    uint32_t max; /* of an input */
    size_t count;
    struct term terms[SP_WORDS_TERMS];
};

/* ---- shape ---- */

/* A layer over a value of this form as a convolution; false if it is none. */
static bool shape_of(const struct sparrow_model *m, const struct sp_layer *layer,
                     const struct sp_words_form *form, struct sp_conv_shape *ret_shape)
{
    const struct sp_value *in = &m->values[layer->inputs[0]], *root = &m->values[in->root];
    if (form->image) { /* a window reaches beyond a row where weights end, not where padding does */
        if (layer->op != SP_OP_CONV || in->channels != 1)
            return false;
        const struct sp_conv_shape *s = ret_shape;
        *ret_shape = layer->conv.shape;
        return s->pad_left == 0 &&
               (s->out_width - 1) * s->stride_width + s->kernel_width <= s->in_width;
    }
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

/* Whether the products of two neighbouring inputs of up to max fit s16, for two neighbouring
 * weights of a quad or any two of a window. */
static bool pairs_fit(const struct term *t, uint32_t max)
{
    size_t n = t->shape.out_channels * t->taps * t->shape.in_channels;
    for (size_t i = 0; t->full != NULL && max > 127 && i < n; i++)
        if (abs(t->full[i]) > 64) /* ARITHMETIC.md section 3 */
            return false;
    return true;
}

/* Takes a layer in; false if it does not fit, or, with *ret_status set, if memory is short. */
static bool open_term(struct packing *k, const struct sp_words_program *program, size_t index,
                      int *ret_status)
{
    const struct sparrow_model *m = k->l->model;
    const struct sp_layer *layer = &m->layers[index];
    const struct sp_words_value *from = &program->values[m->values[layer->inputs[0]].root];
    struct term *t = &k->terms[k->count];
    if (from->form.window == 0 || !shape_of(m, layer, &from->form, &t->shape))
        return false;
    t->form = &from->form;
    t->input = from->at;
    t->taps = t->shape.kernel_height * t->shape.kernel_width;
    t->first_tap = k->stage->all_taps;
    t->position_bytes = sp_words_position_bytes(t->form);
    t->window_bytes = sp_words_window_bytes(t->form->window);
    t->table_bytes = SP_WORDS_GROUP * (t->form->window == 2 ? 4 : t->form->window);
    k->stage->window = k->count == 0 || k->stage->window == t->form->window ? t->form->window : 0;
    k->stage->all_taps += t->taps;
    if (k->stage->all_taps > UINT16_MAX)
        return false;
    if (layer->op != SP_OP_MEAN_POOL) {
        if (layer->conv.weights.full > SP_PACK_FULL_LIMIT)
            return false;
        t->full = sp_pack_unfold(&layer->conv);
        if (t->full == NULL)
            *ret_status =
                sp_loader_fail(k->l, SPARROW_NO_MEMORY, "no memory to unfold its weights");
    }
    k->count++;
    return *ret_status == 0 && (!program->kernels->pairs ||
                                pairs_fit(t, m->values[m->values[layer->inputs[0]].root].max));
}

/* ---- taps ---- */

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

/* The runs of taps of a term at an output position; writes them where `taps` is not NULL. */
static size_t runs_at(const struct term *t, size_t y, size_t x, struct sp_words_taps *taps)
{
    const struct sp_conv_shape *s = &t->shape;
    struct span rows = inside(y, s->stride_height, s->pad_top, s->kernel_height, s->in_height);
    struct span cols = inside(x, s->stride_width, s->pad_left, s->kernel_width, s->in_width);
    ptrdiff_t row = (ptrdiff_t)(y * s->stride_height) - (ptrdiff_t)s->pad_top;
    ptrdiff_t col = (ptrdiff_t)(x * s->stride_width) - (ptrdiff_t)s->pad_left;
    ptrdiff_t position = row * (ptrdiff_t)s->in_width + col;
    size_t count = cols.end - cols.first, n = rows.end - rows.first;
    if (count == 0 || n == 0)
        return 0;
    if (count == s->kernel_width) { /* whole rows are one run */
        count *= n;
        n = 1;
    }
    for (size_t i = 0; taps != NULL && i < n; i++)
        taps[i] = (struct sp_words_taps){
            .input = (int32_t)((ptrdiff_t)t->input + position * (ptrdiff_t)t->position_bytes),
            .tap = (uint16_t)(t->first_tap + (rows.first + i) * s->kernel_width + cols.first),
            .count = (uint16_t)count,
            .window = (uint16_t)t->form->window,
        };
    return n;
}

/* All runs, position by position, within it pooled position by pooled position, then term by term.
 */
static size_t all_runs(const struct packing *k, const struct sp_words_place *p, uint32_t *runs,
                       struct sp_words_taps *taps)
{
    size_t pool = p->pool_height * p->pool_width, n = p->height * p->width * pool, at = 0;
    for (size_t i = 0; i < n; i++) {
        size_t out = i / pool, y = out / p->width, x = out % p->width;
        runs[i] = (uint32_t)at;
        for (size_t j = 0; j < k->count; j++)
            at += runs_at(&k->terms[j], y * p->pool_height + i % pool / p->pool_width,
                          x * p->pool_width + i % p->pool_width, taps != NULL ? taps + at : NULL);
    }
    runs[n] = (uint32_t)at;
    return at;
}

static int make_taps(struct packing *k, const struct sp_words_place *p, bool *ret_fits)
{
    size_t n = p->height * p->width * p->pool_height * p->pool_width;
    uint32_t *runs = sp_loader_alloc(k->l, n + 1, sizeof(*runs));
    if (runs == NULL)
        return SPARROW_NO_MEMORY;
    size_t count = all_runs(k, p, runs, NULL);
    *ret_fits = count <= RUN_LIMIT;
    if (!*ret_fits)
        return SPARROW_OK;
    struct sp_words_taps *taps = sp_loader_alloc(k->l, count, sizeof(*taps));
    if (taps == NULL)
        return SPARROW_NO_MEMORY;
    all_runs(k, p, runs, taps);
    k->stage->runs = runs;
    k->stage->taps = taps;
    k->stage->whole = k->stage->pool > 1 && count == n;
    for (size_t i = 0; i < n && k->stage->whole; i++)
        k->stage->whole = runs[i] == i && taps[i].count == k->stage->all_taps;
    return SPARROW_OK;
}

/* ---- tables ---- */

static int8_t weight_at(const struct term *t, size_t out, size_t tap, size_t channel)
{
    const struct sp_conv_shape *s = &t->shape;
    if (out >= s->out_channels || channel >= s->in_channels)
        return 0;
    if (t->full == NULL)
        return out == channel;
    return t->full[(out * t->taps + tap) * s->in_channels + channel];
}

/* The weights of a group in a window; false if all of them are 0. */
static bool fill_table(const struct term *t, size_t group, size_t tap, size_t window, int8_t *table)
{
    bool any = false;
    for (size_t i = 0; i < t->table_bytes; i++) {
        table[i] = weight_at(t, group * SP_WORDS_GROUP + i / t->form->window, tap,
                             window * t->form->window + i % t->form->window);
        any = any || table[i] != 0;
    }
    return any;
}

/* The same of an image: weights of this tap and the next ones in the kernel's row, as many as a
 * window has, and again in four bytes; false if those of this tap are all 0. */
static bool fill_run(const struct term *t, size_t group, size_t tap, int8_t *table)
{
    size_t left = t->shape.kernel_width - tap % t->shape.kernel_width;
    bool any = false;
    for (size_t i = 0; i < t->table_bytes; i++) {
        size_t on = i % t->form->window;
        table[i] = on < left ? weight_at(t, group * SP_WORDS_GROUP + i / 4, tap + on, 0) : 0;
        any = any || (on == 0 && table[i] != 0);
    }
    return any;
}

static size_t step_input(const struct term *t, size_t tap, size_t window)
{
    size_t position = tap / t->shape.kernel_width * t->shape.in_width + tap % t->shape.kernel_width;
    return position * t->position_bytes + window * t->window_bytes;
}

/* Where the next step and table go; with steps NULL they are only counted. */
struct lists {
    uint32_t *first;
    struct sp_words_step *steps;
    int8_t *tables;
    size_t step_count, table_bytes;
};

/* The step of a group at a tap and window; false if it has none. */
static bool fill_step(const struct term *t, size_t group, size_t tap, size_t window,
                      struct lists *to)
{
    int8_t spare[SP_WORDS_GROUP * 32];
    int8_t *table = to->steps != NULL ? to->tables + to->table_bytes : spare;
    if (!(t->form->image ? fill_run(t, group, tap, table)
                         : fill_table(t, group, tap, window, table)))
        return false;
    if (to->steps != NULL)
        to->steps[to->step_count] =
            (struct sp_words_step){(uint32_t)step_input(t, tap, window), (uint32_t)to->table_bytes};
    to->step_count++;
    to->table_bytes += t->table_bytes;
    return true;
}

static void fill_term(const struct term *t, size_t group, struct lists *to)
{
    size_t begin = to->table_bytes, covered = 0; /* taps, by the last run in an image */
    for (size_t tap = 0; tap < t->taps; tap++) {
        if (to->steps != NULL)
            *to->first++ = (uint32_t)to->step_count;
        if (t->full == NULL) /* a mean's tables are the same at all taps */
            to->table_bytes = begin;
        if (tap % t->shape.kernel_width == 0)
            covered = tap;
        for (size_t w = 0; w < t->form->windows && tap >= covered; w++)
            if (fill_step(t, group, tap, w, to) && t->form->image)
                covered = tap + t->form->window;
    }
}

static void fill_all(const struct packing *k, struct lists *to)
{
    for (size_t g = 0; g < k->stage->groups; g++) {
        for (size_t i = 0; i < k->count; i++) {
            to->table_bytes = (to->table_bytes + 63) / 64 * 64; /* after quads */
            fill_term(&k->terms[i], g, to);
        }
        if (to->steps != NULL)
            *to->first++ = (uint32_t)to->step_count;
    }
}

/* Windows of two are for short sums only. */
static int make_short(struct packing *k, struct sp_words_step *steps, bool *ret_fits)
{
    bool twos = false;
    for (size_t i = 0; i < k->count; i++)
        twos = twos || k->terms[i].form->window == 2;
    if (!twos)
        return SPARROW_OK;
    uint32_t *seconds = sp_loader_alloc(k->l, k->stage->groups, sizeof(*seconds));
    if (seconds == NULL)
        return SPARROW_NO_MEMORY;
    *ret_fits = sp_words_short(k->stage, k->max, steps, seconds);
    k->stage->seconds = seconds;
    return SPARROW_OK;
}

static int make_tables(struct packing *k, bool *ret_fits)
{
    struct lists lists = {0};
    fill_all(k, &lists);
    *ret_fits = lists.table_bytes <= TABLE_LIMIT;
    if (!*ret_fits)
        return SPARROW_OK;
    size_t taps = k->stage->groups * (k->stage->all_taps + 1);
    uint32_t *first = sp_loader_alloc(k->l, taps, sizeof(*first));
    struct sp_words_step *steps = sp_loader_alloc(k->l, lists.step_count, sizeof(*steps));
    /* and room to try what may turn out empty */
    int8_t *tables = sp_loader_alloc(k->l, lists.table_bytes + SP_WORDS_GROUP * 32, 1);
    if (first == NULL || steps == NULL || tables == NULL)
        return SPARROW_NO_MEMORY;
    lists = (struct lists){.first = first, .steps = steps, .tables = tables};
    fill_all(k, &lists);
    k->stage->first = first;
    k->stage->steps = steps;
    k->stage->tables = tables;
    return make_short(k, steps, ret_fits);
}

static uint32_t largest_input(const struct sparrow_model *m, const struct sp_words_terms *terms)
{
    uint32_t max = 0;
    for (size_t i = 0; i < terms->count; i++) {
        uint32_t own = m->values[m->values[m->layers[terms->layers[i]].inputs[0]].root].max;
        max = own > max ? own : max;
    }
    return max;
}

int sp_words_pack(struct sp_loader *l, const struct sp_words_program *program,
                  const struct sp_words_terms *terms, const struct sp_words_place *place,
                  struct sp_words_stage *stage, bool *ret_fits)
{
    struct packing k = {.l = l, .stage = stage, .max = largest_input(l->model, terms)};
    int status = SPARROW_OK;
    *ret_fits = false;
    for (size_t i = 0; i < terms->count; i++)
        if (!open_term(&k, program, terms->layers[i], &status))
            goto done;
    status = make_taps(&k, place, ret_fits);
    if (status == 0 && *ret_fits)
        status = make_tables(&k, ret_fits);
    if (status == 0 && *ret_fits)
        status = sp_words_lists(l, program->kernels, k.max, stage);

done:
    for (size_t i = 0; i < k.count; i++)
        free(k.terms[i].full);
    return status;
}
