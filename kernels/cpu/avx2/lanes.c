/* lanes.c - convolutions and their winners in registers of eight sums.
 * A register's lanes are 8 positions of an output or 4 positions of two. vpshufb looks up, in a
 * table of an output's 16 weights for a window, the weights of its four winners at each position;
 * vpmaddubsw multiplies and adds two and two; two steps are added in 16 bits where that is exact,
 * then vpmaddwd makes 32 bits of them. The set avxvnni is the same source with vpdpbusd (dot.h).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/lanes.h"

#include <immintrin.h>
#include <string.h>

#include "kernels/cpu/avx2/dot.h"

#define INLINE static inline __attribute__((always_inline))

typedef __m256i vector;
#define OP(name)   _mm256_##name
#define BITS(name) _mm256_##name##_si256

INLINE __m256i load(const void *p)
{
    return _mm256_loadu_si256((const __m256i_u *)p);
}

INLINE void store(void *p, __m256i v)
{
    _mm256_storeu_si256((__m256i_u *)p, v);
}

INLINE __m128i load_half(const void *p)
{
    return _mm_loadu_si128((const __m128i_u *)p);
}

INLINE void store_half(void *p, __m128i v)
{
    _mm_storeu_si128((__m128i_u *)p, v);
}

/* 16 bytes, twice. */
INLINE __m256i load_twice(const void *p)
{
    return _mm256_broadcastsi128_si256(load_half(p));
}

INLINE __m256i splat(uint32_t v)
{
    return _mm256_set1_epi32((int)v);
}

/* ---- sums ---- */

/* One step's indices and values at 8 positions, or at 4 twice. */
struct taken {
    __m256i index, value;
};

INLINE struct taken take(const struct sp_lanes_step *step, const uint8_t *scratch, size_t lanes)
{
    const uint8_t *index = scratch + step->index, *value = scratch + step->value;
    if (lanes == 4)
        return (struct taken){load_twice(index), load_twice(value)};
    return (struct taken){load(index), load(value)};
}

/* The weights of an output (or of two) for a step's winners. */
INLINE __m256i look_up(struct taken t, const int8_t *table, size_t lanes)
{
    return _mm256_shuffle_epi8(lanes == 4 ? load(table) : load_twice(table), t.index);
}

INLINE __m256i products(struct taken t, const int8_t *table, size_t lanes)
{
    return _mm256_maddubs_epi16(t.value, look_up(t, table, lanes));
}

INLINE __m256i add_products(__m256i sum, __m256i products16)
{
    return _mm256_add_epi32(sum, _mm256_madd_epi16(products16, _mm256_set1_epi16(1)));
}

/* Behind the steps of a block that are taken two by two. */
INLINE const struct sp_lanes_step *ones_of(const struct sp_lanes_stage *s, size_t block)
{
    return s->steps + s->block[block].first + (DOT_ONE ? 0 : 2 * (size_t)s->block[block].twos);
}

/* The sums of 8 outputs: a register each at 8 positions, or one for two at 4. */
INLINE void add_windows(const struct sp_lanes_stage *s, size_t block, const uint8_t *scratch,
                        size_t lanes, __m256i *acc)
{
    const struct sp_lanes_step *step = s->steps + s->block[block].first;
    const struct sp_lanes_step *ones = ones_of(s, block);
    const struct sp_lanes_step *end = s->steps + s->block[block + 1].first;
    const int8_t *table = s->weights + (size_t)s->block[block].first * 128;
    const size_t next = lanes == 4 ? 32 : 16, count = lanes == 4 ? 4 : 8;
    for (; step < ones; step += 2, table += 256) {
        struct taken a = take(step, scratch, lanes), b = take(step + 1, scratch, lanes);
#pragma GCC unroll 8
        for (size_t o = 0; o < count; o++) {
            __m256i both = _mm256_add_epi16(products(a, table + next * o, lanes),
                                            products(b, table + 128 + next * o, lanes));
            acc[o] = add_products(acc[o], both);
        }
    }
    for (; step < end; step++, table += 128) {
        struct taken a = take(step, scratch, lanes);
#pragma GCC unroll 8
        for (size_t o = 0; o < count; o++)
            acc[o] = dot(acc[o], a.value, look_up(a, table + next * o, lanes));
    }
}

INLINE __m256i quad_weights(const int8_t *weights)
{
    int32_t w;
    memcpy(&w, weights, sizeof(w));
    return _mm256_set1_epi32(w);
}

