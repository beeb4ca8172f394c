/* lanes.c - convolutions and their winners in registers of sixteen sums.
 * A register's lanes are 16 positions of an output, 8 positions of two or 4 of four. vpermb looks
 * up, in a table of four outputs' weights for a window, the weights of its four winners at each
 * position; vpdpbusd multiplies and adds. Before the winners are found, registers are rearranged so
 * that each holds one channel of 1, 2 or 4 blocks.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/lanes.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

INLINE __m512i load(const void *p)
{
    return _mm512_loadu_si512(p);
}

INLINE __m256i load_half(const void *p)
{
    return _mm256_loadu_si256((const __m256i_u *)p);
}

INLINE __m128i load_quarter(const void *p)
{
    return _mm_loadu_si128((const __m128i_u *)p);
}

INLINE __m512i splat(uint32_t v)
{
    return _mm512_set1_epi32((int)v);
}

/* ---- sums ---- */

/* Steps of windows: 8 outputs at 16 positions. */
INLINE void add_windows_16(const struct sp_lanes_stage *s, size_t block, const uint8_t *scratch,
                           __m512i acc[8])
{
    const __m512i one = _mm512_set1_epi8(16), two = _mm512_set1_epi8(32),
                  three = _mm512_set1_epi8(48);
    const int8_t *table = s->weights + (size_t)s->block[block].first * 128;
    for (size_t i = s->block[block].first; i < s->block[block + 1].first; i++, table += 128) {
        __m512i index = load(scratch + s->steps[i].index);
        __m512i value = load(scratch + s->steps[i].value);
        __m512i a = load(table), b = load(table + 64);
        __m512i index1 = _mm512_or_si512(index, one), index2 = _mm512_or_si512(index, two),
                index3 = _mm512_or_si512(index, three);
        acc[0] = _mm512_dpbusd_epi32(acc[0], value, _mm512_permutexvar_epi8(index, a));
        acc[1] = _mm512_dpbusd_epi32(acc[1], value, _mm512_permutexvar_epi8(index1, a));
        acc[2] = _mm512_dpbusd_epi32(acc[2], value, _mm512_permutexvar_epi8(index2, a));
        acc[3] = _mm512_dpbusd_epi32(acc[3], value, _mm512_permutexvar_epi8(index3, a));
        acc[4] = _mm512_dpbusd_epi32(acc[4], value, _mm512_permutexvar_epi8(index, b));
        acc[5] = _mm512_dpbusd_epi32(acc[5], value, _mm512_permutexvar_epi8(index1, b));
        acc[6] = _mm512_dpbusd_epi32(acc[6], value, _mm512_permutexvar_epi8(index2, b));
        acc[7] = _mm512_dpbusd_epi32(acc[7], value, _mm512_permutexvar_epi8(index3, b));
    }
}

/* Two outputs a register, at 8 positions. */
INLINE void add_windows_8(const struct sp_lanes_stage *s, size_t block, const uint8_t *scratch,
                          __m512i acc[4])
{
    const __m512i low = _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi8(16), 1);
    const __m512i high = _mm512_add_epi8(low, _mm512_set1_epi8(32));
    const int8_t *table = s->weights + (size_t)s->block[block].first * 128;
    for (size_t i = s->block[block].first; i < s->block[block + 1].first; i++, table += 128) {
        __m512i index = _mm512_broadcast_i64x4(load_half(scratch + s->steps[i].index));
        __m512i value = _mm512_broadcast_i64x4(load_half(scratch + s->steps[i].value));
        __m512i a = load(table), b = load(table + 64);
        __m512i index0 = _mm512_or_si512(index, low), index1 = _mm512_or_si512(index, high);
        acc[0] = _mm512_dpbusd_epi32(acc[0], value, _mm512_permutexvar_epi8(index0, a));
        acc[1] = _mm512_dpbusd_epi32(acc[1], value, _mm512_permutexvar_epi8(index1, a));
        acc[2] = _mm512_dpbusd_epi32(acc[2], value, _mm512_permutexvar_epi8(index0, b));
        acc[3] = _mm512_dpbusd_epi32(acc[3], value, _mm512_permutexvar_epi8(index1, b));
    }
}

