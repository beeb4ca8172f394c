/* lanes.h - temporal convolutions with positions as vector lanes, between layers with block
 * winners. Values have height 1. README.md draws the two forms: sums    - s32,
 * [channel][sp_lanes_row(width)]: lanes beyond the width hold anything. winners - per window of 16
 * channels `pairs` pairs of winners, each an array of [sp_lanes_length(width)] positions of two
 * bytes: first the indices (0 .. 15 in the window) of all arrays, then their values. Dead winners,
 * and all positions outside of the value (the margins too), have the value 0. split   - the indices
 * of all even positions, of all odd ones, then their values: what a convolution of stride 2 reads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_LANES_H
#define SP_LANES_H

#include "kernels/cpu/kernels.h"

#define SP_LANES_WINDOW 16
#define SP_LANES_GROUP  8
/* Positions in front of a value and behind it: no padding may be wider than the margin. */
#define SP_LANES_MARGIN 16
#define SP_LANES_TAIL   32
/* Positions per step; narrow values take half of it, and two outputs at once. */
#define SP_LANES_STEP 16

static inline size_t sp_lanes_row(size_t width)
{
    return width <= SP_LANES_STEP / 2 ? SP_LANES_STEP / 2
                                      : (width + SP_LANES_STEP - 1) / SP_LANES_STEP * SP_LANES_STEP;
}

static inline size_t sp_lanes_length(size_t width)
{
    return SP_LANES_MARGIN + (width + SP_LANES_STEP - 1) / SP_LANES_STEP * SP_LANES_STEP +
           SP_LANES_TAIL;
}

struct sp_lanes_winners_shape {
    size_t width, windows; /* channels = windows * 16 */
    size_t block, winners; /* 8 with 1 or 2, or 16 with 2 */
    size_t pairs;          /* per window: 16 / block * winners / 2 */
};

/* Bytes of one array of the whole form, of one of the split form; of all indices (or all values) of
 * each form. */
static inline size_t sp_lanes_array(const struct sp_lanes_winners_shape *s, bool split)
{
    return 2 * sp_lanes_length(split ? (s->width + 1) / 2 : s->width);
}

static inline size_t sp_lanes_plane(const struct sp_lanes_winners_shape *s, bool split)
{
    return sp_lanes_array(s, split) * s->windows * s->pairs * (split ? 2 : 1);
}

/* A convolution of plain values, dense, stride 1: taps x quads of four channels. out_channels is a
 * multiple of 4, and the sum of two products fits s16. */
struct sp_lanes_stem {
    size_t in_width, in_channels, out_width, out_channels, taps, pad_left;
    size_t quads;          /* (in_channels + 3) / 4 */
    const int8_t *weights; /* [out][tap][quad][4], 0 for channels that are not there */
    const int32_t *bias;
};

/* One look-up: where the indices of a pair of winners lie for the first output position, in bytes
 * from the first index; where the 8 tables (8 outputs x 16 weights) begin. */
struct sp_lanes_step {
    uint32_t input, table;
};

/* A convolution of winners in groups of 8 outputs. The steps of a run add up in s16 without
 * overflow, whatever wins. */
struct sp_lanes_conv {
    size_t width, groups;       /* of the output */
    const uint32_t *first_run;  /* groups + 1 */
    const uint32_t *first_step; /* runs + 1 */
    const struct sp_lanes_step *steps;
    const int8_t *tables;
    const int32_t *bias; /* groups * 8 */
    size_t value_offset; /* from an index to its value */
};

/* Bytes of working memory of a stem, aligned to 64. */
static inline size_t sp_lanes_stem_work(const struct sp_lanes_stem *s)
{
    return s->quads * sp_lanes_length(s->in_width) * 4;
}

struct sp_lanes_kernels {
    const char *name; /* "avx2" */
    /* in: plain, in_width x in_channels; sums: out_channels rows. */
    void (*stem)(const struct sp_lanes_stem *s, const uint8_t *in, void *work, int32_t *sums);
    /* winners: whole or split, as the steps were made for. */
    void (*conv)(const struct sp_lanes_conv *c, const uint8_t *winners, int32_t *sums);
    /* Needs 1 << rank_shift >= block, and sums that requantise to less than 2^31 before they are
     * clamped. The margins of `winners` are not written. */
    void (*winners)(const struct sp_block_winners *b, const struct sp_lanes_winners_shape *s,
                    const int32_t *sums, uint8_t *winners);
    /* Whole to split; the margins are not written. */
    void (*split)(const struct sp_lanes_winners_shape *s, const uint8_t *whole, uint8_t *split);
};

extern const struct sp_lanes_kernels sp_lanes__avx2; /* only where the build is for x86-64 */

/* Forms turned into plain ones, and the mean pool's sums; the same on every machine. */
void sp_lanes_plain_sums(size_t width, size_t channels, const int32_t *sums, int32_t *plain);
void sp_lanes_plain_winners(const struct sp_lanes_winners_shape *s, const uint8_t *winners,
                            uint8_t *plain);
void sp_lanes_mean_pool(const struct sp_lanes_winners_shape *s, const uint8_t *winners,
                        int32_t *out);
/* How many winners are alive. */
size_t sp_lanes_alive(const struct sp_lanes_winners_shape *s, const uint8_t *winners);

#endif
