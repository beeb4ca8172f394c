/* pack.c - weights in the forms of kernels/cpu/lanes.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/model/pack.h"

#include <stdlib.h>
#include <string.h>

#include "engine/model/loader.h"
#include "engine/model/pairs.h"

/* How many later steps are tried as a step's partner. */
#define PARTNERS 64

/* A step before it has its place in the list. */
struct step {
    size_t conv, tap, window; /* which of the stage's convolutions */
    bool taken;
};

/* A stage that is being packed. */
struct packing {
    const struct sparrow_model *m;
    const struct sp_stage_parts *parts;
    int8_t *full[SP_LIMIT_INPUTS]; /* each convolution's matrix, out x taps x in */
    struct sp_lanes_stage *stage;
    size_t window;      /* inputs of a step: a window's or a quad's */
    struct step *found; /* of the block in hand */
    size_t count;
    /* what is being written */
    struct sp_lanes_block *block;
    struct sp_lanes_step *steps;
    int8_t *weights;
    size_t step_count;
};

/* ---- matrices ---- */

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

static const struct sp_layer *conv_layer(const struct packing *k, size_t conv)
{
    return &k->m->layers[k->parts->conv[conv]];
}

static size_t windows_of(const struct packing *k, size_t conv)
{
    return (conv_layer(k, conv)->conv.shape.in_channels + k->window - 1) / k->window;
}

/* The weights of a step: 8 outputs x window, 0 for inputs that are not there. */
static void weights_of(const struct packing *k, size_t block, const struct step *step,
                       int8_t *ret_weights)
{
    const struct sp_conv_shape *s = &conv_layer(k, step->conv)->conv.shape;
    size_t left = s->in_channels - step->window * k->window;
    memset(ret_weights, 0, SP_LANES_BLOCK * k->window);
    for (size_t o = 0; o < SP_LANES_BLOCK; o++) {
        size_t row = (block * SP_LANES_BLOCK + o) * s->kernel_width + step->tap;
        memcpy(ret_weights + o * k->window,
               k->full[step->conv] + row * s->in_channels + step->window * k->window,
               left < k->window ? left : k->window);
    }
}

/* Finds the steps of a block that have a weight. `found` has room for all. */
static void find_steps(struct packing *k, size_t block)
{
    int8_t weights[SP_LANES_BLOCK * SP_LANES_WINDOW];
    k->count = 0;
    for (size_t c = 0; c < k->parts->conv_count; c++) {
        size_t windows = windows_of(k, c);
        for (size_t i = 0; i < conv_layer(k, c)->conv.shape.kernel_width * windows; i++) {
            struct step step = {.conv = c, .tap = i / windows, .window = i % windows};
            bool any = false;
            weights_of(k, block, &step, weights);
            for (size_t j = 0; j < SP_LANES_BLOCK * k->window; j++)
                any = any || weights[j] != 0;
            if (any)
                k->found[k->count++] = step;
        }
    }
}

/* ---- pairs of steps whose products add up in 16 bits ---- */

static struct sp_pairs_span span_of(const struct packing *k, size_t block, const struct step *step)
{
    int8_t weights[SP_LANES_BLOCK * SP_LANES_WINDOW];
    uint32_t max = k->m->values[conv_layer(k, step->conv)->inputs[0]].max;
    weights_of(k, block, step, weights);
    return sp_pairs_span_of(weights, k->window, max);
}

/* The first later step that fits to one; count if there is none. */
static size_t partner(const struct packing *k, size_t block, size_t step)
{
    struct sp_pairs_span own = span_of(k, block, &k->found[step]);
    for (size_t i = step + 1; i < k->count && i <= step + PARTNERS; i++) {
        if (k->found[i].taken)
            continue;
        struct sp_pairs_span other = span_of(k, block, &k->found[i]);
        if (sp_pairs_fit(&own, &other))
            return i;
    }
    return k->count;
}

/* ---- lists ---- */

/* Where a step's inputs lie for output position 0. */
static struct sp_lanes_step place_step(const struct packing *k, const struct step *step)
{
    const struct sp_layer *layer = conv_layer(k, step->conv);
    const struct sp_value *in = &k->m->values[layer->inputs[0]];
    bool split = sp_stages_reads_split(&layer->conv);
    ptrdiff_t shift = (ptrdiff_t)step->tap - (ptrdiff_t)layer->conv.shape.pad_left;
    ptrdiff_t odd = split ? shift & 1 : 0;
    if (split)
        shift = (shift - odd) / 2;
    size_t at = (split ? in->split : in->lanes) + sp_lanes_at(&in->form, split, step->window, odd);
    at = (size_t)((ptrdiff_t)at + 4 * shift);
    return (struct sp_lanes_step){
        .index = (uint32_t)at,
        .value = (uint32_t)(at + 4 * sp_lanes_row(in->form.width, split)),
    };
}

static void append(struct packing *k, size_t block, size_t found)
{
    struct step *step = &k->found[found];
    step->taken = true;
    weights_of(k, block, step, k->weights + k->step_count * SP_LANES_BLOCK * k->window);
    k->steps[k->step_count++] = place_step(k, step);
}

/* A block's steps: pairs first, then those that stay alone. */
static void pack_block(struct packing *k, size_t block)
{
    find_steps(k, block);
    k->block[block].first = (uint32_t)k->step_count;
    for (size_t i = 0; i < k->count; i++) {
        size_t other = k->found[i].taken ? k->count : partner(k, block, i);
        if (other == k->count)
            continue;
        append(k, block, i);
        append(k, block, other);
        k->block[block].twos++;
    }
    for (size_t i = 0; i < k->count; i++)
        if (!k->found[i].taken)
            append(k, block, i);
}

