/* rows.h - products of rows of bytes with dense, block-sparse and randomly sparse matrices, many
 * rows at once: what the kernels for sparse-sparse networks are compared with. Not in libsparrow;
 * bench/engine makes whole networks of them.
 * A row is one position of one word, channels fastest, as the layers of ARITHMETIC.md lay it out: a
 * convolution needs no copies, since the inputs under its taps lie side by side ("segments", one
 * for each row of taps). Inputs are u8 up to 127 (two products fit s16), sums exact in s32. Every
 * variant gives the same sums as scalar. Threads: any; no state.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_ROWS_H
#define SP_ROWS_H

#include <stddef.h>
#include <stdint.h>

#define SP_ROWS_TILE  16 /* outputs of a dense tile: the sums of a row are a multiple of it */
#define SP_ROWS_BLOCK 8  /* outputs of a block; a block has 4 inputs */
#define SP_ROWS_WORDS 64 /* words side by side in the word-lane form */

/* Every weight is stored: [tile][segment][quad][SP_ROWS_TILE][4]. */
struct sp_rows_dense {
    size_t tiles, segments, quads; /* quads of inputs in a segment */
    size_t stride;                 /* bytes from one segment of a row to the next */
    const int8_t *weights;         /* aligned to 64 */
    const int32_t *bias;           /* tiles * SP_ROWS_TILE */
};

/* Blocks of 8 outputs x 4 inputs: those of a group of 8 outputs follow each other. */
struct sp_rows_blocks {
    size_t groups;          /* even */
    const uint32_t *first;  /* groups + 1: blocks of each */
    const uint32_t *places; /* per block: bytes from the row's begin to its 4 inputs */
    const int8_t *weights;  /* per block: 8 outputs x 4 inputs; aligned to 32 */
    const int32_t *bias;    /* groups * 8 */
};

/* Single weights (compressed sparse rows), output by output; the places of an output rise. */
struct sp_rows_lists {
    size_t outputs;
    const uint32_t *first;  /* outputs + 1 */
    const uint32_t *places; /* inputs from the row's begin */
    const int8_t *weights;
    const int32_t *bias; /* outputs */
};

/* Any mask, in steps: a step looks up 4 of the `block` inputs at its place for each of `tile`
 * outputs, by index. Outputs that have fewer there get weights of 0. */
struct sp_rows_shuffled {
    size_t block, tile;     /* what the kernels want: shuffle_block, shuffle_tile */
    size_t tiles;           /* tiles * tile is a multiple of SP_ROWS_TILE */
    const uint32_t *first;  /* tiles + 1: steps of each */
    const uint32_t *places; /* per step: bytes from the row's begin */
    const uint8_t *indices; /* per step: tile x 4, below `block`; aligned to 64 */
    const int8_t *weights;  /* the same */
    const int32_t *bias;    /* tiles * tile */
};

struct sp_rows_kernels {
    const char *name;
    size_t shuffle_block, shuffle_tile;
    /* Row r begins at in + offsets[r]; it and out (rows x outputs, aligned to 64) are read and
     * written within their bounds only. */
    void (*dense)(const struct sp_rows_dense *m, const uint8_t *in, const uint32_t *offsets,
                  size_t rows, int32_t *out);
    void (*blocks)(const struct sp_rows_blocks *m, const uint8_t *in, const uint32_t *offsets,
                   size_t rows, int32_t *out);
    /* Reads up to block - 1 bytes behind a row's last place. */
    void (*shuffled)(const struct sp_rows_shuffled *m, const uint8_t *in, const uint32_t *offsets,
                     size_t rows, int32_t *out);
    /* One position of 64 words: in has 64 bytes for each input, out 64 sums for each output. Both
     * aligned to 64. */
    void (*words)(const struct sp_rows_lists *m, const uint8_t *in, int32_t *out);
    /* out[i] = (max(in[i], 0) * multiplier[i * step] + half) >> shift[i * step], at most max;
     * step is 0 or 1, n a multiple of 16. */
    void (*requantise)(const int32_t *in, const uint32_t *multipliers, const uint32_t *shifts,
                       size_t step, uint8_t max, size_t n, uint8_t *out);
    /* sums[i] = the larger of both; += for add. n is a multiple of 16. */
    void (*larger)(int32_t *sums, const int32_t *other, size_t n);
    void (*add)(int32_t *sums, const int32_t *other, size_t n);
};

extern const struct sp_rows_kernels sp_rows__scalar;
/* Only where the build is for x86-64. avx512 needs VNNI and VBMI besides F, BW and VL. */
extern const struct sp_rows_kernels sp_rows__avx2, sp_rows__avx512;

/* One row of one word, output after output: what a sparse library does with a single word. */
void sp_rows_lists_one(const struct sp_rows_lists *m, const uint8_t *row, int32_t *out);

#endif
