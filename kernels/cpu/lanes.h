/* lanes.h - temporal networks, one word at a time: positions are vector lanes, and what lies
 * between one layer's winners and the next one's is done in registers. Values have height 1.
 * README.md draws the forms, which are made of rows of 32-bit words, one a position:
 *   quads   - features: in a row, four neighbouring channels of each position.
 *   winners - per window of 16 channels a row of indices and one of values: the winners of a
 *             position's first 8 channels in the two low bytes, of the last 8 in the two high ones.
 *             An index is 0 .. 15 in the window; who is not alive has the value 0, and so has
 *             everything outside of the value.
 *   split   - of either: a row of the even positions, then one of the odd ones, for stride 2.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_LANES_H
#define SP_LANES_H

#include "kernels/cpu/kernels.h"

#define SP_LANES_WINDOW 16
#define SP_LANES_BLOCK  8 /* the channels that compete, and the outputs that share their steps */
#define SP_LANES_QUAD   4
/* Positions in front of each row, and behind the last one: zeros. */
#define SP_LANES_MARGIN 16
#define SP_LANES_MOST   16 /* positions that are computed at once */

/* Positions of a row without its margin. */
static inline size_t sp_lanes_content(size_t width)
{
    return width <= 4 ? 4 : width <= 8 ? 8 : (width + SP_LANES_MOST - 1) / SP_LANES_MOST * 16;
}

/* 32-bit words of a row; of one of the rows of even (or odd) positions. */
static inline size_t sp_lanes_row(size_t width, bool split)
{
    return SP_LANES_MARGIN + sp_lanes_content(split ? (width + 1) / 2 : width);
}

/* A value: windows of winners, or quads of features. */
struct sp_lanes_form {
    size_t width, windows, quads; /* one of windows and quads is 0 */
};

/* 32-bit words of a whole form: of a window two rows, of a quad one, twice as many if split; and a
 * margin. */
static inline size_t sp_lanes_words(const struct sp_lanes_form *f, bool split)
{
    size_t rows = (2 * f->windows + f->quads) * (split ? 2 : 1);
    return rows * sp_lanes_row(f->width, split) + SP_LANES_MARGIN;
}

/* Bytes from the start of a form to position 0 of the even (or odd) positions of a window's indices
 * or a quad. A window's values are sp_lanes_row() words behind its indices. */
static inline size_t sp_lanes_at(const struct sp_lanes_form *f, bool split, size_t index, bool odd)
{
    size_t row = (f->windows != 0 ? 2 : 1) * (split ? 2 * index + odd : index);
    return 4 * (row * sp_lanes_row(f->width, split) + SP_LANES_MARGIN);
}

/* What 8 outputs take from one window (or quad) at one tap: where its indices and values for output
 * position 0 lie, in bytes from the scratch's start. A quad has no values. */
struct sp_lanes_step {
    uint32_t index, value;
};

/* 8 outputs whose channels compete. */
struct sp_lanes_block {
    uint32_t first; /* of its steps */
    uint32_t twos;  /* so many pairs of steps come first, whose products add up in s16 without
                     * overflow, whatever wins */
    int32_t bias[SP_LANES_BLOCK];
};

/* (min(sum, top) * multiplier + half) >> shift needs 32 bits only: what lies above top gives the
 * largest value like top itself. */
struct sp_lanes_scale {
    uint32_t top, multiplier, half, shift;
};

/* Convolutions that are added up, and the winners of the sums. */
struct sp_lanes_stage {
    size_t width, blocks; /* of the output: positions, blocks of 8 channels (an even number) */
    /* Positions that are computed at once: 16, 8, or (for a multiple of 4 blocks) 4. */
    size_t lanes;
    bool quads;                         /* the steps read quads, not windows; lanes is 16 */
    const struct sp_lanes_block *block; /* blocks + 1: the last one has nothing but `first` */
    const struct sp_lanes_step *steps;
    const int8_t *weights;               /* per step 8 outputs x 16, or x 4; aligned to 64 */
    const struct sp_lanes_scale *scales; /* blocks */
    /* All shifts are 15, multipliers fit s16, and sums that do not fit s16 give the largest value:
     * one rounding multiplication of 16 bits does it. The scales' multipliers then stand twice, in
     * both halves of their word. */
    bool short_sums;
    unsigned rank_shift; /* 3 .. 7 */
    size_t winners;      /* 1 or 2 */
    uint8_t max_value;
    size_t whole, split; /* where the output's forms begin in the scratch; SIZE_MAX: it lacks one */
};

struct sp_lanes_kernels {
    const char *name; /* "avx2" */
    void (*stage)(const struct sp_lanes_stage *s, uint8_t *scratch);
    /* Plain features (width x channels) to quads, whole or split. Margins are not written. */
    void (*quads)(const struct sp_lanes_form *f, size_t channels, const uint8_t *in, bool split,
                  uint8_t *quads);
    /* out: the sums of the channels over all positions, from whole winners. */
    void (*mean_pool)(const struct sp_lanes_form *f, const uint8_t *winners, int32_t *out);
};

/* Only where the build is for x86-64. */
extern const struct sp_lanes_kernels sp_lanes__avx2, sp_lanes__avxvnni, sp_lanes__avx512vnni,
    sp_lanes__avx512;
/* Only where it is for aarch64. */
extern const struct sp_lanes_kernels sp_lanes__neon, sp_lanes__dotprod;
void sp_lanes_quads__avx2(const struct sp_lanes_form *f, size_t channels, const uint8_t *in,
                          bool split, uint8_t *quads);

/* Winners, whole or split, to plain bytes; how many are alive. */
void sp_lanes_plain(const struct sp_lanes_form *f, bool split, const uint8_t *winners,
                    uint8_t *plain);
size_t sp_lanes_alive(const struct sp_lanes_form *f, bool split, const uint8_t *winners);

#endif
