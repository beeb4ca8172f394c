/* rows.c - the rows kernels on VNNI: 64 products an instruction. The dense tile keeps 6 rows x 64
 * outputs in registers: 4 loads of weights and 6 broadcasts for 24 vpdpbusd.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/rows.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

INLINE __m512i broadcast(const uint8_t *p)
{
    int32_t quad;
    memcpy(&quad, p, sizeof(quad));
    return _mm512_set1_epi32(quad);
}

/* `rows` rows, `tiles` tiles of outputs from tile `t` on; both constant where it is inlined. */
INLINE void tile(const struct sp_rows_dense *m, const uint8_t *in, const uint32_t *offsets,
                 size_t t, const size_t rows, const size_t tiles, int32_t *out)
{
    __m512i sums[6][4];
    size_t quads = m->quads * m->segments, outputs = m->tiles * SP_ROWS_TILE;
#pragma GCC unroll 6
    for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (size_t i = 0; i < tiles; i++)
            sums[r][i] = _mm512_loadu_si512(m->bias + (t + i) * SP_ROWS_TILE);
    const int8_t *w = m->weights + t * quads * 64;
    for (size_t s = 0; s < m->segments; s++) {
        const uint8_t *at = in + s * m->stride;
        for (size_t q = 0; q < m->quads; q++, w += 64, at += 4) {
            __m512i weights[4];
#pragma GCC unroll 4
            for (size_t i = 0; i < tiles; i++)
                weights[i] = _mm512_load_si512(w + i * quads * 64);
#pragma GCC unroll 6
            for (size_t r = 0; r < rows; r++) {
                __m512i v = broadcast(at + offsets[r]);
#pragma GCC unroll 4
                for (size_t i = 0; i < tiles; i++)
                    sums[r][i] = _mm512_dpbusd_epi32(sums[r][i], v, weights[i]);
            }
        }
    }
#pragma GCC unroll 6
    for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (size_t i = 0; i < tiles; i++)
            _mm512_storeu_si512(out + r * outputs + (t + i) * SP_ROWS_TILE, sums[r][i]);
}

INLINE void tile_column(const struct sp_rows_dense *m, const uint8_t *in, const uint32_t *offsets,
                        size_t rows, size_t t, const size_t tiles, int32_t *out)
{
    size_t r = 0, outputs = m->tiles * SP_ROWS_TILE;
    for (; r + 6 <= rows; r += 6)
        tile(m, in, offsets + r, t, 6, tiles, out + r * outputs);
    if (r + 4 <= rows) {
        tile(m, in, offsets + r, t, 4, tiles, out + r * outputs);
        r += 4;
    }
    if (r + 2 <= rows) {
        tile(m, in, offsets + r, t, 2, tiles, out + r * outputs);
        r += 2;
    }
    if (r < rows)
        tile(m, in, offsets + r, t, 1, tiles, out + r * outputs);
}

static void dense(const struct sp_rows_dense *m, const uint8_t *in, const uint32_t *offsets,
                  size_t rows, int32_t *out)
{
    size_t t = 0;
    for (; t + 4 <= m->tiles; t += 4)
        tile_column(m, in, offsets, rows, t, 4, out);
    if (t + 2 <= m->tiles) {
        tile_column(m, in, offsets, rows, t, 2, out);
        t += 2;
    }
    if (t < m->tiles)
        tile_column(m, in, offsets, rows, t, 1, out);
}

/* One group of 8 outputs for `rows` rows, which is constant where it is inlined. */
INLINE void group(const struct sp_rows_blocks *m, const uint8_t *in, const uint32_t *offsets,
                  size_t g, const size_t rows, int32_t *out)
{
    __m256i sums[12];
    const uint8_t *row[12];
    size_t outputs = m->groups * SP_ROWS_BLOCK;
#pragma GCC unroll 12
    for (size_t r = 0; r < rows; r++) {
        sums[r] = _mm256_loadu_si256((const __m256i_u *)(m->bias + g * SP_ROWS_BLOCK));
        row[r] = in + offsets[r];
    }
    for (size_t b = m->first[g]; b < m->first[g + 1]; b++) {
        __m256i weights = _mm256_load_si256((const __m256i *)(m->weights + b * 32));
        size_t place = m->places[b];
#pragma GCC unroll 12
        for (size_t r = 0; r < rows; r++) {
            int32_t quad;
            memcpy(&quad, row[r] + place, sizeof(quad));
            sums[r] = _mm256_dpbusd_epi32(sums[r], _mm256_set1_epi32(quad), weights);
        }
    }
#pragma GCC unroll 12
    for (size_t r = 0; r < rows; r++)
        _mm256_storeu_si256((__m256i_u *)(out + r * outputs + g * SP_ROWS_BLOCK), sums[r]);
}

