/* reference.c - the layers by plain 64-bit arithmetic on full matrices, straight from the message.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/network/graph.h"

struct tensor {
    size_t h, w, c;
    int64_t *v;
};

static struct tensor tensor_new(size_t h, size_t w, size_t c)
{
    struct tensor t = {h, w, c, calloc(h * w * c, sizeof(int64_t))};
    if (t.v == NULL)
        abort();
    return t;
}

static size_t size_of(struct tensor t)
{
    return t.h * t.w * t.c;
}

/* out x taps x in */
static int64_t *full_matrix(const Sparrow__Model__V1__Weights *w, size_t out, size_t taps,
                            size_t in)
{
    int64_t *m = calloc(out * taps * in, sizeof(*m));
    if (m == NULL)
        abort();
    if (w->encoding_case == SPARROW__MODEL__V1__WEIGHTS__ENCODING_DENSE) {
        for (size_t i = 0; i < out * taps * in; i++)
            m[i] = (int8_t)w->dense->values.data[i];
    } else if (w->encoding_case == SPARROW__MODEL__V1__WEIGHTS__ENCODING_WINDOWS) {
        const Sparrow__Model__V1__WindowWeights *ww = w->windows;
        size_t per_tap = in / ww->window, n = 0;
        for (size_t p = 0; p < ww->n_places; p++)
            for (size_t i = 0; i < ww->window; i++)
                for (size_t o = 0; o < ww->group; o++) {
                    size_t place = ww->places[p], row = place / (per_tap * taps) * ww->group + o;
                    size_t tap = place / per_tap % taps, col = place % per_tap * ww->window + i;
                    m[(row * taps + tap) * in + col] = (int8_t)ww->values.data[n++];
                }
    } else {
        size_t n = 0;
        for (size_t o = 0; o < out; o++) {
            size_t at = 0;
            for (size_t i = 0; i < w->indexed->counts[o]; i++, n++) {
                at += w->indexed->gaps[n];
                m[o * taps * in + at] = (int8_t)w->indexed->values.data[n];
            }
        }
    }
    return m;
}

static struct tensor conv(const Sparrow__Model__V1__Conv *c, struct tensor in)
{
    size_t kh = c->kernel_height, kw = c->kernel_width;
    struct tensor out =
        tensor_new((in.h + c->pad_top + c->pad_bottom - kh) / c->stride_height + 1,
                   (in.w + c->pad_left + c->pad_right - kw) / c->stride_width + 1, c->out_channels);
    int64_t *m = full_matrix(c->weights, out.c, kh * kw, in.c);
    for (size_t y = 0; y < out.h; y++)
        for (size_t x = 0; x < out.w; x++)
            for (size_t o = 0; o < out.c; o++) {
                int64_t sum = c->n_bias != 0 ? c->bias[o] : 0;
                for (size_t t = 0; t < kh * kw; t++) {
                    int64_t iy = (int64_t)(y * c->stride_height + t / kw) - c->pad_top;
                    int64_t ix = (int64_t)(x * c->stride_width + t % kw) - c->pad_left;
                    if (iy < 0 || ix < 0 || iy >= (int64_t)in.h || ix >= (int64_t)in.w)
                        continue;
                    for (size_t i = 0; i < in.c; i++)
                        sum += m[(o * kh * kw + t) * in.c + i] *
                               in.v[((size_t)iy * in.w + (size_t)ix) * in.c + i];
                }
                out.v[(y * out.w + x) * out.c + o] = sum;
            }
    free(m);
    return out;
}

static struct tensor linear(const Sparrow__Model__V1__Linear *l, struct tensor in)
{
    struct tensor out = tensor_new(1, 1, l->out_channels);
    int64_t *m = full_matrix(l->weights, out.c, 1, size_of(in));
    for (size_t o = 0; o < out.c; o++) {
        out.v[o] = l->n_bias != 0 ? l->bias[o] : 0;
        for (size_t i = 0; i < size_of(in); i++)
            out.v[o] += m[o * size_of(in) + i] * in.v[i];
    }
    free(m);
    return out;
}

static struct tensor max_pool(const Sparrow__Model__V1__MaxPool *p, struct tensor in)
{
    struct tensor out = tensor_new(in.h / p->height, in.w / p->width, in.c);
    for (size_t i = 0; i < size_of(out); i++) {
        size_t c = i % out.c, x = i / out.c % out.w, y = i / out.c / out.w;
        int64_t best = INT64_MIN;
        for (size_t dy = 0; dy < p->height; dy++)
            for (size_t dx = 0; dx < p->width; dx++) {
                int64_t v = in.v[((y * p->height + dy) * in.w + x * p->width + dx) * in.c + c];
                best = v > best ? v : best;
            }
        out.v[i] = best;
    }
    return out;
}

static struct tensor mean_pool(struct tensor in)
{
    struct tensor out = tensor_new(1, 1, in.c);
    for (size_t i = 0; i < size_of(in); i++)
        out.v[i % in.c] += in.v[i];
    return out;
}

