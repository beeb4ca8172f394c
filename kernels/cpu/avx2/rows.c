/* rows.c - the rows kernels on AVX2: vpmaddubsw, vpmaddwd, vpaddd for 32 products.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/rows.h"

#include <immintrin.h>
#include <string.h>

#include "kernels/cpu/avx2/dot.h"

#define INLINE static inline __attribute__((always_inline))

INLINE __m256i broadcast(const uint8_t *p)
{
    int32_t quad;
    memcpy(&quad, p, sizeof(quad));
    return _mm256_set1_epi32(quad);
}

/* `rows` rows, one tile of outputs: two registers. rows is constant where it is inlined. */
INLINE void tile(const struct sp_rows_dense *m, const uint8_t *in, const uint32_t *offsets,
                 size_t t, const size_t rows, int32_t *out)
{
    __m256i sums[4][2];
    size_t quads = m->quads * m->segments, outputs = m->tiles * SP_ROWS_TILE;
    const __m256i_u *bias = (const __m256i_u *)(m->bias + t * SP_ROWS_TILE);
#pragma GCC unroll 4
    for (size_t r = 0; r < rows; r++) {
        sums[r][0] = _mm256_loadu_si256(bias);
        sums[r][1] = _mm256_loadu_si256(bias + 1);
    }
    const int8_t *w = m->weights + t * quads * 64;
    for (size_t s = 0; s < m->segments; s++) {
        const uint8_t *at = in + s * m->stride;
        for (size_t q = 0; q < m->quads; q++, w += 64, at += 4) {
            __m256i low = _mm256_load_si256((const __m256i *)w);
            __m256i high = _mm256_load_si256((const __m256i *)(w + 32));
#pragma GCC unroll 4
            for (size_t r = 0; r < rows; r++) {
                __m256i v = broadcast(at + offsets[r]);
                sums[r][0] = dot(sums[r][0], v, low);
                sums[r][1] = dot(sums[r][1], v, high);
            }
        }
    }
#pragma GCC unroll 4
    for (size_t r = 0; r < rows; r++) {
        __m256i_u *to = (__m256i_u *)(out + r * outputs + t * SP_ROWS_TILE);
        _mm256_storeu_si256(to, sums[r][0]);
        _mm256_storeu_si256(to + 1, sums[r][1]);
    }
}

static void dense(const struct sp_rows_dense *m, const uint8_t *in, const uint32_t *offsets,
                  size_t rows, int32_t *out)
{
    size_t outputs = m->tiles * SP_ROWS_TILE;
    for (size_t t = 0; t < m->tiles; t++) {
        size_t r = 0;
        for (; r + 4 <= rows; r += 4)
            tile(m, in, offsets + r, t, 4, out + r * outputs);
        for (; r < rows; r++)
            tile(m, in, offsets + r, t, 1, out + r * outputs);
    }
}

/* One group of 8 outputs for `rows` rows, which is constant where it is inlined. */
INLINE void group(const struct sp_rows_blocks *m, const uint8_t *in, const uint32_t *offsets,
                  size_t g, const size_t rows, int32_t *out)
{
    __m256i sums[8];
    const uint8_t *row[8];
    size_t outputs = m->groups * SP_ROWS_BLOCK;
#pragma GCC unroll 8
    for (size_t r = 0; r < rows; r++) {
        sums[r] = _mm256_loadu_si256((const __m256i_u *)(m->bias + g * SP_ROWS_BLOCK));
        row[r] = in + offsets[r];
    }
    for (size_t b = m->first[g]; b < m->first[g + 1]; b++) {
        __m256i weights = _mm256_load_si256((const __m256i *)(m->weights + b * 32));
        size_t place = m->places[b];
#pragma GCC unroll 8
        for (size_t r = 0; r < rows; r++)
            sums[r] = dot(sums[r], broadcast(row[r] + place), weights);
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < rows; r++)
        _mm256_storeu_si256((__m256i_u *)(out + r * outputs + g * SP_ROWS_BLOCK), sums[r]);
}