static void blocks(const struct sp_rows_blocks *m, const uint8_t *in, const uint32_t *offsets,
                   size_t rows, int32_t *out)
{
    size_t r = 0, outputs = m->groups * SP_ROWS_BLOCK;
    for (; r + 12 <= rows; r += 12)
        for (size_t g = 0; g < m->groups; g++)
            group(m, in, offsets + r, g, 12, out + r * outputs);
    for (; r + 4 <= rows; r += 4)
        for (size_t g = 0; g < m->groups; g++)
            group(m, in, offsets + r, g, 4, out + r * outputs);
    for (; r < rows; r++)
        for (size_t g = 0; g < m->groups; g++)
            group(m, in, offsets + r, g, 1, out + r * outputs);
}

/* One tile of 16 outputs for `rows` rows, which is constant where it is inlined. */
INLINE void shuffled_tile(const struct sp_rows_shuffled *m, const uint8_t *in,
                          const uint32_t *offsets, size_t t, const size_t rows, int32_t *out)
{
    __m512i sums[12];
    const uint8_t *row[12];
    size_t outputs = m->tiles * 16;
#pragma GCC unroll 12
    for (size_t r = 0; r < rows; r++) {
        sums[r] = _mm512_loadu_si512(m->bias + t * 16);
        row[r] = in + offsets[r];
    }
    for (size_t s = m->first[t], end = m->first[t + 1]; s < end;) {
        size_t place = m->places[s];
        __m512i v[12]; /* read once for all steps at a place */
#pragma GCC unroll 12
        for (size_t r = 0; r < rows; r++)
            v[r] = _mm512_loadu_si512(row[r] + place);
        do {
            __m512i indices = _mm512_load_si512(m->indices + s * 64);
            __m512i weights = _mm512_load_si512(m->weights + s * 64);
#pragma GCC unroll 12
            for (size_t r = 0; r < rows; r++)
                sums[r] =
                    _mm512_dpbusd_epi32(sums[r], _mm512_permutexvar_epi8(indices, v[r]), weights);
            s++;
        } while (s < end && m->places[s] == place);
    }
#pragma GCC unroll 12
    for (size_t r = 0; r < rows; r++)
        _mm512_storeu_si512(out + r * outputs + t * 16, sums[r]);
}

static void shuffled(const struct sp_rows_shuffled *m, const uint8_t *in, const uint32_t *offsets,
                     size_t rows, int32_t *out)
{
    size_t r = 0, outputs = m->tiles * 16;
    for (; r + 12 <= rows; r += 12)
        for (size_t t = 0; t < m->tiles; t++)
            shuffled_tile(m, in, offsets + r, t, 12, out + r * outputs);
    for (; r + 4 <= rows; r += 4)
        for (size_t t = 0; t < m->tiles; t++)
            shuffled_tile(m, in, offsets + r, t, 4, out + r * outputs);
    for (; r < rows; r++)
        for (size_t t = 0; t < m->tiles; t++)
            shuffled_tile(m, in, offsets + r, t, 1, out + r * outputs);
}

/* Four inputs of 64 words, transposed to quads: lane l of quads[i] is word 16 * (l / 4) + 4 * i +
 * l % 4. */
INLINE void transpose(const uint8_t *const at[4], __m512i quads[4])
{
    __m512i a = _mm512_load_si512(at[0]), b = _mm512_load_si512(at[1]);
    __m512i c = _mm512_load_si512(at[2]), d = _mm512_load_si512(at[3]);
    __m512i low = _mm512_unpacklo_epi8(a, b), high = _mm512_unpackhi_epi8(a, b);
    __m512i low2 = _mm512_unpacklo_epi8(c, d), high2 = _mm512_unpackhi_epi8(c, d);
    quads[0] = _mm512_unpacklo_epi16(low, low2);
    quads[1] = _mm512_unpackhi_epi16(low, low2);
    quads[2] = _mm512_unpacklo_epi16(high, high2);
    quads[3] = _mm512_unpackhi_epi16(high, high2);
}

