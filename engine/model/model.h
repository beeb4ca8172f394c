/* model.h - a loaded model: what the engine's rooms share of it. Immutable once
 * sparrow_model_parse() has returned.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_MODEL_H
#define SP_MODEL_H

#include "engine/features/front_end.h"
#include "engine/model/region.h"
#include "engine/sparrow.h"
#include "kernels/cpu/kernels.h"
#include "kernels/cpu/lanes.h"

enum sp_op {
    SP_OP_CONV,
    SP_OP_LINEAR,
    SP_OP_ADD,
    SP_OP_MAX_POOL,
    SP_OP_MEAN_POOL,
    SP_OP_REQUANTISE,
    SP_OP_BLOCK_WINNERS,
    SP_OP_K_WINNERS,
    SP_OP_RESHAPE,
    SP_OP_COUNT
};

enum sp_encoding { SP_DENSE, SP_WINDOWS, SP_INDEXED };

struct sp_weights {
    enum sp_encoding encoding;
    uint64_t full, stored; /* weights of the dense twin; weights in the file */
    const int8_t *dense;   /* out x taps x in */
    struct sp_windows windows;
    struct sp_indexed indexed;
};

/* What a layer reads or writes. Its bytes lie in the scratch, in up to three forms: plain (height x
 * width x channels) and, for temporal networks on vector kernels, lanes (kernels/cpu/lanes.h),
 * whole and split for stride 2. What only its own stage reads has no form at all. */
struct sp_value {
    size_t height, width, channels, elements;
    bool active; /* u8 from 0 to max; else s32 from lo to hi */
    uint32_t max;
    int64_t lo, hi;
    size_t root; /* the value whose plain bytes these are (Reshape); itself otherwise */
    struct sp_lanes_form form;  /* of its lanes; no windows and no quads: it has none */
    size_t plain, lanes, split; /* offsets in the scratch; SP_NOWHERE: not in this form */
};
#define SP_NOWHERE SIZE_MAX

struct sp_conv_params {
    struct sp_conv_shape shape;
    struct sp_weights weights;
    const int32_t *bias;
};

struct sp_k_winners_params {
    size_t k, rows, n;
};

/* How a layer runs: on plain values, on lanes, or as a part of a later layer's stage. */
enum sp_path { SP_PATH_PLAIN, SP_PATH_LANES, SP_PATH_PART };

struct sp_layer {
    const char *name;
    enum sp_op op;
    size_t input_count;
    const uint32_t *inputs; /* values: 0 is the features, n what layer n - 1 writes */
    union {
        struct sp_conv_params conv; /* Conv and Linear */
        struct sp_add add;
        struct sp_pool_shape pool;
        struct sp_requantise requantise;
        struct sp_block_winners block_winners;
        struct sp_k_winners_params k_winners;
    };
    uint64_t weights, stored, macs_dense, macs_stored;
    enum sp_path path;
    struct sp_lanes_stage stage; /* of a BlockWinners layer on lanes */
    const char *kernel;
};

/* A layer that does something of its own when a word runs. */
struct sp_run {
    const struct sp_layer *layer;
    const struct sp_lanes_stage *stage; /* NULL: it is none */
    bool plain;                         /* its winners are read plain as well */
};

struct sp_label {
    const char *text;
    enum sparrow_label_kind kind;
};

struct sparrow_model {
    struct sp_region region; /* everything below that is pointed to, but for the front end */
    const char *name, *version, *description, *licence;
    char digest[65];
    size_t label_count;
    struct sp_label *labels;
    size_t figure_count;
    struct sparrow_figure *figures;
    double score_scale;
    size_t frames, bands, hop;
    struct sp_front_end *front_end;
    struct sp_front_end_params front_end_params;
    struct sp_kernels kernels;
    size_t layer_count;
    struct sp_layer *layers;
    struct sp_value *values; /* layer_count + 1 */
    size_t run_count;        /* of the layers that run, in order */
    struct sp_run *runs;
    struct sp_words_program *words; /* sixteen words at once; NULL: this model has no such way */
    size_t words_at;                /* offset of their part of the scratch */
    size_t scratch_bytes;           /* all values and working memory */
    size_t features;                /* offset of a copy of the last word's features */
    size_t work;                    /* offset of the working memory of the front end */
};

#endif