/* Steps of quads: the weights are the same at all positions. */
INLINE void add_quads(const struct sp_lanes_stage *s, size_t block, const uint8_t *scratch,
                      __m256i acc[8])
{
    const struct sp_lanes_step *step = s->steps + s->block[block].first;
    const struct sp_lanes_step *ones = ones_of(s, block);
    const struct sp_lanes_step *end = s->steps + s->block[block + 1].first;
    const int8_t *weights = s->weights + (size_t)s->block[block].first * 32;
    for (; step < ones; step += 2, weights += 64) {
        __m256i a = load(scratch + step[0].index), b = load(scratch + step[1].index);
#pragma GCC unroll 8
        for (size_t o = 0; o < 8; o++) {
            __m256i both =
                _mm256_add_epi16(_mm256_maddubs_epi16(a, quad_weights(weights + 4 * o)),
                                 _mm256_maddubs_epi16(b, quad_weights(weights + 32 + 4 * o)));
            acc[o] = add_products(acc[o], both);
        }
    }
    for (; step < end; step++, weights += 32) {
        __m256i a = load(scratch + step->index);
#pragma GCC unroll 8
        for (size_t o = 0; o < 8; o++)
            acc[o] = dot(acc[o], a, quad_weights(weights + 4 * o));
    }
}

/* sums[c]: channel c of a block at 8 positions. */
INLINE void sums_8(const struct sp_lanes_stage *s, size_t block, const uint8_t *scratch,
                   __m256i sums[8])
{
#pragma GCC unroll 8
    for (size_t o = 0; o < 8; o++)
        sums[o] = _mm256_set1_epi32(s->block[block].bias[o]);
    if (s->quads) {
        add_quads(s, block, scratch, sums);
    } else {
        add_windows(s, block, scratch, 8, sums);
    }
}

/* sums[c]: channel c of two blocks at 4 positions each. */
INLINE void sums_4(const struct sp_lanes_stage *s, size_t block, const uint8_t *scratch,
                   __m256i sums[8])
{
    __m256i acc[2][4];
#pragma GCC unroll 2
    for (size_t b = 0; b < 2; b++) {
        __m256i bias = load(s->block[block + b].bias);
#pragma GCC unroll 4
        for (int i = 0; i < 8; i += 2)
            acc[b][i / 2] = _mm256_permutevar8x32_epi32(
                bias, _mm256_setr_epi32(i, i, i, i, i + 1, i + 1, i + 1, i + 1));
        add_windows(s, block + b, scratch, 4, acc[b]);
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        sums[2 * i] = _mm256_permute2x128_si256(acc[0][i], acc[1][i], 0x20);
        sums[2 * i + 1] = _mm256_permute2x128_si256(acc[0][i], acc[1][i], 0x31);
    }
}

/* ---- winners ---- */

/* A key is a sum with 7 - channel in the low bits, which ranking drops: keys differ, and the larger
 * of two equal ranks is the lower channel. */
struct keys {
    __m256i high; /* the bits that rank */
    __m256i two;  /* all ones if there are two winners */
};

INLINE struct keys keys_of(const struct sp_lanes_stage *s)
{
    return (struct keys){
        .high = splat(0xffffffffu << s->rank_shift),
        .two = splat(s->winners == 2 ? 0xffffffffu : 0),
    };
}

INLINE __m256i key_of(const struct keys *k, __m256i sum, unsigned channel)
{
    return _mm256_or_si256(_mm256_and_si256(sum, k->high), splat(7 - channel));
}

/* One 32-bit word of the scales of one block, or of two in the lanes of each. */
INLINE __m256i spread_scale(const struct sp_lanes_scale *at, size_t lanes, int word)
{
    const uint32_t *words = (const uint32_t *)at;
    if (lanes == 8)
        return splat(words[word]);
    const __m256i each = _mm256_setr_epi32(0, 0, 0, 0, 4, 4, 4, 4);
    return _mm256_permutevar8x32_epi32(load(at), _mm256_or_si256(each, splat((uint32_t)word)));
}

#include "kernels/cpu/lanes_x86.inc"

/* The largest two keys; 0 in the place of a second one that does not win. */
INLINE void best_two(const struct keys *k, const __m256i sums[8], __m256i best[2])
{
    __m256i first[4], second[4];
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; i++)
        order(&first[i], &second[i], key_of(k, sums[2 * i], 2 * i),
              key_of(k, sums[2 * i + 1], 2 * i + 1));
    merge(&first[0], &second[0], first[1], second[1]);
    merge(&first[2], &second[2], first[3], second[3]);
    merge(&first[0], &second[0], first[2], second[2]);
    best[0] = first[0];
    best[1] = _mm256_and_si256(second[0], k->two);
}

/* ---- bytes ---- */

/* A window's four winners side by side, at 8 positions, or at 4 in the low half. */
struct packed {
    __m256i index, value;
};