/* Four outputs a register, at 4 positions: each quarter has its own table. */
INLINE void add_windows_4(const struct sp_lanes_stage *s, size_t block, const uint8_t *scratch,
                          __m512i acc[2])
{
    const int8_t *table = s->weights + (size_t)s->block[block].first * 128;
    for (size_t i = s->block[block].first; i < s->block[block + 1].first; i++, table += 128) {
        __m512i index = _mm512_broadcast_i32x4(load_quarter(scratch + s->steps[i].index));
        __m512i value = _mm512_broadcast_i32x4(load_quarter(scratch + s->steps[i].value));
        acc[0] = _mm512_dpbusd_epi32(acc[0], value, _mm512_shuffle_epi8(load(table), index));
        acc[1] = _mm512_dpbusd_epi32(acc[1], value, _mm512_shuffle_epi8(load(table + 64), index));
    }
}

/* Steps of quads: the weights are the same at all positions. */
INLINE void add_quads(const struct sp_lanes_stage *s, size_t block, const uint8_t *scratch,
                      __m512i acc[8])
{
    const int8_t *weights = s->weights + (size_t)s->block[block].first * 32;
    for (size_t i = s->block[block].first; i < s->block[block + 1].first; i++, weights += 32) {
        __m512i x = load(scratch + s->steps[i].index);
#pragma GCC unroll 8
        for (size_t o = 0; o < 8; o++) {
            int32_t w;
            memcpy(&w, weights + 4 * o, sizeof(w));
            acc[o] = _mm512_dpbusd_epi32(acc[o], x, _mm512_set1_epi32(w));
        }
    }
}

/* sums[c]: channel c of the block at 16 positions. */
INLINE void sums_16(const struct sp_lanes_stage *s, size_t block, const uint8_t *scratch,
                    __m512i sums[8])
{
#pragma GCC unroll 8
    for (size_t o = 0; o < 8; o++)
        sums[o] = _mm512_set1_epi32(s->block[block].bias[o]);
    if (s->quads)
        add_quads(s, block, scratch, sums);
    else
        add_windows_16(s, block, scratch, sums);
}

/* sums[c]: channel c of two blocks at 8 positions each. */
INLINE void sums_8(const struct sp_lanes_stage *s, size_t block, const uint8_t *scratch,
                   __m512i sums[8])
{
    __m512i acc[2][4];
#pragma GCC unroll 2
    for (size_t b = 0; b < 2; b++) {
        __m512i bias = _mm512_castsi256_si512(load_half(s->block[block + b].bias));
#pragma GCC unroll 4
        for (int i = 0; i < 8; i += 2)
            acc[b][i / 2] = _mm512_permutexvar_epi32(_mm512_setr_epi32(i, i, i, i, i, i, i, i,
                                                                       i + 1, i + 1, i + 1, i + 1,
                                                                       i + 1, i + 1, i + 1, i + 1),
                                                     bias);
        add_windows_8(s, block + b, scratch, acc[b]);
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        sums[2 * i] = _mm512_shuffle_i64x2(acc[0][i], acc[1][i], 0x44);
        sums[2 * i + 1] = _mm512_shuffle_i64x2(acc[0][i], acc[1][i], 0xee);
    }
}

/* sums[c]: channel c of four blocks at 4 positions each. */
INLINE void sums_4(const struct sp_lanes_stage *s, size_t block, const uint8_t *scratch,
                   __m512i sums[8])
{
    __m512i acc[4][2];
#pragma GCC unroll 4
    for (size_t b = 0; b < 4; b++) {
        __m512i bias = _mm512_castsi256_si512(load_half(s->block[block + b].bias));
        acc[b][0] = _mm512_permutexvar_epi32(
            _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3), bias);
        acc[b][1] = _mm512_permutexvar_epi32(
            _mm512_setr_epi32(4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7), bias);
        add_windows_4(s, block + b, scratch, acc[b]);
    }
