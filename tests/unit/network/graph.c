/* graph.c - models made in a test.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/network/graph.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/envelope.h"

struct graph_piece {
    _Alignas(16) struct graph_piece *next;
};

void *graph_alloc(struct graph *g, size_t count, size_t size)
{
    struct graph_piece *piece = calloc(1, sizeof(*piece) + count * size);
    if (piece == NULL)
        abort();
    piece->next = g->pieces;
    g->pieces = piece;
    return piece + 1;
}

uint32_t graph_random(struct graph *g, uint32_t below)
{
    g->random = g->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((g->random >> 33) % below);
}

void graph_init(struct graph *g, uint64_t seed, uint32_t frames, uint32_t bands, uint32_t max)
{
    memset(g, 0, sizeof(*g));
    g->random = seed * 2 + 1;
    sparrow__model__v1__model__init(&g->model);
    sparrow__model__v1__front_end__init(&g->front_end);
    g->model.name = graph_alloc(g, 8, 1);
    memcpy(g->model.name, "graph", 5);
    g->model.version = graph_alloc(g, 8, 1);
    memcpy(g->model.version, "1.0", 3);
    g->model.score_scale = 0.01;
    g->model.front_end = &g->front_end;
    g->model.layers = g->layers;
    g->front_end.rate_hz = 16000;
    g->front_end.window = 512;
    g->front_end.hop = 16000 / frames;
    g->front_end.frames = frames;
    g->front_end.bands = bands;
    g->front_end.max_value = max;
    g->front_end.log_scale = 3.0f;
    g->front_end.log_offset = -8.0f;
    g->front_end.n_band_edges_hz = bands + 2u;
    g->front_end.band_edges_hz = graph_alloc(g, bands + 2u, sizeof(float));
    for (uint32_t i = 0; i < bands + 2u; i++)
        g->front_end.band_edges_hz[i] = 7900.0f * (float)i / (float)(bands + 1);
    g->values[0] = (struct graph_value){1, frames, bands, true, max, 0};
}

void graph_done(struct graph *g)
{
    while (g->pieces != NULL) {
        struct graph_piece *piece = g->pieces;
        g->pieces = piece->next;
        free(piece);
    }
}

static Sparrow__Model__V1__Layer *new_layer(struct graph *g, uint32_t in, struct graph_value value)
{
    if (g->model.n_layers == GRAPH_LAYERS)
        abort();
    Sparrow__Model__V1__Layer *layer = graph_alloc(g, 1, sizeof(*layer));
    sparrow__model__v1__layer__init(layer);
    layer->name = graph_alloc(g, 32, 1);
    snprintf(layer->name, 32, "l%zu", g->model.n_layers + 1);
    layer->inputs = graph_alloc(g, 2, sizeof(uint32_t));
    layer->inputs[0] = in;
    layer->n_inputs = 1;
    g->layers[g->model.n_layers++] = layer;
    g->values[g->model.n_layers] = value;
    return layer;
}

static uint32_t made(const struct graph *g)
{
    return (uint32_t)g->model.n_layers;
}

static bool chance(struct graph *g, double p)
{
    return graph_random(g, 1u << 20) < p * (1 << 20);
}

/* Mostly small weights, now and then the largest ones. */
static int8_t weight(struct graph *g, int limit)
{
    uint32_t span = (uint32_t)limit;
    int v = (int)graph_random(g, 2 * span + 1) - limit;
    if (graph_random(g, 4) != 0)
        v /= 3;
    return (int8_t)v;
}

static ProtobufCBinaryData values(struct graph *g, size_t n, int limit)
{
    ProtobufCBinaryData data = {n, graph_alloc(g, n, 1)};
    for (size_t i = 0; i < n; i++)
        data.data[i] = (uint8_t)weight(g, limit);
    return data;
}

static void make_windows(struct graph *g, Sparrow__Model__V1__Weights *w,
                         const struct graph_weights *spec, size_t out, size_t taps, size_t in,
                         int limit)
{
    Sparrow__Model__V1__WindowWeights *ww = graph_alloc(g, 1, sizeof(*ww));
    sparrow__model__v1__window_weights__init(ww);
    size_t all = out / spec->group * taps * (in / spec->window);
    ww->group = spec->group;
    ww->window = spec->window;
    ww->places = graph_alloc(g, all, sizeof(uint32_t));
    for (size_t i = 0; i < all; i++)
        if (chance(g, spec->density))
            ww->places[ww->n_places++] = (uint32_t)i;
    ww->values = values(g, ww->n_places * spec->group * spec->window, limit);
    w->encoding_case = SPARROW__MODEL__V1__WEIGHTS__ENCODING_WINDOWS;
    w->windows = ww;
}

