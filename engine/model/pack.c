/* pack.c - weights in the forms of kernels/cpu/lanes.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/model/pack.h"

#include <stdlib.h>
#include <string.h>

#include "engine/model/loader.h"

/* Bytes of a step's tables: 8 outputs x 16 weights. */
#define TABLES (SP_LANES_GROUP * SP_LANES_WINDOW)

/* ---- which layers can ---- */

/* What a tap reads: this far from the output's position, or from twice it (split). */
static ptrdiff_t tap_shift(const struct sp_conv_params *c, size_t tap)
{
    return (ptrdiff_t)tap - (ptrdiff_t)c->shape.pad_left;
}

/* Whether all reads of all taps stay inside of a row of `length` positions that begins with the
 * margin. */
static bool taps_fit(const struct sp_conv_params *c, size_t length)
{
    ptrdiff_t stride = (ptrdiff_t)c->shape.stride_width;
    ptrdiff_t first = tap_shift(c, 0), last = tap_shift(c, c->shape.kernel_width - 1);
    if (SP_LANES_MARGIN * stride + first < 0)
        return false;
    size_t reach = sp_lanes_row(c->shape.out_width) + SP_LANES_MARGIN;
    return last <= 0 || reach + (size_t)(last / stride) <= length;
}

/* One row of positions, one row of taps. */
static bool is_temporal(const struct sp_conv_shape *s)
{
    return s->in_height == 1 && s->out_height == 1 && s->kernel_height == 1 && s->pad_top == 0;
}

bool sp_pack_can_stem(const struct sp_conv_params *c, uint32_t max)
{
    const struct sp_conv_shape *s = &c->shape;
    if (!is_temporal(s) || s->stride_width != 1 || s->out_channels % 4 != 0 ||
        c->weights.encoding != SP_DENSE || c->weights.full > SP_PACK_FULL_LIMIT ||
        s->in_channels < 4 || !taps_fit(c, sp_lanes_length(s->in_width)))
        return false;
    /* ARITHMETIC.md section 3: two products of a value above 127 need small weights to fit s16. */
    for (uint64_t i = 0; max > 127 && i < c->weights.full; i++)
        if (abs(c->weights.dense[i]) > 64)
            return false;
    return true;
}

bool sp_pack_can_conv(const struct sp_conv_params *c, const struct sp_lanes_winners_shape *in)
{
    const struct sp_conv_shape *s = &c->shape;
    bool split = s->stride_width == 2;
    return is_temporal(s) && s->stride_width <= 2 && s->out_channels % SP_LANES_GROUP == 0 &&
           c->weights.full <= SP_PACK_FULL_LIMIT &&
           taps_fit(c, sp_lanes_length(split ? (in->width + 1) / 2 : in->width));
}

bool sp_pack_can_winners(const struct sp_block_winners *b, const struct sp_value *in)
{
    bool known = (b->block == 8 && b->winners <= 2) || (b->block == 16 && b->winners == 2);
    if (!known || in->height != 1 || in->channels % SP_LANES_WINDOW != 0 ||
        (1u << b->rank_shift) < b->block)
        return false;
    uint64_t hi = in->hi > 0 ? (uint64_t)in->hi : 0;
    for (size_t i = 0; i < in->channels / b->q.share; i++)
        if ((hi * b->q.multipliers[i] + ((uint64_t)1 << (b->q.shifts[i] - 1))) >> b->q.shifts[i] >
            INT32_MAX)
            return false;
    return true;
}

/* ---- stem ---- */

int sp_pack_stem(struct sp_loader *l, struct sp_conv_params *c)
{
    const struct sp_conv_shape *s = &c->shape;
    size_t quads = (s->in_channels + 3) / 4;
    int8_t *weights = sp_loader_alloc(l, s->out_channels * s->kernel_width, quads * 4);
    if (weights == NULL)
        return SPARROW_NO_MEMORY;
    for (size_t i = 0; i < s->out_channels * s->kernel_width; i++)
        memcpy(weights + i * quads * 4, c->weights.dense + i * s->in_channels, s->in_channels);
    c->stem = (struct sp_lanes_stem){
        .in_width = s->in_width,
        .in_channels = s->in_channels,
        .out_width = s->out_width,
        .out_channels = s->out_channels,
        .taps = s->kernel_width,
        .pad_left = s->pad_left,
        .quads = quads,
        .weights = weights,
        .bias = c->bias,
    };
    return SPARROW_OK;
}

