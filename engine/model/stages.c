/* stages.c - finds what the lanes of kernels/cpu/lanes.h can run.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/model/pack.h"

#include <stdlib.h>

/* The shifts that leave (top * multiplier + half) within 32 bits: lanes.h. */
#define SHIFT_LIMIT 24

/* How many layers read a value, under whatever shape. */
static size_t readers(const struct sparrow_model *m, size_t value)
{
    size_t n = m->values[m->layer_count].root == value ? 1 : 0;
    for (size_t i = 0; i < m->layer_count; i++)
        for (size_t j = 0; j < m->layers[i].input_count; j++)
            n += m->values[m->layers[i].inputs[j]].root == value;
    return n;
}

/* A value of a layer of this kind that one layer alone reads. */
static bool is_private(const struct sparrow_model *m, size_t value, enum sp_op op)
{
    return value > 0 && m->values[value].root == value && m->layers[value - 1].op == op &&
           readers(m, value) == 1;
}

static bool can_winners(const struct sp_block_winners *b, const struct sp_value *in)
{
    if (b->block != SP_LANES_BLOCK || b->winners > 2 || b->rank_shift < 3 || in->height != 1 ||
        in->channels % SP_LANES_WINDOW != 0)
        return false;
    for (size_t i = 0; i < in->channels / b->q.share; i++)
        if (b->q.shifts[i] > SHIFT_LIMIT)
            return false;
    return true;
}

/* One row of positions, one row of taps. */
static bool is_temporal(const struct sp_conv_shape *s)
{
    return s->in_height == 1 && s->out_height == 1 && s->kernel_height == 1 && s->pad_top == 0 &&
           s->stride_width <= 2;
}

/* Whether all reads of all taps stay inside of a row's margin, its content and the next margin. */
static bool taps_fit(const struct sp_conv_shape *s)
{
    bool split = s->stride_width == 2;
    size_t width = split ? (s->in_width + 1) / 2 : s->in_width;
    size_t last = s->kernel_width - 1 > s->pad_left ? s->kernel_width - 1 - s->pad_left : 0;
    size_t positions = (s->out_width + SP_LANES_MOST - 1) / SP_LANES_MOST * SP_LANES_MOST;
    return s->pad_left <= SP_LANES_MARGIN * s->stride_width &&
           positions + last / s->stride_width <= sp_lanes_content(width) + SP_LANES_MARGIN;
}

/* Two products of a feature and a weight fit s16: ARITHMETIC.md section 3. */
static bool pairs_fit(const struct sp_weights *w, uint32_t max)
{
    size_t n = w->encoding == SP_DENSE ? (size_t)w->full : (size_t)w->stored;
    const int8_t *values = w->encoding == SP_DENSE     ? w->dense
                           : w->encoding == SP_WINDOWS ? w->windows.values
                                                       : w->indexed.values;
    for (size_t i = 0; max > 127 && i < n; i++)
        if (abs(values[i]) > 64)
            return false;
    return true;
}

static bool can_conv(const struct sparrow_model *m, const struct sp_layer *layer)
{
    const struct sp_value *in = &m->values[layer->inputs[0]];
    const struct sp_conv_params *c = &layer->conv;
    bool features = layer->inputs[0] == 0;
    return is_temporal(&c->shape) && c->weights.full <= SP_PACK_FULL_LIMIT && taps_fit(&c->shape) &&
           (features ? pairs_fit(&c->weights, in->max)
                     : in->root == layer->inputs[0] && in->form.windows != 0);
}

/* Convolutions that all read features, or none of them does. */
static bool can_parts(const struct sparrow_model *m, const struct sp_stage_parts *parts)
{
    bool features = m->layers[parts->conv[0]].inputs[0] == 0;
    for (size_t i = 0; i < parts->conv_count; i++) {
        const struct sp_layer *layer = &m->layers[parts->conv[i]];
        if (!can_conv(m, layer) || (layer->inputs[0] == 0) != features)
            return false;
    }
    return true;
}

bool sp_stages_find(const struct sparrow_model *m, size_t winners, struct sp_stage_parts *ret_parts)
{
    const struct sp_layer *layer = &m->layers[winners];
    size_t sums = layer->inputs[0];
    struct sp_stage_parts parts = {.winners = winners, .add = SP_NO_ADD};
    if (layer->op != SP_OP_BLOCK_WINNERS || !can_winners(&layer->block_winners, &m->values[sums]))
        return false;
    if (is_private(m, sums, SP_OP_CONV)) {
        parts.conv[parts.conv_count++] = sums - 1;
    } else if (is_private(m, sums, SP_OP_ADD)) {
        const struct sp_layer *add = &m->layers[sums - 1];
        parts.add = sums - 1;
        for (size_t i = 0; i < add->input_count; i++) {
            if (add->add.multipliers[i] != 1 || !is_private(m, add->inputs[i], SP_OP_CONV))
                return false;
            parts.conv[parts.conv_count++] = add->inputs[i] - 1;
        }
    }
    if (parts.conv_count == 0 || !can_parts(m, &parts))
        return false;
    *ret_parts = parts;
    return true;
}