static void make_indexed(struct graph *g, Sparrow__Model__V1__Weights *w,
                         const struct graph_weights *spec, size_t out, size_t inputs, int limit)
{
    Sparrow__Model__V1__IndexedWeights *iw = graph_alloc(g, 1, sizeof(*iw));
    sparrow__model__v1__indexed_weights__init(iw);
    iw->n_counts = out;
    iw->counts = graph_alloc(g, out, sizeof(uint32_t));
    iw->gaps = graph_alloc(g, out * inputs, sizeof(uint32_t));
    for (size_t o = 0; o < out; o++) {
        size_t before = 0;
        for (size_t i = 0; i < inputs; i++)
            if (chance(g, spec->density)) {
                iw->gaps[iw->n_gaps++] = (uint32_t)(i - before);
                before = i;
                iw->counts[o]++;
            }
    }
    iw->values = values(g, iw->n_gaps, limit);
    w->encoding_case = SPARROW__MODEL__V1__WEIGHTS__ENCODING_INDEXED;
    w->indexed = iw;
}

static Sparrow__Model__V1__Weights *make_weights(struct graph *g, const struct graph_weights *spec,
                                                 size_t out, size_t taps, size_t in)
{
    Sparrow__Model__V1__Weights *w = graph_alloc(g, 1, sizeof(*w));
    sparrow__model__v1__weights__init(w);
    int limit = spec->limit != 0 ? spec->limit : 127;
    if (spec->encoding == GRAPH_WINDOWS) {
        make_windows(g, w, spec, out, taps, in, limit);
    } else if (spec->encoding == GRAPH_INDEXED) {
        make_indexed(g, w, spec, out, taps * in, limit);
    } else {
        w->encoding_case = SPARROW__MODEL__V1__WEIGHTS__ENCODING_DENSE;
        w->dense = graph_alloc(g, 1, sizeof(*w->dense));
        sparrow__model__v1__dense_weights__init(w->dense);
        w->dense->values = values(g, out * taps * in, limit);
    }
    return w;
}

static int32_t *make_bias(struct graph *g, int bias, size_t out, size_t *ret_n)
{
    int32_t *b = NULL;
    *ret_n = 0;
    if (bias != 0) {
        b = graph_alloc(g, out, sizeof(*b));
        *ret_n = out;
        for (size_t i = 0; i < out; i++)
            b[i] = (int32_t)graph_random(g, 2 * (uint32_t)bias + 1) - bias;
    }
    return b;
}

/* What sums are like when weights are random: a few standard deviations. */
static int64_t usual_reach(const struct graph_weights *w, size_t inputs, int64_t max)
{
    double density = w->encoding == GRAPH_DENSE ? 1 : w->density;
    double sigma = sqrt((double)inputs * density + 1) * (w->limit != 0 ? w->limit : 127) / 3.0;
    return (int64_t)(sigma * (double)max * 0.3) + w->bias + 1;
}

static uint32_t one(uint32_t v)
{
    return v == 0 ? 1 : v;
}

uint32_t graph_conv(struct graph *g, uint32_t in, const struct graph_conv *c)
{
    struct graph_value v = g->values[in];
    Sparrow__Model__V1__Conv *conv = graph_alloc(g, 1, sizeof(*conv));
    sparrow__model__v1__conv__init(conv);
    conv->out_channels = c->out;
    conv->kernel_height = one(c->kernel_height);
    conv->kernel_width = one(c->kernel_width);
    conv->stride_height = one(c->stride_height);
    conv->stride_width = one(c->stride_width);
    conv->pad_top = c->pad_top;
    conv->pad_bottom = c->pad_bottom;
    conv->pad_left = c->pad_left;
    conv->pad_right = c->pad_right;
    size_t taps = conv->kernel_height * conv->kernel_width;
    conv->weights = make_weights(g, &c->weights, c->out, taps, v.channels);
    conv->bias = make_bias(g, c->weights.bias, c->out, &conv->n_bias);
    struct graph_value value = {
        .height =
            (v.height + c->pad_top + c->pad_bottom - conv->kernel_height) / conv->stride_height + 1,
        .width =
            (v.width + c->pad_left + c->pad_right - conv->kernel_width) / conv->stride_width + 1,
        .channels = c->out,
        .reach = usual_reach(&c->weights, taps * v.channels, v.max),
    };
    Sparrow__Model__V1__Layer *layer = new_layer(g, in, value);
    layer->op_case = SPARROW__MODEL__V1__LAYER__OP_CONV;
    layer->conv = conv;
    return made(g);
}