/* ---- convolutions of winners ---- */

/* What is being packed: growing lists of runs and steps, and the bounds of the run in hand. */
struct packing {
    struct sp_conv_params *conv;
    const struct sp_lanes_winners_shape *in;
    uint32_t max;
    uint32_t *first_run, *first_step;
    struct sp_lanes_step *steps;
    int8_t *tables;
    size_t runs, step_count, table_count;
    int32_t lo[SP_LANES_GROUP], hi[SP_LANES_GROUP];
};

int8_t *sp_pack_unfold(const struct sp_conv_params *c)
{
    size_t taps = c->shape.kernel_height * c->shape.kernel_width, in = c->shape.in_channels;
    int8_t *full = calloc((size_t)c->weights.full, 1);
    if (full == NULL)
        return NULL;
    const struct sp_windows *w = &c->weights.windows;
    const struct sp_indexed *x = &c->weights.indexed;
    switch (c->weights.encoding) {
    case SP_DENSE:
        memcpy(full, c->weights.dense, (size_t)c->weights.full);
        break;
    case SP_WINDOWS:
        for (size_t i = 0; i < w->places * w->window * w->group; i++) {
            const struct sp_place *p = &w->place[i / w->group / w->window];
            size_t out = p->group * w->group + i % w->group;
            full[(out * taps + p->tap) * in + p->window * w->window + i / w->group % w->window] =
                w->values[i];
        }
        break;
    case SP_INDEXED:
        for (size_t o = 0, i = 0; o < c->shape.out_channels; o++)
            for (size_t j = 0; j < x->counts[o]; j++, i++)
                full[o * taps * in + x->positions[i]] = x->values[i];
        break;
    }
    return full;
}

/* How far the largest `n` of a block's weights can bring a sum, up (sign 1) or down (-1): no more
 * than n win. */
static int32_t reach(const int8_t *weights, size_t block, size_t n, int sign)
{
    int32_t best[2] = {0, 0};
    for (size_t i = 0; i < block; i++) {
        int32_t w = sign * weights[i];
        if (w > best[0]) {
            best[1] = best[0];
            best[0] = w;
        } else if (w > best[1]) {
            best[1] = w;
        }
    }
    return best[0] + (n > 1 ? best[1] : 0);
}

/* The same for a pair of winners of a window. */
static int32_t pair_reach(const struct packing *k, const int8_t *table, size_t pair, int sign)
{
    const struct sp_lanes_winners_shape *in = k->in;
    if (in->winners == 2) /* both come from one block */
        return sign * (int32_t)k->max * reach(table + pair * in->block, in->block, 2, sign);
    return sign * (int32_t)k->max *
           (reach(table, in->block, 1, sign) + reach(table + in->block, in->block, 1, sign));
}

static uint32_t step_input(const struct packing *k, size_t tap, size_t array)
{
    ptrdiff_t shift = tap_shift(k->conv, tap);
    bool split = k->conv->split;
    size_t arrays = k->in->windows * k->in->pairs, row = sp_lanes_array(k->in, split);
    if (split) {
        ptrdiff_t odd = shift & 1;
        array += (size_t)odd * arrays;
        shift = (shift - odd) / 2;
    }
    return (uint32_t)(array * row + 2 * (size_t)(SP_LANES_MARGIN + shift));
}

/* Adds one pair of a window as a step; opens a run if the one in hand could leave 16 bits. */
static void add_step(struct packing *k, size_t tap, size_t window, size_t pair, bool *in_run)
{
    const int8_t *tables = k->tables + k->table_count * TABLES;
    int32_t lo[SP_LANES_GROUP], hi[SP_LANES_GROUP];
    bool fits = *in_run, any = false;
    for (size_t o = 0; o < SP_LANES_GROUP; o++) {
        lo[o] = pair_reach(k, tables + o * SP_LANES_WINDOW, pair, -1);
        hi[o] = pair_reach(k, tables + o * SP_LANES_WINDOW, pair, 1);
        any = any || lo[o] != 0 || hi[o] != 0;
        fits = fits && k->lo[o] + lo[o] >= INT16_MIN && k->hi[o] + hi[o] <= INT16_MAX;
    }
    if (!any)
        return;
    if (!fits) {
        k->first_step[k->runs++] = (uint32_t)k->step_count;
        memset(k->lo, 0, sizeof(k->lo));
        memset(k->hi, 0, sizeof(k->hi));
        *in_run = true;
    }
    for (size_t o = 0; o < SP_LANES_GROUP; o++) {
        k->lo[o] += lo[o];
        k->hi[o] += hi[o];
    }
    k->steps[k->step_count++] = (struct sp_lanes_step){
        .input = step_input(k, tap, window * k->in->pairs + pair),
        .table = (uint32_t)(k->table_count * TABLES),
    };
}

