/* lanes.c - convolutions and their winners in registers of sixteen sums.
 * A register's lanes are 16 positions of an output, 8 positions of two or 4 of four. vpermb looks
 * up, in a table of four outputs' weights for a window, the weights of its four winners at each
 * position; vpdpbusd multiplies and adds. Before the winners are found, registers are rearranged so
 * that each holds one channel of 1, 2 or 4 blocks. The set avx512vnni is the same source without
 * vpermb.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/lanes.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

typedef __m512i vector;
#define OP(name)   _mm512_##name
#define BITS(name) _mm512_##name##_si512

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

#ifdef __AVX512VBMI__
#define SET "avx512"

/* What is used more than once is loaded once: compilers like to load it again for each use, and a
 * cycle has two vector operations but only one load of 64 bytes. */
INLINE __m512i load_once(const void *p)
{
    __m512i v = load(p);
    __asm__("" : "+v"(v));
    return v;
}

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
        __m512i a = load_once(table), b = load_once(table + 64);
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
        __m512i a = load_once(table), b = load_once(table + 64);
        __m512i index0 = _mm512_or_si512(index, low), index1 = _mm512_or_si512(index, high);
        acc[0] = _mm512_dpbusd_epi32(acc[0], value, _mm512_permutexvar_epi8(index0, a));
        acc[1] = _mm512_dpbusd_epi32(acc[1], value, _mm512_permutexvar_epi8(index1, a));
        acc[2] = _mm512_dpbusd_epi32(acc[2], value, _mm512_permutexvar_epi8(index0, b));
        acc[3] = _mm512_dpbusd_epi32(acc[3], value, _mm512_permutexvar_epi8(index1, b));
    }
}
#else
#define SET "avx512vnni"

/* The same without vpermb: each output's 16 weights, as often as a register needs them. */
INLINE void add_windows_16(const struct sp_lanes_stage *s, size_t block, const uint8_t *scratch,
                           __m512i acc[8])
{
    const int8_t *table = s->weights + (size_t)s->block[block].first * 128;
    for (size_t i = s->block[block].first; i < s->block[block + 1].first; i++, table += 128) {
        __m512i index = load(scratch + s->steps[i].index);
        __m512i value = load(scratch + s->steps[i].value);
#pragma GCC unroll 8
        for (size_t o = 0; o < 8; o++) {
            __m512i weights = _mm512_broadcast_i32x4(load_quarter(table + 16 * o));
            acc[o] = _mm512_dpbusd_epi32(acc[o], value, _mm512_shuffle_epi8(weights, index));
        }
    }
}

INLINE void add_windows_8(const struct sp_lanes_stage *s, size_t block, const uint8_t *scratch,
                          __m512i acc[4])
{
    const int8_t *table = s->weights + (size_t)s->block[block].first * 128;
    for (size_t i = s->block[block].first; i < s->block[block + 1].first; i++, table += 128) {
        __m512i index = _mm512_broadcast_i64x4(load_half(scratch + s->steps[i].index));
        __m512i value = _mm512_broadcast_i64x4(load_half(scratch + s->steps[i].value));
#pragma GCC unroll 2
        for (size_t o = 0; o < 4; o += 2) {
            __m512i four = load(table + 32 * o);
            __m512i first = _mm512_shuffle_i32x4(four, four, 0x50);
            __m512i last = _mm512_shuffle_i32x4(four, four, 0xfa);
            acc[o] = _mm512_dpbusd_epi32(acc[o], value, _mm512_shuffle_epi8(first, index));
            acc[o + 1] = _mm512_dpbusd_epi32(acc[o + 1], value, _mm512_shuffle_epi8(last, index));
        }
    }
}
#endif

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

#include "kernels/cpu/lanes_x86.inc"

/* The largest two keys of two sets of sums, step by step in both: one alone is a long chain of
 * short operations. 0 in the place of a second one that does not win. */
