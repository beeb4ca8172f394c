/* kernels.h - the inner loops, behind one table.
 * What each one computes, to the last bit, is engine/ARITHMETIC.md; kernels/cpu/scalar is that page
 * in C, and every other variant gives the same bytes. Kernels never allocate, never fail, keep no
 * state and know no models. Threads: any; memory that a kernel writes belongs to the caller's
 * thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_KERNELS_H
#define SP_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- front end: samples -> features ---- */

/* How many frames one call may take, and the lanes of its working memory. */
#define SP_FRONT_END_LANES 16

/* The constants of ARITHMETIC.md section 2; half = window / 2. */
struct sp_front_end_tables {
    size_t window, bands;
    const float *hann;            /* window */
    const float *tr, *ti;         /* half: twiddles of the half-length transform */
    const float *pr, *pi;         /* half / 2 + 1: split twiddles; behind tr, ti: one block */
    const uint16_t *reversed;     /* half: bit-reversed positions */
    const uint16_t *first, *bins; /* bands: where the run of bins of a band begins, its length */
    const float *weights;         /* the bands' runs, one after the other */
    const uint16_t *segments;     /* bands + 1: bins from an edge up to the next */
    size_t first_bin;             /* of the first segment; the others follow it */
    const float *slopes; /* per bin of the segments: its weight in the band that falls there,
                          * then in the one that rises, both times 1/4 */
    float log_scale, log_offset, max_value;
};

/* Floats of working memory, aligned to 64 bytes, for one call. */
static inline size_t sp_front_end_work_floats(size_t window)
{
    return SP_FRONT_END_LANES * (window + window / 2 + 8);
}

/* rows[f] points to the window's samples of frame f, f < frames <= SP_FRONT_END_LANES; features
 * receives frames x bands. */
typedef void (*sp_front_end_fn)(const struct sp_front_end_tables *t, const int16_t *const *rows,
                                size_t frames, float *work, uint8_t *features);

void sp_front_end__scalar(const struct sp_front_end_tables *t, const int16_t *const *rows,
                          size_t frames, float *work, uint8_t *features);

/* ---- word bounds ---- */

/* energy[i] = the sum of the squares of samples i * slice .. (i + 1) * slice - 1, for i < count.
 * slice is a multiple of 16, at most 2^16. */
typedef void (*sp_energies_fn)(const int16_t *pcm, size_t slice, size_t count, uint64_t *energy);

void sp_energies__scalar(const int16_t *pcm, size_t slice, size_t count, uint64_t *energy);
/* only where the build is for x86-64 */
void sp_energies__avx2(const int16_t *pcm, size_t slice, size_t count, uint64_t *energy);
void sp_energies__avx512(const int16_t *pcm, size_t slice, size_t count, uint64_t *energy);

/* ---- layers: values are height x width x channels, channels fastest (ARITHMETIC.md section 3)
 * ---- */

/* A Linear is a convolution of one position with one tap. Padding below and to the right follows
 * from the sizes. */
struct sp_conv_shape {
    size_t in_height, in_width, in_channels;
    size_t out_height, out_width, out_channels;
    size_t kernel_height, kernel_width, stride_height, stride_width, pad_top, pad_left;
};

/* One (group of outputs, tap, window of inputs) that has weights. */
struct sp_place {
    uint32_t group, tap, window;
};

struct sp_windows {
    size_t group, window, places; /* outputs per group, inputs per window, how many places */
    const struct sp_place *place; /* by group, then tap, then window */
    const int8_t *values;         /* per place: window inputs x group outputs, output fastest */
};

struct sp_indexed {
    const uint32_t *counts;    /* per output */
    const uint32_t *positions; /* tap * in_channels + channel, rising within an output */
    const int8_t *values;      /* one per position */
};

/* bias: out_channels; out: out_height x out_width x out_channels. No sum leaves s32. */
typedef void (*sp_conv_dense_fn)(const struct sp_conv_shape *shape, const int8_t *weights,
                                 const int32_t *bias, const uint8_t *in, int32_t *out);
typedef void (*sp_conv_windows_fn)(const struct sp_conv_shape *shape, const struct sp_windows *w,
                                   const int32_t *bias, const uint8_t *in, int32_t *out);
typedef void (*sp_conv_indexed_fn)(const struct sp_conv_shape *shape, const struct sp_indexed *w,
                                   const int32_t *bias, const uint8_t *in, int32_t *out);

/* out[i] = sum of multiplier[j] * in[j][i]; an input is s32, or u8 where active[j]. */
struct sp_add {
    size_t inputs;
    const uint32_t *multipliers; /* inputs of them */
    const bool *active;
};
typedef void (*sp_add_fn)(const struct sp_add *add, const void *const *in, size_t elements,
                          int32_t *out);

/* A pool's window is its stride; what does not fill a window is dropped. */
struct sp_pool_shape {
    size_t in_width, out_height, out_width, channels, height, width;
};
typedef void (*sp_max_pool_u8_fn)(const struct sp_pool_shape *shape, const uint8_t *in,
                                  uint8_t *out);
typedef void (*sp_max_pool_s32_fn)(const struct sp_pool_shape *shape, const int32_t *in,
                                   int32_t *out);
/* out: channels sums over all positions. */
typedef void (*sp_mean_pool_fn)(const uint8_t *in, size_t positions, size_t channels, int32_t *out);

/* Multiplier and shift i belong to channels i * share .. (i + 1) * share - 1. */
struct sp_requantise {
    const uint32_t *multipliers;
    const uint8_t *shifts;
    size_t share; /* divides the channels */
    uint8_t max_value;
};
typedef void (*sp_requantise_fn)(const struct sp_requantise *q, const int32_t *in, size_t positions,
                                 size_t channels, uint8_t *out);