/* Bytes of four lists in each half, four of each; the bytes of each position side by side. */
INLINE __m256i side_by_side(__m256i bytes)
{
    const __m256i transpose = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    return _mm256_shuffle_epi8(bytes, transpose);
}

/* Channels of keys as 16-bit numbers. */
INLINE __m256i channels_of(const __m256i key[2])
{
    return _mm256_packs_epi32(_mm256_and_si256(key[0], splat(7)),
                              _mm256_and_si256(key[1], splat(7)));
}

/* From 16-bit numbers of a window's two blocks. */
INLINE struct packed pack(const struct sp_lanes_stage *s, __m256i channels_a, __m256i channels_b,
                          __m256i values_a, __m256i values_b)
{
    __m256i index = side_by_side(_mm256_packus_epi16(channels_a, channels_b));
    __m256i value = side_by_side(_mm256_packus_epi16(values_a, values_b));
    return (struct packed){
        _mm256_xor_si256(index, splat(0x0f0f0707)),
        _mm256_min_epu8(value, _mm256_set1_epi8((char)s->max_value)),
    };
}

INLINE __m256i high_half(__m256i v)
{
    return _mm256_castsi128_si256(_mm256_extracti128_si256(v, 1));
}

/* ---- stages ---- */

INLINE void store_8(const struct rows *r, size_t window, struct packed p)
{
    const __m256i halves = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
    if (r->whole != NULL) {
        uint8_t *to = r->whole + 2 * window * r->row;
        store(to, p.index);
        store(to + r->row, p.value);
    }
    if (r->split != NULL) {
        uint8_t *even = r->split + 4 * window * r->split_row, *odd = even + 2 * r->split_row;
        __m256i index = _mm256_permutevar8x32_epi32(p.index, halves);
        __m256i value = _mm256_permutevar8x32_epi32(p.value, halves);
        store_half(even, _mm256_castsi256_si128(index));
        store_half(odd, _mm256_extracti128_si256(index, 1));
        store_half(even + r->split_row, _mm256_castsi256_si128(value));
        store_half(odd + r->split_row, _mm256_extracti128_si256(value, 1));
    }
}