#pragma GCC unroll 2
    for (size_t i = 0; i < 2; i++) {
        __m512i even01 = _mm512_shuffle_i64x2(acc[0][i], acc[1][i], 0x44);
        __m512i even23 = _mm512_shuffle_i64x2(acc[2][i], acc[3][i], 0x44);
        __m512i odd01 = _mm512_shuffle_i64x2(acc[0][i], acc[1][i], 0xee);
        __m512i odd23 = _mm512_shuffle_i64x2(acc[2][i], acc[3][i], 0xee);
        sums[4 * i] = _mm512_shuffle_i64x2(even01, even23, 0x88);
        sums[4 * i + 1] = _mm512_shuffle_i64x2(even01, even23, 0xdd);
        sums[4 * i + 2] = _mm512_shuffle_i64x2(odd01, odd23, 0x88);
        sums[4 * i + 3] = _mm512_shuffle_i64x2(odd01, odd23, 0xdd);
    }
}

/* ---- winners ---- */

/* A key is a sum with 7 - channel in the low bits, which ranking drops: keys differ, and the larger
 * of two equal ranks is the lower channel. */
struct keys {
    __m512i high;  /* the bits that rank */
    __mmask16 two; /* two winners */
};

INLINE struct keys keys_of(const struct sp_lanes_stage *s)
{
    return (struct keys){
        .high = splat(0xffffffffu << s->rank_shift),
        .two = s->winners == 2 ? 0xffff : 0,
    };
}

INLINE void order(__m512i *large, __m512i *small, __m512i a, __m512i b)
{
    *large = _mm512_max_epi32(a, b);
    *small = _mm512_min_epi32(a, b);
}

/* The larger two of two ordered pairs. */
INLINE void merge(__m512i *first, __m512i *second, __m512i first2, __m512i second2)
{
    __m512i middle = _mm512_min_epi32(*first, first2);
    *first = _mm512_max_epi32(*first, first2);
    *second = _mm512_max_epi32(middle, _mm512_max_epi32(*second, second2));
}

/* The largest two keys; 0 in the place of a second one that does not win. */
INLINE void best_two(const struct keys *k, const __m512i sums[8], __m512i best[2])
{
    __m512i key[8], first[4], second[4];
#pragma GCC unroll 8
    for (unsigned c = 0; c < 8; c++)
        key[c] = _mm512_ternarylogic_epi32(sums[c], k->high, splat(7 - c), 0xea);
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++)
        order(&first[i], &second[i], key[2 * i], key[2 * i + 1]);
    merge(&first[0], &second[0], first[1], second[1]);
    merge(&first[2], &second[2], first[3], second[3]);
    merge(&first[0], &second[0], first[2], second[2]);
    best[0] = first[0];
    best[1] = _mm512_maskz_mov_epi32(k->two, second[0]);
}

/* One 32-bit word of each of the `blocks` scales from `at` on, in the lanes of its block. */
INLINE __m512i spread_scale(const struct sp_lanes_scale *at, size_t blocks, int word)
{
    const uint32_t *words = (const uint32_t *)at;
    if (blocks == 1)
        return splat(words[word]);
    __m512i v = blocks == 2 ? _mm512_castsi256_si512(load_half(at)) : load(at);
    __m512i w = splat((uint32_t)word);
    const __m512i each = _mm512_setr_epi32(0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12);
    const __m512i half = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 4, 4, 4, 4);
    return _mm512_permutexvar_epi32(_mm512_or_si512(blocks == 2 ? half : each, w), v);
}

/* The values of two keys of a block, or of 2 or 4, as 16-bit numbers: four of the first, four of
 * the second, and so on. Below 0 stands for 0, and what is too large for the largest value. */
INLINE __m512i requantise(const struct keys *k, const struct sp_lanes_stage *s, size_t block,
                          size_t blocks, const __m512i key[2])
{
    const struct sp_lanes_scale *q = s->scales + block;
    __m512i multiplier = spread_scale(q, blocks, 1);
    if (s->short_sums) {
        __m512i both = _mm512_packs_epi32(_mm512_and_si512(key[0], k->high),
                                          _mm512_and_si512(key[1], k->high));
        multiplier = _mm512_or_si512(multiplier, _mm512_slli_epi32(multiplier, 16));
        return _mm512_mulhrs_epi16(both, multiplier);
    }
    __m512i v[2];
#pragma GCC unroll 2
    for (size_t i = 0; i < 2; i++) {
        __m512i sum = _mm512_max_epi32(_mm512_and_si512(key[i], k->high), _mm512_setzero_si512());
        sum = _mm512_min_epu32(sum, spread_scale(q, blocks, 0));
        sum = _mm512_add_epi32(_mm512_mullo_epi32(sum, multiplier), spread_scale(q, blocks, 2));
        v[i] = _mm512_srlv_epi32(sum, spread_scale(q, blocks, 3));
    }
    return _mm512_packs_epi32(v[0], v[1]);
}

