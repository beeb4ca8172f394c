/* weights.c - from a model's encodings to full matrices, and to the forms that are compared.
 * A full row of `segments * length` weights may end in zeros beyond what the layer has (padding to
 * fours): callers hand in rows that are as long as that.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine/weights.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/pack.h"

void *weights_memory(size_t count, size_t size)
{
    size_t bytes;
    void *p = NULL;
    if (!__builtin_mul_overflow(count, size, &bytes) && bytes < SIZE_MAX - 64)
        p = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (p == NULL) {
        fprintf(stderr, "no memory for %zu x %zu bytes\n", count, size);
        exit(1);
    }
    return memset(p, 0, (bytes + 127) / 64 * 64);
}

int8_t *weights_full(const struct sp_conv_params *conv)
{
    int8_t *full = sp_pack_unfold(conv);
    if (full == NULL)
        errx(1, "no memory to unfold weights");
    return full;
}

/* xorshift64*: the same masks everywhere. */
static uint32_t draw(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)((*state * 0x2545f4914f6cdd1dULL) >> 32);
}

void weights_mask(int8_t *full, const struct sp_conv_shape *shape, double zeros, bool blocks,
                  uint64_t seed)
{
    size_t row = shape->kernel_height * shape->kernel_width * shape->in_channels;
    size_t high = blocks ? SP_ROWS_BLOCK : 1, wide = blocks ? 4 : 1;
    uint32_t limit = (uint32_t)(zeros * 4294967295.0);
    for (size_t o = 0; o < shape->out_channels; o += high)
        for (size_t i = 0; i < row; i += wide) {
            bool stays = draw(&seed) >= limit;
            for (size_t y = o; y < o + high && y < shape->out_channels; y++)
                for (size_t x = i; x < i + wide && x < row; x++) {
                    int8_t value = (int8_t)(1 + draw(&seed) % 127);
                    full[y * row + x] = (int8_t)(!stays ? 0 : draw(&seed) & 1 ? value : -value);
                }
        }
}

static size_t row_weights(const struct weights_row *row)
{
    return row->segments * row->length;
}

/* Bytes from a row's begin to its weight i. */
static uint32_t place(const struct weights_row *row, size_t i)
{
    return (uint32_t)(i / row->length * row->stride + i % row->length);
}

static int32_t *padded_bias(const int32_t *bias, size_t outputs, size_t padded)
{
    int32_t *all = weights_memory(padded, sizeof(*all));
    memcpy(all, bias, outputs * sizeof(*all));
    return all;
}

void weights_dense(const int8_t *full, const int32_t *bias, size_t outputs,
                   const struct weights_row *row, struct sp_rows_dense *ret_dense)
{
    size_t tiles = (outputs + SP_ROWS_TILE - 1) / SP_ROWS_TILE, n = row_weights(row);
    int8_t *weights = weights_memory(tiles * n, SP_ROWS_TILE);
    for (size_t o = 0; o < outputs; o++)
        for (size_t i = 0; i < n; i++)
            weights[((o / SP_ROWS_TILE * (n / 4) + i / 4) * SP_ROWS_TILE + o % SP_ROWS_TILE) * 4 +
                    i % 4] = full[o * n + i];
    *ret_dense = (struct sp_rows_dense){
        .tiles = tiles,
        .segments = row->segments,
        .quads = row->length / 4,
        .stride = row->stride,
        .weights = weights,
        .bias = padded_bias(bias, outputs, tiles * SP_ROWS_TILE),
    };
}

/* Copies one block; false if all its weights are 0. */
static bool take_block(const int8_t *full, size_t outputs, size_t n, size_t o, size_t i,
                       int8_t *block)
{
    bool any = false;
    for (size_t y = 0; y < SP_ROWS_BLOCK; y++)
        for (size_t x = 0; x < 4; x++) {
            int8_t w = o + y < outputs ? full[(o + y) * n + i + x] : 0;
            block[y * 4 + x] = w;
            any |= w != 0;
        }
    return any;
}