/* Room for the most steps that there can be, and for the lists of those that there are. */
static int make_room(struct sp_loader *l, struct packing *k)
{
    size_t most = 0, steps = 0, blocks = k->stage->blocks;
    for (size_t c = 0; c < k->parts->conv_count; c++)
        most += conv_layer(k, c)->conv.shape.kernel_width * windows_of(k, c);
    k->found = calloc(most + 1, sizeof(*k->found));
    if (k->found == NULL)
        return sp_loader_fail(l, SPARROW_NO_MEMORY, "no memory to pack its weights");
    for (size_t b = 0; b < blocks; b++) {
        find_steps(k, b);
        steps += k->count;
    }
    k->block = sp_loader_alloc(l, blocks + 1, sizeof(*k->block));
    k->steps = sp_loader_alloc(l, steps, sizeof(*k->steps));
    k->weights = sp_loader_alloc(l, steps, SP_LANES_BLOCK * k->window);
    if (k->block == NULL || k->steps == NULL || k->weights == NULL)
        return SPARROW_NO_MEMORY;
    return SPARROW_OK;
}

/* The biases of the convolutions, added up as 32-bit sums wrap. */
static void pack_bias(const struct packing *k, size_t block)
{
    for (size_t o = 0; o < SP_LANES_BLOCK; o++) {
        uint32_t sum = 0;
        for (size_t c = 0; c < k->parts->conv_count; c++)
            sum += (uint32_t)conv_layer(k, c)->conv.bias[block * SP_LANES_BLOCK + o];
        k->block[block].bias[o] = (int32_t)sum;
    }
}

static struct sp_lanes_scale *pack_scales(struct sp_loader *l, const struct sp_block_winners *b,
                                          size_t blocks)
{
    struct sp_lanes_scale *scales = sp_loader_alloc(l, blocks, sizeof(*scales));
    for (size_t i = 0; scales != NULL && i < blocks; i++) {
        size_t at = i * SP_LANES_BLOCK / b->q.share;
        uint32_t multiplier = b->q.multipliers[at], half = 1u << (b->q.shifts[at] - 1);
        uint32_t reached = ((uint32_t)b->q.max_value << b->q.shifts[at]) - half;
        scales[i] = (struct sp_lanes_scale){
            .top = reached / multiplier + (reached % multiplier != 0),
            .multiplier = multiplier,
            .half = half,
            .shift = b->q.shifts[at],
        };
    }
    return scales;
}

/* lanes.h; the loader bounds multipliers from below by 1. */
static bool sums_are_short(const struct sp_lanes_stage *s)
{
    int32_t largest = INT16_MAX >> s->rank_shift << s->rank_shift;
    for (size_t i = 0; i < s->blocks; i++) {
        uint32_t multiplier = s->scales[i].multiplier;
        if (s->scales[i].shift != 15 || multiplier > INT16_MAX ||
            sp_requantise_one(largest, multiplier, 15, UINT8_MAX) < s->max_value)
            return false;
    }
    return true;
}

/* The fewest lanes an output that hold the positions and leave no register half empty. */
static size_t lanes_of(const struct sp_lanes_stage *s)
{
    if (s->quads || s->width > 8)
        return 16;
    return s->width > 4 || s->blocks % 4 != 0 ? 8 : 4;
}

static void describe(struct packing *k)
{
    const struct sp_layer *winners = &k->m->layers[k->parts->winners];
    const struct sp_value *out = &k->m->values[k->parts->winners + 1];
    *k->stage = (struct sp_lanes_stage){
        .width = out->width,
        .blocks = out->channels / SP_LANES_BLOCK,
        .quads = conv_layer(k, 0)->inputs[0] == 0,
        .rank_shift = winners->block_winners.rank_shift,
        .winners = winners->block_winners.winners,
        .max_value = winners->block_winners.q.max_value,
        .whole = out->lanes,
        .split = out->split,
    };
    k->stage->lanes = lanes_of(k->stage);
    k->window = k->stage->quads ? SP_LANES_QUAD : SP_LANES_WINDOW;
}

static int pack(struct sp_loader *l, struct packing *k)
{
    for (size_t c = 0; c < k->parts->conv_count; c++) {
        k->full[c] = sp_pack_unfold(&conv_layer(k, c)->conv);
        if (k->full[c] == NULL)
            return sp_loader_fail(l, SPARROW_NO_MEMORY, "no memory to unfold its weights");
    }
    int status = make_room(l, k);
    if (status < 0)
        return status;
    struct sp_lanes_stage *s = k->stage;
    for (size_t b = 0; b < s->blocks; b++) {
        pack_block(k, b);
        pack_bias(k, b);
    }
    k->block[s->blocks].first = (uint32_t)k->step_count;
    s->block = k->block;
    s->steps = k->steps;
    s->weights = k->weights;
    struct sp_lanes_scale *scales =
        pack_scales(l, &k->m->layers[k->parts->winners].block_winners, s->blocks);
    s->scales = scales;
    if (scales == NULL)
        return SPARROW_NO_MEMORY;
    s->short_sums = sums_are_short(s);
    for (size_t b = 0; s->short_sums && b < s->blocks; b++)
        scales[b].multiplier |= scales[b].multiplier << 16;
    return SPARROW_OK;
}

int sp_pack_stage(struct sp_loader *l, const struct sp_stage_parts *parts,
                  struct sp_lanes_stage *ret_stage)
{
    struct packing k = {.m = l->model, .parts = parts, .stage = ret_stage};
    describe(&k);
    int status = pack(l, &k);
    for (size_t c = 0; c < parts->conv_count; c++)
        free(k.full[c]);
    free(k.found);
    return status;
}