uint32_t graph_linear(struct graph *g, uint32_t in, uint32_t out, struct graph_weights weights)
{
    struct graph_value v = g->values[in];
    size_t inputs = v.height * v.width * v.channels;
    Sparrow__Model__V1__Linear *linear = graph_alloc(g, 1, sizeof(*linear));
    sparrow__model__v1__linear__init(linear);
    linear->out_channels = out;
    linear->weights = make_weights(g, &weights, out, 1, inputs);
    linear->bias = make_bias(g, weights.bias, out, &linear->n_bias);
    Sparrow__Model__V1__Layer *layer = new_layer(
        g, in, (struct graph_value){1, 1, out, false, 0, usual_reach(&weights, inputs, v.max)});
    layer->op_case = SPARROW__MODEL__V1__LAYER__OP_LINEAR;
    layer->linear = linear;
    return made(g);
}

uint32_t graph_add(struct graph *g, uint32_t a, uint32_t b, uint32_t ma, uint32_t mb)
{
    struct graph_value v = g->values[a];
    v.reach = (v.active ? v.max : v.reach) * ma +
              (g->values[b].active ? g->values[b].max : g->values[b].reach) * mb;
    v.active = false;
    Sparrow__Model__V1__Add *add = graph_alloc(g, 1, sizeof(*add));
    sparrow__model__v1__add__init(add);
    if (ma != 1 || mb != 1) {
        add->n_multipliers = 2;
        add->multipliers = graph_alloc(g, 2, sizeof(uint32_t));
        add->multipliers[0] = ma;
        add->multipliers[1] = mb;
    }
    Sparrow__Model__V1__Layer *layer = new_layer(g, a, v);
    layer->inputs[1] = b;
    layer->n_inputs = 2;
    layer->op_case = SPARROW__MODEL__V1__LAYER__OP_ADD;
    layer->add = add;
    return made(g);
}

uint32_t graph_max_pool(struct graph *g, uint32_t in, uint32_t height, uint32_t width)
{
    struct graph_value v = g->values[in];
    v.height /= height;
    v.width /= width;
    Sparrow__Model__V1__MaxPool *pool = graph_alloc(g, 1, sizeof(*pool));
    sparrow__model__v1__max_pool__init(pool);
    pool->height = height;
    pool->width = width;
    Sparrow__Model__V1__Layer *layer = new_layer(g, in, v);
    layer->op_case = SPARROW__MODEL__V1__LAYER__OP_MAX_POOL;
    layer->max_pool = pool;
    return made(g);
}

uint32_t graph_mean_pool(struct graph *g, uint32_t in)
{
    struct graph_value v = g->values[in];
    v.reach = v.max * (int64_t)(v.height * v.width);
    v.height = v.width = 1;
    v.active = false;
    Sparrow__Model__V1__Layer *layer = new_layer(g, in, v);
    layer->op_case = SPARROW__MODEL__V1__LAYER__OP_MEAN_POOL;
    layer->mean_pool = graph_alloc(g, 1, sizeof(*layer->mean_pool));
    sparrow__model__v1__mean_pool__init(layer->mean_pool);
    return made(g);
}

static Sparrow__Model__V1__Requantise *make_scales(struct graph *g, int64_t reach, uint32_t max,
                                                   size_t n)
{
    Sparrow__Model__V1__Requantise *q = graph_alloc(g, 1, sizeof(*q));
    sparrow__model__v1__requantise__init(q);
    q->max_value = max;
    q->n_multipliers = q->n_shifts = n;
    q->multipliers = graph_alloc(g, n, sizeof(uint32_t));
    q->shifts = graph_alloc(g, n, sizeof(uint32_t));
    /* what the exporter writes; what fits 32 bits; what does not */
    uint32_t kind = graph_random(g, 3), span = kind == 0 ? 1 : kind == 1 ? 11 : 14;
    for (size_t i = 0; i < n; i++) {
        uint32_t shift = kind == 0 ? 15 : 14 + graph_random(g, span);
        double scale = (double)max / (double)reach * (0.5 + graph_random(g, 100) / 60.0);
        if (kind == 0 && graph_random(g, 8) != 0 && scale < 128.0 / 32768)
            scale = 128.0 / 32768;
        double multiplier = floor(scale * (double)(1u << shift)) + 1;
        q->multipliers[i] = multiplier < 2147483647.0 ? (uint32_t)multiplier : 2147483647u;
        q->shifts[i] = shift;
    }
    return q;
}