INLINE void store_4(const struct rows *r, size_t window, struct packed p)
{
    __m128i index = _mm256_castsi256_si128(p.index), value = _mm256_castsi256_si128(p.value);
    if (r->whole != NULL) {
        uint8_t *to = r->whole + 2 * window * r->row;
        store_half(to, index);
        store_half(to + r->row, value);
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

/* All ones in the first n lanes. */
INLINE __m256i first_lanes(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

INLINE struct packed only(struct packed p, __m256i inside)
{
    return (struct packed){_mm256_and_si256(p.index, inside), _mm256_and_si256(p.value, inside)};
}

static void stage_8(const struct sp_lanes_stage *s, uint8_t *scratch)
{
    const struct keys k = keys_of(s);
    for (size_t tile = 0; tile < s->width; tile += 8) {
        struct rows r = rows_of(s, scratch, tile);
        __m256i inside = first_lanes(s->width - tile);
        for (size_t block = 0; block < s->blocks; block += 2) {
            __m256i sums[8], key[2], channels[2], values[2];
#pragma GCC unroll 2
            for (size_t b = 0; b < 2; b++) {
                sums_8(s, block + b, scratch + 4 * tile, sums);
                best_two(&k, sums, key);
                channels[b] = channels_of(key);
                values[b] = requantise(&k, s, block + b, 8, key);
            }
            struct packed p = pack(s, channels[0], channels[1], values[0], values[1]);
            store_8(&r, block / 2, only(p, inside));
        }
    }
}

static void stage_4(const struct sp_lanes_stage *s, uint8_t *scratch)
{
    const struct keys k = keys_of(s);
    struct rows r = rows_of(s, scratch, 0);
    __m256i inside = first_lanes(s->width);
    for (size_t block = 0; block < s->blocks; block += 2) {
        __m256i sums[8], key[2];
        sums_4(s, block, scratch, sums);
        best_two(&k, sums, key);
        __m256i channels = channels_of(key), values = requantise(&k, s, block, 4, key);
        struct packed p = pack(s, channels, high_half(channels), values, high_half(values));
        store_4(&r, block / 2, only(p, inside));
    }
}

static void stage(const struct sp_lanes_stage *s, uint8_t *scratch)
{
    if (s->lanes == 4)
        stage_4(s, scratch);
    else
        stage_8(s, scratch);
}

/* ---- quads ---- */

/* Row i of eight becomes column i. */
INLINE void transpose_8(__m256i r[8])
{
    __m256i a[8], b[8];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        a[2 * i] = _mm256_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
        a[2 * i + 1] = _mm256_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
    }
#pragma GCC unroll 2
    for (size_t i = 0; i < 8; i += 4) {
        b[i] = _mm256_unpacklo_epi64(a[i], a[i + 2]);
        b[i + 1] = _mm256_unpackhi_epi64(a[i], a[i + 2]);
        b[i + 2] = _mm256_unpacklo_epi64(a[i + 1], a[i + 3]);
        b[i + 3] = _mm256_unpackhi_epi64(a[i + 1], a[i + 3]);
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        r[i] = _mm256_permute2x128_si256(b[i], b[i + 4], 0x20);
        r[i + 4] = _mm256_permute2x128_si256(b[i], b[i + 4], 0x31);
    }
}

/* 8 positions (of one parity, if split) of 8 quads: where they come from, and their row. */
INLINE void eight_quads(const uint8_t *in, size_t step, uint8_t *to, size_t row)
{
    __m256i r[8];
#pragma GCC unroll 8
    for (size_t i = 0; i < 8; i++)
        r[i] = load(in + i * step);
    transpose_8(r);
#pragma GCC unroll 8
    for (size_t i = 0; i < 8; i++)
        store(to + i * row, r[i]);
}

/* One quad at one position; channels that are not there are 0. */
static void one_quad(const struct sp_lanes_form *f, size_t channels, const uint8_t *in, bool split,
                     size_t position, size_t quad, uint8_t *quads)
{
    size_t at = sp_lanes_at(f, split, quad, split && position % 2 != 0);
    size_t n = channels - quad * SP_LANES_QUAD;
    uint32_t four = 0;
    memcpy(&four, in + position * channels + quad * SP_LANES_QUAD, n < 4 ? n : 4);
    memcpy(quads + at + 4 * (split ? position / 2 : position), &four, 4);
}

void sp_lanes_quads__avx2(const struct sp_lanes_form *f, size_t channels, const uint8_t *in,
                          bool split, uint8_t *quads)
{
    size_t stride = split ? 2 : 1, row = 4 * sp_lanes_row(f->width, split) * stride, p = 0;
    size_t fast = channels % 32 == 0 ? f->width / (8 * stride) * (8 * stride) : 0;
    for (; p < fast; p += 8 * stride)
        for (size_t odd = 0; odd < stride; odd++)
            for (size_t quad = 0; quad < f->quads; quad += 8)
                eight_quads(in + (p + odd) * channels + quad * 4, stride * channels,
                            quads + sp_lanes_at(f, split, quad, odd) + 4 * p / stride, row);
    for (; p < f->width; p++)
        for (size_t quad = 0; quad < f->quads; quad++)
            one_quad(f, channels, in, split, p, quad, quads);
}

/* ---- mean pool ---- */

/* Adds, in 16 bits, the winners' values that belong to the channels of a register's lanes. */
INLINE __m256i add_own(__m256i sum, __m256i channels, __m256i index, __m256i value)
{
    __m256i own = _mm256_and_si256(_mm256_cmpeq_epi8(channels, index), value);
    return _mm256_add_epi16(sum, _mm256_maddubs_epi16(own, _mm256_set1_epi8(1)));
}

/* Lanes are the channels of a window. 16 bits hold 128 positions of two winners up to 127. */
static void mean_pool(const struct sp_lanes_form *f, const uint8_t *winners, int32_t *out)
{
    const __m256i low =
        _mm256_mullo_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), splat(0x01010101));
    const __m256i high = _mm256_add_epi8(low, _mm256_set1_epi8(8)), ones = _mm256_set1_epi16(1);
    size_t row = 4 * sp_lanes_row(f->width, false);
    for (size_t w = 0; w < f->windows; w++, out += SP_LANES_WINDOW) {
        const uint8_t *at = winners + sp_lanes_at(f, false, w, false);
        __m256i sums[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
        for (size_t p = 0; p < f->width;) {
            __m256i first = _mm256_setzero_si256(), last = first;
            for (size_t end = p + 128 < f->width ? p + 128 : f->width; p < end; p++, at += 4) {
                int32_t four[2];
                memcpy(&four[0], at, 4);
                memcpy(&four[1], at + row, 4);
                __m256i index = _mm256_set1_epi32(four[0]), value = _mm256_set1_epi32(four[1]);
                first = add_own(first, low, index, value);
                last = add_own(last, high, index, value);
            }
            sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(first, ones));
            sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(last, ones));
        }
        store(out, sums[0]);
        store(out + 8, sums[1]);
    }
}

const struct sp_lanes_kernels sp_lanes__avx2 = {
    .name = DOT_SET,
    .stage = stage,
    .quads = sp_lanes_quads__avx2,
    .mean_pool = mean_pool,
};