INLINE void best_two(const struct keys *k, const __m512i sums[2][8], __m512i best[2][2])
{
    __m512i key[2][8], first[2][4], second[2][4];
#pragma GCC unroll 8
    for (unsigned c = 0; c < 8; c++)
#pragma GCC unroll 2
        for (size_t i = 0; i < 2; i++)
            key[i][c] = _mm512_ternarylogic_epi32(sums[i][c], k->high, splat(7 - c), 0xea);
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; j++)
#pragma GCC unroll 2
        for (size_t i = 0; i < 2; i++)
            order(&first[i][j], &second[i][j], key[i][2 * j], key[i][2 * j + 1]);
#pragma GCC unroll 2
    for (size_t j = 2; j > 0; j--) /* 0 with 2 and 1 with 3, then 0 with 1 */
#pragma GCC unroll 2
        for (size_t l = 0; l < j; l++)
#pragma GCC unroll 2
            for (size_t i = 0; i < 2; i++)
                merge(&first[i][l], &second[i][l], first[i][l + j], second[i][l + j]);
#pragma GCC unroll 2
    for (size_t i = 0; i < 2; i++) {
        best[i][0] = first[i][0];
        best[i][1] = _mm512_maskz_mov_epi32(k->two, second[i][0]);
    }
}

/* ---- bytes ---- */

/* Four winners side by side: of a window's at a position, when all is done. */
struct packed {
    __m512i index, value;
};

/* bits of `a` where mask is 1, of b elsewhere. */
INLINE __m512i select_bits(uint32_t mask, __m512i a, __m512i b)
{
    return _mm512_ternarylogic_epi32(splat(mask), a, b, 0xca);
}

/* In each lane the winners of both sets. */
INLINE struct packed pack(const struct sp_lanes_stage *s, const __m512i a[2], const __m512i b[2],
                          __m512i va, __m512i vb)
{
    const __m512i transpose =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    __m512i low = select_bits(0xff, a[0], _mm512_slli_epi32(a[1], 8));
    __m512i high = select_bits(0xff, b[0], _mm512_slli_epi32(b[1], 8));
    __m512i keys = select_bits(0xffff, low, _mm512_slli_epi32(high, 16));
    __m512i value = _mm512_shuffle_epi8(_mm512_packus_epi16(va, vb), transpose);
    return (struct packed){keys, _mm512_min_epu8(value, _mm512_set1_epi8((char)s->max_value))};
}

/* The bytes of a window's two blocks, which lie `lanes` lanes apart, side by side. */
INLINE __m512i gather_windows(__m512i bytes, size_t lanes)
{
/* Halves of lanes: half h of lane a, then of the lane n further on. */
#define TWO(a, h, n) 2 * (a) + (h), 2 * ((a) + (n)) + (h)
#define ROW(a, h, n) TWO(a, h, n), TWO((a) + 1, h, n), TWO((a) + 2, h, n), TWO((a) + 3, h, n)
    static const _Alignas(64)
        uint16_t from8[32] = {ROW(0, 0, 8), ROW(4, 0, 8), ROW(0, 1, 8), ROW(4, 1, 8)};
    static const _Alignas(64)
        uint16_t from4[32] = {ROW(0, 0, 4), ROW(8, 0, 4), ROW(0, 1, 4), ROW(8, 1, 4)};
#undef ROW
#undef TWO
    return _mm512_permutexvar_epi16(load(lanes == 8 ? from8 : from4), bytes);
}

/* Keys' low bytes to indices: 7 - channel, of the second block 15 - channel. */
INLINE __m512i indices_of(__m512i bytes)
{
    return _mm512_ternarylogic_epi32(bytes, splat(0x07070707), splat(0x0f0f0707), 0x6a);
}

/* ---- stages ---- */