/* The tables of a group, tap and window stand at the end of the list until another takes their
 * place. */
static void fill_tables(struct packing *k, const int8_t *full, size_t group, size_t tap,
                        size_t window)
{
    const struct sp_conv_shape *s = &k->conv->shape;
    for (size_t o = 0; o < SP_LANES_GROUP; o++) {
        size_t row = (group * SP_LANES_GROUP + o) * s->kernel_width + tap;
        memcpy(k->tables + k->table_count * TABLES + o * SP_LANES_WINDOW,
               full + row * s->in_channels + window * SP_LANES_WINDOW, SP_LANES_WINDOW);
    }
}

static void pack_group(struct packing *k, const int8_t *full, size_t group)
{
    const struct sp_conv_shape *s = &k->conv->shape;
    bool in_run = false;
    k->first_run[group] = (uint32_t)k->runs;
    for (size_t tap = 0; tap < s->kernel_width; tap++)
        for (size_t w = 0; w < k->in->windows; w++) {
            size_t before = k->step_count;
            fill_tables(k, full, group, tap, w);
            for (size_t pair = 0; pair < k->in->pairs; pair++)
                add_step(k, tap, w, pair, &in_run);
            k->table_count += k->step_count > before ? 1 : 0;
        }
}

/* How many (group, tap, window) have a weight that is not 0. */
static size_t count_tables(const struct sp_conv_shape *s, const int8_t *full)
{
    size_t count = 0, windows = s->kernel_width * s->in_channels / SP_LANES_WINDOW;
    size_t row = s->kernel_width * s->in_channels;
    for (size_t i = 0; i < s->out_channels / SP_LANES_GROUP * windows; i++) {
        const int8_t *at =
            full + i / windows * SP_LANES_GROUP * row + i % windows * SP_LANES_WINDOW;
        bool any = false;
        for (size_t j = 0; j < TABLES; j++)
            any = any || at[j / SP_LANES_WINDOW * row + j % SP_LANES_WINDOW] != 0;
        count += any;
    }
    return count;
}

int sp_pack_conv(struct sp_loader *l, struct sp_conv_params *c,
                 const struct sp_lanes_winners_shape *in, uint32_t max)
{
    int8_t *full = sp_pack_unfold(c);
    if (full == NULL)
        return sp_loader_fail(l, SPARROW_NO_MEMORY, "no memory to unfold its weights");
    size_t groups = c->shape.out_channels / SP_LANES_GROUP, tables = count_tables(&c->shape, full);
    size_t steps = tables * in->pairs;
    c->split = c->shape.stride_width == 2;
    struct packing k = {
        .conv = c,
        .in = in,
        .max = max,
        .first_run = sp_loader_alloc(l, groups + 1, sizeof(uint32_t)),
        .first_step = sp_loader_alloc(l, steps + 1, sizeof(uint32_t)),
        .steps = sp_loader_alloc(l, steps, sizeof(struct sp_lanes_step)),
        .tables = sp_loader_alloc(l, tables + 1, TABLES), /* one to try what may turn out empty */
    };
    int status = SPARROW_NO_MEMORY;
    if (k.first_run == NULL || k.first_step == NULL || k.steps == NULL || k.tables == NULL)
        goto done;
    for (size_t g = 0; g < groups; g++)
        pack_group(&k, full, g);
    k.first_run[groups] = (uint32_t)k.runs;
    k.first_step[k.runs] = (uint32_t)k.step_count;
    c->lanes = (struct sp_lanes_conv){
        .width = c->shape.out_width,
        .groups = groups,
        .first_run = k.first_run,
        .first_step = k.first_step,
        .steps = k.steps,
        .tables = k.tables,
        .bias = c->bias,
        .value_offset = sp_lanes_plane(in, c->split),
    };
    status = SPARROW_OK;

done:
    free(full);
    return status;
}