static void blocks(const struct sp_rows_blocks *m, const uint8_t *in, const uint32_t *offsets,
                   size_t rows, int32_t *out)
{
    size_t r = 0, outputs = m->groups * SP_ROWS_BLOCK;
    for (; r + 8 <= rows; r += 8)
        for (size_t g = 0; g < m->groups; g++)
            group(m, in, offsets + r, g, 8, out + r * outputs);
    for (; r < rows; r++)
        for (size_t g = 0; g < m->groups; g++)
            group(m, in, offsets + r, g, 1, out + r * outputs);
}

/* One tile of 8 outputs for `rows` rows, which is constant where it is inlined: vpshufb finds its
 * inputs in the same 16 bytes for both halves. */
INLINE void shuffled_tile(const struct sp_rows_shuffled *m, const uint8_t *in,
                          const uint32_t *offsets, size_t t, const size_t rows, int32_t *out)
{
    __m256i sums[8];
    const uint8_t *row[8];
    size_t outputs = m->tiles * 8;
#pragma GCC unroll 8
    for (size_t r = 0; r < rows; r++) {
        sums[r] = _mm256_loadu_si256((const __m256i_u *)(m->bias + t * 8));
        row[r] = in + offsets[r];
    }
    for (size_t s = m->first[t]; s < m->first[t + 1]; s++) {
        __m256i indices = _mm256_load_si256((const __m256i *)(m->indices + s * 32));
        __m256i weights = _mm256_load_si256((const __m256i *)(m->weights + s * 32));
        size_t place = m->places[s];
#pragma GCC unroll 8
        for (size_t r = 0; r < rows; r++) {
            __m256i v =
                _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i_u *)(row[r] + place)));
            sums[r] = dot(sums[r], _mm256_shuffle_epi8(v, indices), weights);
        }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < rows; r++)
        _mm256_storeu_si256((__m256i_u *)(out + r * outputs + t * 8), sums[r]);
}

static void shuffled(const struct sp_rows_shuffled *m, const uint8_t *in, const uint32_t *offsets,
                     size_t rows, int32_t *out)
{
    size_t r = 0, outputs = m->tiles * 8;
    for (; r + 8 <= rows; r += 8)
        for (size_t t = 0; t < m->tiles; t++)
            shuffled_tile(m, in, offsets + r, t, 8, out + r * outputs);
    for (; r < rows; r++)
        for (size_t t = 0; t < m->tiles; t++)
            shuffled_tile(m, in, offsets + r, t, 1, out + r * outputs);
}

/* `left` inputs of four; the others are any input with the weight 0. */
INLINE void four_inputs(const struct sp_rows_lists *m, size_t i, size_t left, const uint8_t *in,
                        __m256i sums[4])
{
    __m256i a[4];
    uint32_t four = 0;
    for (size_t j = 0; j < 4; j++) {
        size_t place = m->places[j < left ? i + j : i];
        a[j] = _mm256_load_si256((const __m256i *)(in + place * SP_ROWS_WORDS));
        four |= (uint32_t)(j < left ? (uint8_t)m->weights[i + j] : 0) << 8 * j;
    }
    __m256i weights = _mm256_set1_epi32((int32_t)four);
    __m256i low = _mm256_unpacklo_epi8(a[0], a[1]), high = _mm256_unpackhi_epi8(a[0], a[1]);
    __m256i low2 = _mm256_unpacklo_epi8(a[2], a[3]), high2 = _mm256_unpackhi_epi8(a[2], a[3]);
    sums[0] = dot(sums[0], _mm256_unpacklo_epi16(low, low2), weights);
    sums[1] = dot(sums[1], _mm256_unpackhi_epi16(low, low2), weights);
    sums[2] = dot(sums[2], _mm256_unpacklo_epi16(high, high2), weights);
    sums[3] = dot(sums[3], _mm256_unpackhi_epi16(high, high2), weights);
}

/* 32 words of one output: four inputs a step, transposed to quads. Each half of sums[i] holds four
 * neighbouring words: 4 * i, and 16 + 4 * i. */
INLINE void half_words(const struct sp_rows_lists *m, size_t o, const uint8_t *in, int32_t *out)
{
    __m256i sums[4];
    for (size_t j = 0; j < 4; j++)
        sums[j] = _mm256_set1_epi32(m->bias[o]);
    size_t i = m->first[o], end = m->first[o + 1];
    for (; i + 4 <= end; i += 4)
        four_inputs(m, i, 4, in, sums);
    if (i < end)
        four_inputs(m, i, end - i, in, sums);
    for (size_t j = 0; j < 4; j++) {
        _mm_store_si128((__m128i *)(out + 4 * j), _mm256_castsi256_si128(sums[j]));
        _mm_store_si128((__m128i *)(out + 16 + 4 * j), _mm256_extracti128_si256(sums[j], 1));
    }
}