INLINE void store_16(const struct rows *r, size_t window, struct packed p)
{
    const __m512i halves = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
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

INLINE void store_8(const struct rows *r, size_t window, __m256i index, __m256i value)
{
    const __m256i halves = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
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

/* One window of 16 positions, two of 8, four of 4; of the last two kinds the first half, if there
 * is only one set. */
INLINE void store_windows(const struct rows *r, size_t window, size_t lanes, bool both,
                          struct packed p)
{
    if (lanes == 16) {
        store_16(r, window, p);
    } else if (lanes == 8) {
        store_8(r, window, _mm512_castsi512_si256(p.index), _mm512_castsi512_si256(p.value));
        if (both)
            store_8(r, window + 1, _mm512_extracti64x4_epi64(p.index, 1),
                    _mm512_extracti64x4_epi64(p.value, 1));
    } else {
        store_4(r, window, _mm512_castsi512_si128(p.index), _mm512_castsi512_si128(p.value));
        store_4(r, window + 1, _mm512_extracti32x4_epi32(p.index, 1),
                _mm512_extracti32x4_epi32(p.value, 1));
        if (!both)
            return;
        store_4(r, window + 2, _mm512_extracti32x4_epi32(p.index, 2),
                _mm512_extracti32x4_epi32(p.value, 2));
        store_4(r, window + 3, _mm512_extracti32x4_epi32(p.index, 3),
                _mm512_extracti32x4_epi32(p.value, 3));
    }
}

/* The lanes of positions that there are. */
INLINE __mmask16 inside_of(size_t left, size_t lanes)
{
    uint32_t first = left >= lanes ? (1u << lanes) - 1 : (1u << left) - 1;
    return (__mmask16)(lanes == 16 ? first : lanes == 8 ? first * 0x101 : first * 0x1111);
}

INLINE void sums_of(const struct sp_lanes_stage *s, size_t block, const uint8_t *scratch,
                    size_t lanes, __m512i sums[8])
{
    if (lanes == 16)
        sums_16(s, block, scratch, sums);
    else if (lanes == 8)
        sums_8(s, block, scratch, sums);
    else
        sums_4(s, block, scratch, sums);
}

/* All blocks at up to `lanes` positions. A set is what fills registers with one channel each. */
INLINE void tile_of(const struct sp_lanes_stage *s, const struct keys *k, const struct rows *r,
                    const uint8_t *scratch, __mmask16 inside, size_t lanes)
{
    const size_t set = 16 / lanes;
    for (size_t block = 0; block < s->blocks; block += 2 * set) {
        __m512i sums[2][8], best[2][2];
        bool both = lanes == 16 || block + set < s->blocks;
        size_t other = both ? block + set : block;
        sums_of(s, block, scratch, lanes, sums[0]);
        if (both)
            sums_of(s, other, scratch, lanes, sums[1]);
        else
            memcpy(sums[1], sums[0], sizeof(sums[1]));
        best_two(k, (const __m512i(*)[8])sums, best);
        struct packed p = pack(s, best[0], best[1], requantise(k, s, block, set, best[0]),
                               requantise(k, s, other, set, best[1]));
        if (lanes != 16) {
            p.index = gather_windows(p.index, lanes);
            p.value = gather_windows(p.value, lanes);
        }
        p.index = _mm512_maskz_mov_epi32(inside, indices_of(p.index));
        p.value = _mm512_maskz_mov_epi32(inside, p.value);
        store_windows(r, block / 2, lanes, both, p);
    }
}

static void stage_16(const struct sp_lanes_stage *s, uint8_t *scratch)
{
    const struct keys k = keys_of(s);
    for (size_t tile = 0; tile < s->width; tile += 16) {
        struct rows r = rows_of(s, scratch, tile);
        tile_of(s, &k, &r, scratch + 4 * tile, inside_of(s->width - tile, 16), 16);
    }
}

static void stage_8(const struct sp_lanes_stage *s, uint8_t *scratch)
{
    const struct keys k = keys_of(s);
    struct rows r = rows_of(s, scratch, 0);
    tile_of(s, &k, &r, scratch, inside_of(s->width, 8), 8);
}

static void stage_4(const struct sp_lanes_stage *s, uint8_t *scratch)
{
    const struct keys k = keys_of(s);
    struct rows r = rows_of(s, scratch, 0);
    tile_of(s, &k, &r, scratch, inside_of(s->width, 4), 4);
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
    .name = SET,
    .stage = stage,
    .quads = sp_lanes_quads__avx2,
    .mean_pool = mean_pool,
};