uint32_t graph_requantise(struct graph *g, uint32_t in, uint32_t max, bool per_channel)
{
    struct graph_value v = g->values[in];
    Sparrow__Model__V1__Requantise *q = make_scales(g, v.reach, max, per_channel ? v.channels : 1);
    v.active = true;
    v.max = max;
    Sparrow__Model__V1__Layer *layer = new_layer(g, in, v);
    layer->op_case = SPARROW__MODEL__V1__LAYER__OP_REQUANTISE;
    layer->requantise = q;
    return made(g);
}

uint32_t graph_block_winners(struct graph *g, uint32_t in, uint32_t block, uint32_t winners,
                             uint32_t rank_shift, uint32_t max, bool per_block)
{
    struct graph_value v = g->values[in];
    Sparrow__Model__V1__BlockWinners *b = graph_alloc(g, 1, sizeof(*b));
    sparrow__model__v1__block_winners__init(b);
    b->block = block;
    b->winners = winners;
    b->rank_shift = rank_shift;
    b->requantise = make_scales(g, v.reach, max, per_block ? v.channels / block : 1);
    v.active = true;
    v.max = max;
    Sparrow__Model__V1__Layer *layer = new_layer(g, in, v);
    layer->op_case = SPARROW__MODEL__V1__LAYER__OP_BLOCK_WINNERS;
    layer->block_winners = b;
    return made(g);
}

uint32_t graph_k_winners(struct graph *g, uint32_t in, uint32_t k, bool local)
{
    Sparrow__Model__V1__KWinners *w = graph_alloc(g, 1, sizeof(*w));
    sparrow__model__v1__kwinners__init(w);
    w->k = k;
    w->local = local;
    Sparrow__Model__V1__Layer *layer = new_layer(g, in, g->values[in]);
    layer->op_case = SPARROW__MODEL__V1__LAYER__OP_K_WINNERS;
    layer->k_winners = w;
    return made(g);
}

uint32_t graph_reshape(struct graph *g, uint32_t in, uint32_t height, uint32_t width,
                       uint32_t channels)
{
    struct graph_value v = g->values[in];
    v.height = height;
    v.width = width;
    v.channels = channels;
    Sparrow__Model__V1__Reshape *r = graph_alloc(g, 1, sizeof(*r));
    sparrow__model__v1__reshape__init(r);
    r->height = height;
    r->width = width;
    r->channels = channels;
    Sparrow__Model__V1__Layer *layer = new_layer(g, in, v);
    layer->op_case = SPARROW__MODEL__V1__LAYER__OP_RESHAPE;
    layer->reshape = r;
    return made(g);
}

uint8_t *graph_pack(struct graph *g, size_t *ret_n)
{
    if (g->model.n_labels == 0) {
        size_t n = g->values[g->model.n_layers].channels;
        g->model.labels = graph_alloc(g, n, sizeof(char *));
        g->model.label_kinds = graph_alloc(g, n, sizeof(*g->model.label_kinds));
        g->model.n_labels = g->model.n_label_kinds = n;
        for (size_t i = 0; i < n; i++) {
            g->model.labels[i] = graph_alloc(g, 32, 1);
            snprintf(g->model.labels[i], 32, "word%zu", i);
        }
    }
    size_t n = sparrow__model__v1__model__get_packed_size(&g->model);
    uint8_t *bytes = malloc(n + SP_ENVELOPE_BYTES);
    if (bytes == NULL)
        abort();
    sparrow__model__v1__model__pack(&g->model, bytes + SP_ENVELOPE_BYTES);
    sp_envelope_write(bytes + SP_ENVELOPE_BYTES, n, bytes);
    *ret_n = n + SP_ENVELOPE_BYTES;
    return bytes;
}