/* ---- bytes ---- */

/* A window's four winners side by side, at up to 16 positions. */
struct packed {
    __m512i index, value;
};

/* bits of `a` where mask is 1, of b elsewhere. */
INLINE __m512i select_bits(uint32_t mask, __m512i a, __m512i b)
{
    return _mm512_ternarylogic_epi32(splat(mask), a, b, 0xca);
}

/* Keys' low bytes to indices. */
INLINE __m512i indices_of(__m512i bytes)
{
    return _mm512_ternarylogic_epi32(bytes, splat(0x07070707), splat(0x0f0f0707), 0x6a);
}

/* 16 positions of one block each. */
INLINE struct packed pack_16(const struct sp_lanes_stage *s, const __m512i a[2], const __m512i b[2],
                             __m512i va, __m512i vb)
{
    const __m512i transpose =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    __m512i low = select_bits(0xff, a[0], _mm512_slli_epi32(a[1], 8));
    __m512i high = select_bits(0xff, b[0], _mm512_slli_epi32(b[1], 8));
    __m512i value = _mm512_shuffle_epi8(_mm512_packus_epi16(va, vb), transpose);
    return (struct packed){
        indices_of(select_bits(0xffff, low, _mm512_slli_epi32(high, 16))),
        _mm512_min_epu8(value, _mm512_set1_epi8((char)s->max_value)),
    };
}

/* Both blocks in one register: 8 positions of a window, or 4 positions of two. */
INLINE struct packed pack_blocks(const struct sp_lanes_stage *s, const __m512i key[2],
                                 __m512i values, size_t lanes)
{
    /* A lane's low byte is byte 4n; 64 more: from the second register. */
    const __m512i keys8 = _mm512_castsi256_si512(
        _mm256_setr_epi8(0, 64, 32, 96, 4, 68, 36, 100, 8, 72, 40, 104, 12, 76, 44, 108, 16, 80, 48,
                         112, 20, 84, 52, 116, 24, 88, 56, 120, 28, 92, 60, 124));
    const __m512i keys4 = _mm512_castsi256_si512(
        _mm256_setr_epi8(0, 64, 16, 80, 4, 68, 20, 84, 8, 72, 24, 88, 12, 76, 28, 92, 32, 96, 48,
                         112, 36, 100, 52, 116, 40, 104, 56, 120, 44, 108, 60, 124));
    /* Each quarter holds four bytes of the first winners, four of the second, and both again. */
    const __m512i values8 = _mm512_castsi256_si512(
        _mm256_setr_epi8(0, 4, 32, 36, 1, 5, 33, 37, 2, 6, 34, 38, 3, 7, 35, 39, 16, 20, 48, 52, 17,
                         21, 49, 53, 18, 22, 50, 54, 19, 23, 51, 55));
    const __m512i values4 = _mm512_castsi256_si512(
        _mm256_setr_epi8(0, 4, 16, 20, 1, 5, 17, 21, 2, 6, 18, 22, 3, 7, 19, 23, 32, 36, 48, 52, 33,
                         37, 49, 53, 34, 38, 50, 54, 35, 39, 51, 55));
    __m512i bytes =
        _mm512_min_epu8(_mm512_packus_epi16(values, values), _mm512_set1_epi8((char)s->max_value));
    return (struct packed){
        indices_of(_mm512_permutex2var_epi8(key[0], lanes == 8 ? keys8 : keys4, key[1])),
        _mm512_permutexvar_epi8(lanes == 8 ? values8 : values4, bytes),
    };
}

/* ---- stages ---- */

/* Where the rows of the output's forms begin, for the positions from `tile` on. */
struct rows {
    uint8_t *whole, *split; /* of window 0: indices, of even positions; NULL: none */
    size_t row, split_row;  /* bytes */
};

