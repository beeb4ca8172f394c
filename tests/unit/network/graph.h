/* graph.h - models made in a test: layers with random weights, packed into the bytes of a model
 * file.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef GRAPH_H
#define GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/model.pb-c.h"

#define GRAPH_LAYERS 64

struct graph_value {
    size_t height, width, channels;
    bool active;
    int64_t max, reach; /* of an active value; of a sum, in both directions */
};

struct graph {
    uint64_t random; /* state of graph_random() */
    Sparrow__Model__V1__Model model;
    Sparrow__Model__V1__FrontEnd front_end;
    Sparrow__Model__V1__Layer *layers[GRAPH_LAYERS];
    struct graph_value values[GRAPH_LAYERS + 1];
    struct graph_piece *pieces;
};

enum graph_encoding { GRAPH_DENSE, GRAPH_WINDOWS, GRAPH_INDEXED };

struct graph_weights {
    enum graph_encoding encoding;
    uint32_t group, window; /* of GRAPH_WINDOWS */
    double density;         /* share of places or positions that are stored */
    int limit;              /* weights are -limit .. limit; 0: 127 */
    int bias;               /* biases are -bias .. bias; 0: none */
};

struct graph_conv {
    uint32_t out, kernel_height, kernel_width, stride_height, stride_width; /* 0 is taken as 1 */
    uint32_t pad_top, pad_bottom, pad_left, pad_right;
    struct graph_weights weights;
};

/* frames has to divide 16000. Value 0 is the features; every graph_<layer>() returns the value it
 * makes. */
void graph_init(struct graph *g, uint64_t seed, uint32_t frames, uint32_t bands, uint32_t max);
void graph_done(struct graph *g);

uint32_t graph_conv(struct graph *g, uint32_t in, const struct graph_conv *c);
uint32_t graph_linear(struct graph *g, uint32_t in, uint32_t out, struct graph_weights weights);
uint32_t graph_add(struct graph *g, uint32_t a, uint32_t b, uint32_t ma, uint32_t mb);
uint32_t graph_max_pool(struct graph *g, uint32_t in, uint32_t height, uint32_t width);
uint32_t graph_mean_pool(struct graph *g, uint32_t in);
uint32_t graph_requantise(struct graph *g, uint32_t in, uint32_t max, bool per_channel);
uint32_t graph_block_winners(struct graph *g, uint32_t in, uint32_t block, uint32_t winners,
                             uint32_t rank_shift, uint32_t max, bool per_block);
uint32_t graph_k_winners(struct graph *g, uint32_t in, uint32_t k, bool local);
uint32_t graph_reshape(struct graph *g, uint32_t in, uint32_t height, uint32_t width,
                       uint32_t channels);

/* The whole file; labels and kinds are made to fit the last value. The caller frees. */
uint8_t *graph_pack(struct graph *g, size_t *ret_n);

/* Zeroed memory of the graph's. */
void *graph_alloc(struct graph *g, size_t count, size_t size);

/* 0 .. below - 1 */
uint32_t graph_random(struct graph *g, uint32_t below);

/* Scores of one word by plain 64-bit arithmetic on the message itself: no line is shared with the
 * engine. */
void graph_reference(const struct graph *g, const uint8_t *features, int32_t *scores);

#endif