static void words(const struct sp_rows_lists *m, const uint8_t *in, int32_t *out)
{
    for (size_t o = 0; o < m->outputs; o++, out += SP_ROWS_WORDS) {
        half_words(m, o, in, out);
        half_words(m, o, in + 32, out + 32);
    }
}

/* (v * multiplier + half) >> shift as ((v * multiplier >> (shift - 1)) + 1) >> 1, at most max. */
INLINE __m256i scaled(__m256i v, __m256i multiplier, __m256i less, __m256i max)
{
    __m256i product = _mm256_srlv_epi64(_mm256_mul_epu32(v, multiplier), less);
    product = _mm256_srli_epi64(_mm256_add_epi64(product, _mm256_set1_epi64x(1)), 1);
    return _mm256_blendv_epi8(product, max, _mm256_cmpgt_epi64(product, max));
}

INLINE __m256i requantise_8(const int32_t *in, const uint32_t *multipliers, const uint32_t *shifts,
                            size_t step, __m256i max)
{
    __m256i v = _mm256_max_epi32(_mm256_loadu_si256((const __m256i_u *)in), _mm256_setzero_si256());
    __m256i m = step == 0 ? _mm256_set1_epi32((int32_t)multipliers[0])
                          : _mm256_loadu_si256((const __m256i_u *)multipliers);
    __m256i s = step == 0 ? _mm256_set1_epi32((int32_t)shifts[0])
                          : _mm256_loadu_si256((const __m256i_u *)shifts);
    s = _mm256_sub_epi32(s, _mm256_set1_epi32(1));
    __m256i even = scaled(v, m, _mm256_and_si256(s, _mm256_set1_epi64x(0xffffffff)), max);
    __m256i odd =
        scaled(_mm256_srli_epi64(v, 32), _mm256_srli_epi64(m, 32), _mm256_srli_epi64(s, 32), max);
    return _mm256_or_si256(even, _mm256_slli_epi64(odd, 32));
}

static void requantise(const int32_t *in, const uint32_t *multipliers, const uint32_t *shifts,
                       size_t step, uint8_t max, size_t n, uint8_t *out)
{
    const __m256i most = _mm256_set1_epi64x(max);
    for (size_t i = 0; i < n; i += 16) {
        size_t next = (i + 8) * step;
        __m256i a = requantise_8(in + i, multipliers + i * step, shifts + i * step, step, most);
        __m256i b = requantise_8(in + i + 8, multipliers + next, shifts + next, step, most);
        __m256i both = _mm256_permute4x64_epi64(_mm256_packus_epi32(a, b), 0xd8);
        _mm_storeu_si128(
            (__m128i_u *)(out + i),
            _mm_packus_epi16(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1)));
    }
}

static void larger(int32_t *sums, const int32_t *other, size_t n)
{
    for (size_t i = 0; i < n; i += 8) {
        __m256i_u *to = (__m256i_u *)(sums + i);
        _mm256_storeu_si256(to,
                            _mm256_max_epi32(_mm256_loadu_si256(to),
                                             _mm256_loadu_si256((const __m256i_u *)(other + i))));
    }
}

static void add(int32_t *sums, const int32_t *other, size_t n)
{
    for (size_t i = 0; i < n; i += 8) {
        __m256i_u *to = (__m256i_u *)(sums + i);
        _mm256_storeu_si256(to,
                            _mm256_add_epi32(_mm256_loadu_si256(to),
                                             _mm256_loadu_si256((const __m256i_u *)(other + i))));
    }
}

const struct sp_rows_kernels sp_rows__avx2 = {
    .name = "avx2",
    .dense = dense,
    .blocks = blocks,
    .shuffled = shuffled,
    .shuffle_block = 16,
    .shuffle_tile = 8,
    .words = words,
    .requantise = requantise,
    .larger = larger,
    .add = add,
};