void weights_blocks(const int8_t *full, const int32_t *bias, size_t outputs,
                    const struct weights_row *row, struct sp_rows_blocks *ret_blocks)
{
    size_t groups = (outputs + SP_ROWS_TILE - 1) / SP_ROWS_TILE * (SP_ROWS_TILE / SP_ROWS_BLOCK);
    size_t n = row_weights(row), count = 0, most = groups * (n / 4);
    uint32_t *first = weights_memory(groups + 1, sizeof(*first));
    uint32_t *places = weights_memory(most, sizeof(*places));
    int8_t *weights = weights_memory(most + 1, 32);
    for (size_t g = 0; g < groups; g++) {
        for (size_t i = 0; i < n; i += 4)
            if (take_block(full, outputs, n, g * SP_ROWS_BLOCK, i, weights + count * 32))
                places[count++] = place(row, i);
        first[g + 1] = (uint32_t)count;
    }
    *ret_blocks = (struct sp_rows_blocks){
        .groups = groups,
        .first = first,
        .places = places,
        .weights = weights,
        .bias = padded_bias(bias, outputs, groups * SP_ROWS_BLOCK),
    };
}

void weights_lists(const int8_t *full, const int32_t *bias, size_t outputs,
                   const struct weights_row *row, struct sp_rows_lists *ret_lists)
{
    size_t n = row_weights(row), count = 0;
    uint32_t *first = weights_memory(outputs + 1, sizeof(*first));
    uint32_t *places = weights_memory(outputs * n, sizeof(*places));
    int8_t *weights = weights_memory(outputs * n, 1);
    for (size_t o = 0; o < outputs; o++) {
        for (size_t i = 0; i < n; i++)
            if (full[o * n + i] != 0) {
                places[count] = place(row, i);
                weights[count++] = full[o * n + i];
            }
        first[o + 1] = (uint32_t)count;
    }
    *ret_lists = (struct sp_rows_lists){
        .outputs = outputs,
        .first = first,
        .places = places,
        .weights = weights,
        .bias = padded_bias(bias, outputs, outputs),
    };
}

/* One block of inputs for one tile: fills steps until every weight has its place; returns how many.
 */
static size_t fill_steps(const int8_t *const *rows, size_t tile, size_t inputs, uint8_t *indices,
                         int8_t *weights)
{
    size_t steps = 0;
    for (size_t o = 0; o < tile; o++) {
        size_t count = 0;
        for (size_t i = 0; i < inputs && rows[o] != NULL; i++) {
            if (rows[o][i] == 0)
                continue;
            size_t at = (count / 4 * tile + o) * 4 + count % 4;
            indices[at] = (uint8_t)i;
            weights[at] = rows[o][i];
            count++;
        }
        steps = (count + 3) / 4 > steps ? (count + 3) / 4 : steps;
    }
    return steps;
}

void weights_shuffled(const int8_t *full, const int32_t *bias, size_t outputs,
                      const struct weights_row *row, const struct sp_rows_kernels *kernels,
                      struct sp_rows_shuffled *ret_shuffled)
{
    size_t block = kernels->shuffle_block, tile = kernels->shuffle_tile, count = 0;
    size_t padded = (outputs + SP_ROWS_TILE - 1) / SP_ROWS_TILE * SP_ROWS_TILE;
    size_t tiles = padded / tile, n = row_weights(row), blocks = (row->length + block - 1) / block;
    size_t most = tiles * row->segments * blocks * block / 4;
    uint32_t *first = weights_memory(tiles + 1, sizeof(*first));
    uint32_t *places = weights_memory(most, sizeof(*places));
    uint8_t *indices = weights_memory(most, tile * 4);
    int8_t *weights = weights_memory(most, tile * 4);
    for (size_t t = 0; t < tiles; t++) {
        for (size_t b = 0; b < row->segments * blocks; b++) {
            const int8_t *rows[SP_ROWS_TILE];
            size_t begin = b % blocks * block, left = row->length - begin;
            for (size_t o = 0; o < tile; o++)
                rows[o] = t * tile + o < outputs
                              ? full + (t * tile + o) * n + b / blocks * row->length + begin
                              : NULL;
            size_t steps = fill_steps(rows, tile, left < block ? left : block,
                                      indices + count * tile * 4, weights + count * tile * 4);
            for (size_t s = 0; s < steps; s++)
                places[count++] = (uint32_t)(b / blocks * row->stride + begin);
        }
        first[t + 1] = (uint32_t)count;
    }
    *ret_shuffled = (struct sp_rows_shuffled){
        .block = block,
        .tile = tile,
        .tiles = tiles,
        .first = first,
        .places = places,
        .indices = indices,
        .weights = weights,
        .bias = padded_bias(bias, outputs, padded),
    };
}