struct sp_block_winners {
    size_t block, winners; /* block divides the channels and q.share is a multiple of it */
    unsigned rank_shift;
    struct sp_requantise q;
};
typedef void (*sp_block_winners_fn)(const struct sp_block_winners *b, const int32_t *in,
                                    size_t positions, size_t channels, uint8_t *out);

/* The k largest of each of `rows` rows of n values stay. */
typedef void (*sp_k_winners_fn)(size_t k, const uint8_t *in, size_t rows, size_t n, uint8_t *out);

void sp_conv_dense__scalar(const struct sp_conv_shape *shape, const int8_t *weights,
                           const int32_t *bias, const uint8_t *in, int32_t *out);
void sp_conv_windows__scalar(const struct sp_conv_shape *shape, const struct sp_windows *w,
                             const int32_t *bias, const uint8_t *in, int32_t *out);
void sp_conv_indexed__scalar(const struct sp_conv_shape *shape, const struct sp_indexed *w,
                             const int32_t *bias, const uint8_t *in, int32_t *out);
void sp_add__scalar(const struct sp_add *add, const void *const *in, size_t elements, int32_t *out);
void sp_max_pool_u8__scalar(const struct sp_pool_shape *shape, const uint8_t *in, uint8_t *out);
void sp_max_pool_s32__scalar(const struct sp_pool_shape *shape, const int32_t *in, int32_t *out);
void sp_mean_pool__scalar(const uint8_t *in, size_t positions, size_t channels, int32_t *out);
void sp_requantise__scalar(const struct sp_requantise *q, const int32_t *in, size_t positions,
                           size_t channels, uint8_t *out);
void sp_block_winners__scalar(const struct sp_block_winners *b, const int32_t *in, size_t positions,
                              size_t channels, uint8_t *out);
void sp_k_winners__scalar(size_t k, const uint8_t *in, size_t rows, size_t n, uint8_t *out);

/* Only where the build is for x86-64. */
void sp_front_end__avx2(const struct sp_front_end_tables *t, const int16_t *const *rows,
                        size_t frames, float *work, uint8_t *features);
void sp_front_end__avx512(const struct sp_front_end_tables *t, const int16_t *const *rows,
                          size_t frames, float *work, uint8_t *features);
void sp_add__avx2(const struct sp_add *add, const void *const *in, size_t elements, int32_t *out);
void sp_conv_dense__avx2(const struct sp_conv_shape *shape, const int8_t *weights,
                         const int32_t *bias, const uint8_t *in, int32_t *out);
void sp_conv_dense__avx512(const struct sp_conv_shape *shape, const int8_t *weights,
                           const int32_t *bias, const uint8_t *in, int32_t *out);
void sp_requantise__avx2(const struct sp_requantise *q, const int32_t *in, size_t positions,
                         size_t channels, uint8_t *out);

/* Only where the build is for aarch64. */
void sp_front_end__neon(const struct sp_front_end_tables *t, const int16_t *const *rows,
                        size_t frames, float *work, uint8_t *features);
void sp_conv_dense__neon(const struct sp_conv_shape *shape, const int8_t *weights,
                         const int32_t *bias, const uint8_t *in, int32_t *out);

/* The inputs under one tap of one output position; NULL where the tap lies in the padding. */
static inline const uint8_t *sp_conv_tap(const struct sp_conv_shape *s, const uint8_t *in, size_t y,
                                         size_t x, size_t tap)
{
    size_t row = y * s->stride_height + tap / s->kernel_width;
    size_t col = x * s->stride_width + tap % s->kernel_width;
    if (row < s->pad_top || row - s->pad_top >= s->in_height || col < s->pad_left ||
        col - s->pad_left >= s->in_width)
        return NULL;
    return in + ((row - s->pad_top) * s->in_width + (col - s->pad_left)) * s->in_channels;
}

/* One requantised value: (v * multiplier + half) >> shift, clamped to 0 .. max. */
static inline uint8_t sp_requantise_one(int32_t v, uint32_t multiplier, unsigned shift, uint8_t max)
{
    int64_t q = ((int64_t)v * multiplier + ((int64_t)1 << (shift - 1))) >> shift;
    return q < 0 ? 0 : q > max ? max : (uint8_t)q;
}

/* ---- the table ---- */

struct sp_kernels {
    const char
        *name; /* of the fastest set in use: "scalar", "avx2", "avxvnni", "avx512vnni", "avx512" */
    sp_front_end_fn front_end;
    sp_conv_dense_fn conv_dense;
    sp_conv_windows_fn conv_windows;
    sp_conv_indexed_fn conv_indexed;
    sp_add_fn add;
    sp_max_pool_u8_fn max_pool_u8;
    sp_max_pool_s32_fn max_pool_s32;
    sp_mean_pool_fn mean_pool;
    sp_requantise_fn requantise;
    sp_block_winners_fn block_winners;
    sp_k_winners_fn k_winners;
    sp_energies_fn energies;
    const struct sp_lanes_kernels *lanes; /* lanes.h; NULL: this set has none */
    const struct sp_words_kernels *words; /* words.h; NULL: this set has none */
};

/* Fills *ret_kernels with the fastest kernels that `names` allows and this machine has. names: a
 * comma list of "scalar", "avx2", "avxvnni", "avx512vnni", "avx512", "neon", "dotprod", or "native"
 * (all of them); scalar needs no naming, nor avx2 beside avx512. False if a name is unknown or the
 * machine lacks it. */
bool sp_kernels_select(const char *names, struct sp_kernels *ret_kernels);

/* The name of set i of this build, from the slowest to the fastest, and whether this machine has
 * it; NULL behind the last one. */
const char *sp_kernels_set(size_t i, bool *ret_here);

#endif