INLINE struct rows rows_of(const struct sp_lanes_stage *s, uint8_t *scratch, size_t tile)
{
    struct rows r = {.row = 4 * sp_lanes_row(s->width, false),
                     .split_row = 4 * sp_lanes_row(s->width, true)};
    if (s->whole != SIZE_MAX)
        r.whole = scratch + s->whole + 4 * (SP_LANES_MARGIN + tile);
    if (s->split != SIZE_MAX)
        r.split = scratch + s->split + 4 * (SP_LANES_MARGIN + tile / 2);
    return r;
}

INLINE void store_16(const struct rows *r, size_t window, __mmask16 inside, struct packed p)
{
    const __m512i halves = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
    p.index = _mm512_maskz_mov_epi32(inside, p.index);
    p.value = _mm512_maskz_mov_epi32(inside, p.value);
    if (r->whole != NULL) {
        uint8_t *to = r->whole + 2 * window * r->row;
        _mm512_storeu_si512(to, p.index);
        _mm512_storeu_si512(to + r->row, p.value);
    }
    if (r->split != NULL) {
        uint8_t *even = r->split + 4 * window * r->split_row, *odd = even + 2 * r->split_row;
        __m512i index = _mm512_permutexvar_epi32(halves, p.index);
        __m512i value = _mm512_permutexvar_epi32(halves, p.value);
        _mm256_storeu_si256((__m256i_u *)even, _mm512_castsi512_si256(index));
        _mm256_storeu_si256((__m256i_u *)odd, _mm512_extracti64x4_epi64(index, 1));
        _mm256_storeu_si256((__m256i_u *)(even + r->split_row), _mm512_castsi512_si256(value));
        _mm256_storeu_si256((__m256i_u *)(odd + r->split_row), _mm512_extracti64x4_epi64(value, 1));
    }
}

INLINE void store_8(const struct rows *r, size_t window, __mmask8 inside, struct packed p)
{
    const __m256i halves = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
    __m256i index = _mm256_maskz_mov_epi32(inside, _mm512_castsi512_si256(p.index));
    __m256i value = _mm256_maskz_mov_epi32(inside, _mm512_castsi512_si256(p.value));
    if (r->whole != NULL) {
        uint8_t *to = r->whole + 2 * window * r->row;
        _mm256_storeu_si256((__m256i_u *)to, index);
        _mm256_storeu_si256((__m256i_u *)(to + r->row), value);
    }
    if (r->split != NULL) {
        uint8_t *even = r->split + 4 * window * r->split_row, *odd = even + 2 * r->split_row;
        index = _mm256_permutexvar_epi32(halves, index);
        value = _mm256_permutexvar_epi32(halves, value);
        _mm_storeu_si128((__m128i_u *)even, _mm256_castsi256_si128(index));
        _mm_storeu_si128((__m128i_u *)odd, _mm256_extracti128_si256(index, 1));
        _mm_storeu_si128((__m128i_u *)(even + r->split_row), _mm256_castsi256_si128(value));
        _mm_storeu_si128((__m128i_u *)(odd + r->split_row), _mm256_extracti128_si256(value, 1));
    }
}

INLINE void store_4(const struct rows *r, size_t window, __m128i index, __m128i value)
{
    if (r->whole != NULL) {
        uint8_t *to = r->whole + 2 * window * r->row;
        _mm_storeu_si128((__m128i_u *)to, index);
        _mm_storeu_si128((__m128i_u *)(to + r->row), value);
    }
    if (r->split != NULL) {
        uint8_t *even = r->split + 4 * window * r->split_row, *odd = even + 2 * r->split_row;
        index = _mm_shuffle_epi32(index, 0xd8);
        value = _mm_shuffle_epi32(value, 0xd8);
        _mm_storel_epi64((__m128i_u *)even, index);
        _mm_storel_epi64((__m128i_u *)odd, _mm_unpackhi_epi64(index, index));
        _mm_storel_epi64((__m128i_u *)(even + r->split_row), value);
        _mm_storel_epi64((__m128i_u *)(odd + r->split_row), _mm_unpackhi_epi64(value, value));
    }
}

/* The low n bits. */
INLINE uint32_t first_bits(size_t n, size_t most)
{
    return n >= most ? (1u << most) - 1 : (1u << n) - 1;
}