static int64_t quantised(const Sparrow__Model__V1__Requantise *q, size_t scale, int64_t v)
{
    scale = q->n_multipliers == 1 ? 0 : scale;
    __int128 r = (__int128)v * q->multipliers[scale] + ((__int128)1 << (q->shifts[scale] - 1));
    r >>= q->shifts[scale];
    return r < 0 ? 0 : r > q->max_value ? q->max_value : (int64_t)r;
}

static struct tensor requantise(const Sparrow__Model__V1__Requantise *q, struct tensor in)
{
    struct tensor out = tensor_new(in.h, in.w, in.c);
    for (size_t i = 0; i < size_of(in); i++)
        out.v[i] = quantised(q, i % in.c, in.v[i]);
    return out;
}

/* A channel wins if fewer than `winners` of its block come before it. */
static struct tensor block_winners(const Sparrow__Model__V1__BlockWinners *b, struct tensor in)
{
    struct tensor out = tensor_new(in.h, in.w, in.c);
    for (size_t i = 0; i < size_of(in); i++) {
        size_t first = i / b->block * b->block, before = 0;
        for (size_t j = first; j < first + b->block; j++) {
            int64_t mine = in.v[i] >> b->rank_shift, theirs = in.v[j] >> b->rank_shift;
            before += theirs > mine || (theirs == mine && j < i);
        }
        if (before < b->winners)
            out.v[i] = quantised(b->requantise, i % in.c / b->block,
                                 (in.v[i] >> b->rank_shift) * (1 << b->rank_shift));
    }
    return out;
}

static struct tensor k_winners(const Sparrow__Model__V1__KWinners *k, struct tensor in)
{
    struct tensor out = tensor_new(in.h, in.w, in.c);
    size_t n = k->local ? in.c : size_of(in);
    for (size_t i = 0; i < size_of(in); i++) {
        size_t first = i / n * n, before = 0;
        for (size_t j = first; j < first + n; j++)
            before += in.v[j] > in.v[i] || (in.v[j] == in.v[i] && j < i);
        out.v[i] = before < k->k ? in.v[i] : 0;
    }
    return out;
}

static struct tensor add(const Sparrow__Model__V1__Layer *l, const struct tensor *values)
{
    struct tensor first = values[l->inputs[0]], out = tensor_new(first.h, first.w, first.c);
    for (size_t j = 0; j < l->n_inputs; j++)
        for (size_t i = 0; i < size_of(out); i++)
            out.v[i] += values[l->inputs[j]].v[i] *
                        (l->add->n_multipliers != 0 ? l->add->multipliers[j] : 1);
    return out;
}

static struct tensor reshape(const Sparrow__Model__V1__Reshape *r, struct tensor in)
{
    struct tensor out = tensor_new(r->height, r->width, r->channels);
    memcpy(out.v, in.v, size_of(in) * sizeof(*in.v));
    return out;
}

static struct tensor layer(const Sparrow__Model__V1__Layer *l, const struct tensor *values)
{
    struct tensor in = values[l->inputs[0]];
    switch (l->op_case) {
    case SPARROW__MODEL__V1__LAYER__OP_CONV:
        return conv(l->conv, in);
    case SPARROW__MODEL__V1__LAYER__OP_LINEAR:
        return linear(l->linear, in);
    case SPARROW__MODEL__V1__LAYER__OP_ADD:
        return add(l, values);
    case SPARROW__MODEL__V1__LAYER__OP_MAX_POOL:
        return max_pool(l->max_pool, in);
    case SPARROW__MODEL__V1__LAYER__OP_MEAN_POOL:
        return mean_pool(in);
    case SPARROW__MODEL__V1__LAYER__OP_REQUANTISE:
        return requantise(l->requantise, in);
    case SPARROW__MODEL__V1__LAYER__OP_BLOCK_WINNERS:
        return block_winners(l->block_winners, in);
    case SPARROW__MODEL__V1__LAYER__OP_K_WINNERS:
        return k_winners(l->k_winners, in);
    case SPARROW__MODEL__V1__LAYER__OP_RESHAPE:
        return reshape(l->reshape, in);
    default:
        abort();
    }
}

void graph_reference(const struct graph *g, const uint8_t *features, int32_t *scores)
{
    struct tensor values[GRAPH_LAYERS + 1];
    values[0] = tensor_new(1, g->front_end.frames, g->front_end.bands);
    for (size_t i = 0; i < size_of(values[0]); i++)
        values[0].v[i] = features[i];
    for (size_t i = 0; i < g->model.n_layers; i++)
        values[i + 1] = layer(g->layers[i], values);
    for (size_t i = 0; i < values[g->model.n_layers].c; i++)
        scores[i] = (int32_t)values[g->model.n_layers].v[i];
    for (size_t i = 0; i <= g->model.n_layers; i++)
        free(values[i].v);
}