/* Back to words in order: 4 x 4 lanes of 128 bits, transposed. */
INLINE void store_words(const __m512i sums[4], int32_t *out)
{
    __m512i a = _mm512_shuffle_i32x4(sums[0], sums[1], 0x44);
    __m512i b = _mm512_shuffle_i32x4(sums[2], sums[3], 0x44);
    __m512i c = _mm512_shuffle_i32x4(sums[0], sums[1], 0xee);
    __m512i d = _mm512_shuffle_i32x4(sums[2], sums[3], 0xee);
    _mm512_store_si512(out, _mm512_shuffle_i32x4(a, b, 0x88));
    _mm512_store_si512(out + 16, _mm512_shuffle_i32x4(a, b, 0xdd));
    _mm512_store_si512(out + 32, _mm512_shuffle_i32x4(c, d, 0x88));
    _mm512_store_si512(out + 48, _mm512_shuffle_i32x4(c, d, 0xdd));
}

/* `left` inputs of four; the others are any input with the weight 0. */
INLINE void four_inputs(const struct sp_rows_lists *m, size_t i, size_t left, const uint8_t *in,
                        __m512i sums[4])
{
    const uint8_t *at[4];
    uint32_t weights = 0;
    __m512i quads[4];
    for (size_t j = 0; j < 4; j++) {
        at[j] = in + (size_t)m->places[j < left ? i + j : i] * SP_ROWS_WORDS;
        weights |= (uint32_t)(j < left ? (uint8_t)m->weights[i + j] : 0) << 8 * j;
    }
    transpose(at, quads);
    for (size_t j = 0; j < 4; j++)
        sums[j] = _mm512_dpbusd_epi32(sums[j], quads[j], _mm512_set1_epi32((int32_t)weights));
}

static void words(const struct sp_rows_lists *m, const uint8_t *in, int32_t *out)
{
    for (size_t o = 0; o < m->outputs; o++, out += SP_ROWS_WORDS) {
        __m512i sums[4];
        for (size_t i = 0; i < 4; i++)
            sums[i] = _mm512_set1_epi32(m->bias[o]);
        size_t i = m->first[o], end = m->first[o + 1];
        for (; i + 4 <= end; i += 4)
            four_inputs(m, i, 4, in, sums);
        if (i < end)
            four_inputs(m, i, end - i, in, sums);
        store_words(sums, out);
    }
}

/* (v * multiplier + half) >> shift as ((v * multiplier >> (shift - 1)) + 1) >> 1, at most max. */
INLINE __m512i scaled(__m512i v, __m512i multiplier, __m512i less, __m512i max)
{
    __m512i product = _mm512_srlv_epi64(_mm512_mul_epu32(v, multiplier), less);
    product = _mm512_srli_epi64(_mm512_add_epi64(product, _mm512_set1_epi64(1)), 1);
    return _mm512_min_epu64(product, max);
}

static void requantise(const int32_t *in, const uint32_t *multipliers, const uint32_t *shifts,
                       size_t step, uint8_t max, size_t n, uint8_t *out)
{
    const __m512i most = _mm512_set1_epi64(max), low = _mm512_set1_epi64(0xffffffff);
    for (size_t i = 0; i < n; i += 16) {
        __m512i v = _mm512_max_epi32(_mm512_loadu_si512(in + i), _mm512_setzero_si512());
        __m512i m = step == 0 ? _mm512_set1_epi32((int32_t)multipliers[0])
                              : _mm512_loadu_si512(multipliers + i);
        __m512i s =
            step == 0 ? _mm512_set1_epi32((int32_t)shifts[0]) : _mm512_loadu_si512(shifts + i);
        s = _mm512_sub_epi32(s, _mm512_set1_epi32(1));
        __m512i even = scaled(v, m, _mm512_and_si512(s, low), most);
        __m512i odd = scaled(_mm512_srli_epi64(v, 32), _mm512_srli_epi64(m, 32),
                             _mm512_srli_epi64(s, 32), most);
        __m512i both = _mm512_or_si512(even, _mm512_slli_epi64(odd, 32));
        _mm_storeu_si128((__m128i_u *)(out + i), _mm512_cvtepi32_epi8(both));
    }
}

static void larger(int32_t *sums, const int32_t *other, size_t n)
{
    for (size_t i = 0; i < n; i += 16)
        _mm512_storeu_si512(sums + i, _mm512_max_epi32(_mm512_loadu_si512(sums + i),
                                                       _mm512_loadu_si512(other + i)));
}

static void add(int32_t *sums, const int32_t *other, size_t n)
{
    for (size_t i = 0; i < n; i += 16)
        _mm512_storeu_si512(sums + i, _mm512_add_epi32(_mm512_loadu_si512(sums + i),
                                                       _mm512_loadu_si512(other + i)));
}

const struct sp_rows_kernels sp_rows__avx512 = {
    .name = "avx512",
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