static void stage_16(const struct sp_lanes_stage *s, uint8_t *scratch)
{
    const struct keys k = keys_of(s);
    for (size_t tile = 0; tile < s->width; tile += 16) {
        struct rows r = rows_of(s, scratch, tile);
        __mmask16 inside = (__mmask16)first_bits(s->width - tile, 16);
        for (size_t block = 0; block < s->blocks; block += 2) {
            __m512i sums[8], a[2], b[2];
            sums_16(s, block, scratch + 4 * tile, sums);
            best_two(&k, sums, a);
            __m512i va = requantise(&k, s, block, 1, a);
            sums_16(s, block + 1, scratch + 4 * tile, sums);
            best_two(&k, sums, b);
            __m512i vb = requantise(&k, s, block + 1, 1, b);
            store_16(&r, block / 2, inside, pack_16(s, a, b, va, vb));
        }
    }
}

static void stage_8(const struct sp_lanes_stage *s, uint8_t *scratch)
{
    const struct keys k = keys_of(s);
    struct rows r = rows_of(s, scratch, 0);
    __mmask8 inside = (__mmask8)first_bits(s->width, 8);
    for (size_t block = 0; block < s->blocks; block += 2) {
        __m512i sums[8], key[2];
        sums_8(s, block, scratch, sums);
        best_two(&k, sums, key);
        __m512i values = requantise(&k, s, block, 2, key);
        store_8(&r, block / 2, inside, pack_blocks(s, key, values, 8));
    }
}

static void stage_4(const struct sp_lanes_stage *s, uint8_t *scratch)
{
    const struct keys k = keys_of(s);
    struct rows r = rows_of(s, scratch, 0);
    __mmask8 inside = (__mmask8)(first_bits(s->width, 4) * 0x11);
    for (size_t block = 0; block < s->blocks; block += 4) {
        __m512i sums[8], key[2];
        sums_4(s, block, scratch, sums);
        best_two(&k, sums, key);
        struct packed p = pack_blocks(s, key, requantise(&k, s, block, 4, key), 4);
        __m256i index = _mm256_maskz_mov_epi32(inside, _mm512_castsi512_si256(p.index));
        __m256i bytes = _mm256_maskz_mov_epi32(inside, _mm512_castsi512_si256(p.value));
        store_4(&r, block / 2, _mm256_castsi256_si128(index), _mm256_castsi256_si128(bytes));
        store_4(&r, block / 2 + 1, _mm256_extracti128_si256(index, 1),
                _mm256_extracti128_si256(bytes, 1));
    }
}

static void stage(const struct sp_lanes_stage *s, uint8_t *scratch)
{
    if (s->lanes == 16)
        stage_16(s, scratch);
    else if (s->lanes == 8)
        stage_8(s, scratch);
    else
        stage_4(s, scratch);
}

/* ---- mean pool ---- */

/* Lanes are the channels of a window: each takes the values of the winners that are itself. */
static void mean_pool(const struct sp_lanes_form *f, const uint8_t *winners, int32_t *out)
{
    const __m512i channels = _mm512_mullo_epi32(
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), splat(0x01010101));
    const __m512i ones = _mm512_set1_epi8(1);
    size_t row = 4 * sp_lanes_row(f->width, false);
    for (size_t w = 0; w < f->windows; w++, out += SP_LANES_WINDOW) {
        const uint8_t *at = winners + sp_lanes_at(f, false, w, false);
        __m512i sum = _mm512_setzero_si512();
        for (size_t p = 0; p < f->width; p++, at += 4) {
            int32_t index, value;
            memcpy(&index, at, 4);
            memcpy(&value, at + row, 4);
            __mmask64 own = _mm512_cmpeq_epi8_mask(channels, _mm512_set1_epi32(index));
            __m512i values = _mm512_maskz_mov_epi8(own, _mm512_set1_epi32(value));
            sum = _mm512_dpbusd_epi32(sum, values, ones);
        }
        _mm512_storeu_si512(out, sum);
    }
}

const struct sp_lanes_kernels sp_lanes__avx512 = {
    .name = "avx512",
    .stage = stage,
    .quads = sp_lanes_quads__avx2,
    .mean_pool = mean_pool,
};
