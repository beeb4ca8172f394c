/* rows.c - the rows kernels in plain C.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/rows.h"

#include <string.h>

static void dense(const struct sp_rows_dense *m, const uint8_t *in, const uint32_t *offsets,
                  size_t rows, int32_t *out)
{
    size_t outputs = m->tiles * SP_ROWS_TILE;
    for (size_t r = 0; r < rows; r++, out += outputs) {
        const int8_t *w = m->weights;
        memcpy(out, m->bias, outputs * sizeof(*out));
        for (size_t t = 0; t < m->tiles; t++)
            for (size_t q = 0; q < m->segments * m->quads; q++) {
                const uint8_t *v = in + offsets[r] + q / m->quads * m->stride + q % m->quads * 4;
                for (size_t o = 0; o < SP_ROWS_TILE; o++)
                    for (size_t i = 0; i < 4; i++)
                        out[t * SP_ROWS_TILE + o] += v[i] * *w++;
            }
    }
}

static void blocks(const struct sp_rows_blocks *m, const uint8_t *in, const uint32_t *offsets,
                   size_t rows, int32_t *out)
{
    size_t outputs = m->groups * SP_ROWS_BLOCK;
    for (size_t r = 0; r < rows; r++, out += outputs) {
        memcpy(out, m->bias, outputs * sizeof(*out));
        for (size_t g = 0; g < m->groups; g++)
            for (size_t b = m->first[g]; b < m->first[g + 1]; b++)
                for (size_t o = 0; o < SP_ROWS_BLOCK; o++)
                    for (size_t i = 0; i < 4; i++)
                        out[g * SP_ROWS_BLOCK + o] += in[offsets[r] + m->places[b] + i] *
                                                      m->weights[(b * SP_ROWS_BLOCK + o) * 4 + i];
    }
}

static void shuffled(const struct sp_rows_shuffled *m, const uint8_t *in, const uint32_t *offsets,
                     size_t rows, int32_t *out)
{
    size_t outputs = m->tiles * m->tile;
    for (size_t r = 0; r < rows; r++, out += outputs) {
        memcpy(out, m->bias, outputs * sizeof(*out));
        for (size_t t = 0; t < m->tiles; t++)
            for (size_t s = m->first[t]; s < m->first[t + 1]; s++)
                for (size_t i = 0; i < m->tile * 4; i++)
                    out[t * m->tile + i / 4] +=
                        in[offsets[r] + m->places[s] + m->indices[s * m->tile * 4 + i]] *
                        m->weights[s * m->tile * 4 + i];
    }
}

static void words(const struct sp_rows_lists *m, const uint8_t *in, int32_t *out)
{
    for (size_t o = 0; o < m->outputs; o++, out += SP_ROWS_WORDS) {
        for (size_t w = 0; w < SP_ROWS_WORDS; w++)
            out[w] = m->bias[o];
        for (size_t i = m->first[o]; i < m->first[o + 1]; i++)
            for (size_t w = 0; w < SP_ROWS_WORDS; w++)
                out[w] += in[m->places[i] * SP_ROWS_WORDS + w] * m->weights[i];
    }
}

static void requantise(const int32_t *in, const uint32_t *multipliers, const uint32_t *shifts,
                       size_t step, uint8_t max, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t v = in[i] < 0 ? 0 : (uint64_t)in[i];
        uint32_t shift = shifts[i * step];
        v = (v * multipliers[i * step] + ((uint64_t)1 << (shift - 1))) >> shift;
        out[i] = (uint8_t)(v > max ? max : v);
    }
}

static void larger(int32_t *sums, const int32_t *other, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sums[i] = sums[i] > other[i] ? sums[i] : other[i];
}

static void add(int32_t *sums, const int32_t *other, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sums[i] += other[i];
}

void sp_rows_lists_one(const struct sp_rows_lists *m, const uint8_t *row, int32_t *out)
{
    for (size_t o = 0; o < m->outputs; o++) {
        int32_t sum = m->bias[o];
        for (size_t i = m->first[o]; i < m->first[o + 1]; i++)
            sum += row[m->places[i]] * m->weights[i];
        out[o] = sum;
    }
}

const struct sp_rows_kernels sp_rows__scalar = {
    .name = "scalar",
    .dense = dense,
    .blocks = blocks,
    .shuffled = shuffled,
    .shuffle_block = 64,
    .shuffle_tile = 16,
    .words = words,
    .requantise = requantise,
    .larger = larger,
    .add = add,
};
