/* words.c - sixteen words at once, one in each 32-bit lane. vpermb looks up the weights of a word's
 * four winners by their channels, vpdpbusd multiplies and adds all four; eight outputs' sums stay
 * in registers from the bias to the winners, so no sum is ever stored. The set avx512vnni is the
 * same source without vpermb.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <immintrin.h>
#include <string.h>

typedef __m512i vector;
#define LANES       16
#define ABREAST     2
#define OP(name)    _mm512_##name
#define BITS(name)  _mm512_##name##_si512
#define all64(v)    _mm512_set1_epi64(v)
#define repeated(v) _mm512_broadcast_i32x4(v)
#include "kernels/cpu/words_x86.inc"

INLINE vector key_of(vector sum, vector rank, vector down)
{
    return _mm512_ternarylogic_epi32(sum, rank, down, 0xea); /* (a & b) | c */
}

INLINE vector flipped(vector bytes, vector mask, vector first)
{
    return _mm512_ternarylogic_epi32(bytes, mask, first, 0x6a); /* (a & b) ^ c */
}

/* mask ? a : b, bit by bit */
INLINE vector pick(vector mask, vector a, vector b)
{
    return _mm512_ternarylogic_epi32(mask, a, b, 0xca);
}

INLINE vector low_bytes(const vector *key)
{
    const vector even = all(0x00ff00ff), lower = all(0x0000ffff);
    vector ab = pick(even, key[0], _mm512_slli_epi32(key[1], 8));
    vector cd = pick(even, key[2], _mm512_slli_epi32(key[3], 8));
    return pick(lower, ab, _mm512_slli_epi32(cd, 16));
}

/* ---- sums ---- */

/* Four neighbouring channels; a table is 8 outputs x 4 weights. */
INLINE void add_quad(vector *sum, const uint8_t *in, const int8_t *table)
{
    vector x = load(in);
#pragma GCC unroll 8
    for (size_t o = 0; o < SP_WORDS_GROUP; o++) {
        int32_t w;
        memcpy(&w, table + 4 * o, sizeof(w));
        sum[o] = _mm512_dpbusd_epi32(sum[o], x, all(w));
    }
}

#ifdef __AVX512VBMI__
#define SET    "avx512"
#define FEWEST 11

/* Four winners; a register holds the weights of 64 / window outputs, and the bits above a channel
 * say which one is looked up. */
INLINE void add_lookup(vector *sum, vector weights, vector at, vector value)
{
    *sum = _mm512_dpbusd_epi32(*sum, value, _mm512_permutexvar_epi8(at, weights));
}

INLINE void add_winners_16(vector *sum, const uint8_t *in, const int8_t *table)
{
    vector at0 = load(in), value = load(in + SP_WORDS_QUAD);
    vector at1 = _mm512_or_si512(at0, _mm512_set1_epi8(16));
    vector at2 = _mm512_or_si512(at0, _mm512_set1_epi8(32));
    vector at3 = _mm512_or_si512(at0, _mm512_set1_epi8(48));
    vector low = load(table), high = load(table + 64);
    add_lookup(&sum[0], low, at0, value);
    add_lookup(&sum[1], low, at1, value);
    add_lookup(&sum[2], low, at2, value);
    add_lookup(&sum[3], low, at3, value);
    add_lookup(&sum[4], high, at0, value);
    add_lookup(&sum[5], high, at1, value);
    add_lookup(&sum[6], high, at2, value);
    add_lookup(&sum[7], high, at3, value);
}

INLINE void add_winners_32(vector *sum, const uint8_t *in, const int8_t *table)
{
    vector at0 = load(in), value = load(in + SP_WORDS_QUAD);
    vector at1 = _mm512_or_si512(at0, _mm512_set1_epi8(32));
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        vector weights = load(table + 64 * i);
        add_lookup(&sum[2 * i], weights, at0, value);
        add_lookup(&sum[2 * i + 1], weights, at1, value);
    }
}

/* At two positions, whose sums share each load of weights. */
INLINE void add_winners_32_twice(vector *a, vector *b, const uint8_t *in_a, const uint8_t *in_b,
                                 const int8_t *table)
{
    vector at0 = load(in_a), value = load(in_a + SP_WORDS_QUAD);
    vector at2 = load(in_b), other = load(in_b + SP_WORDS_QUAD);
    vector at1 = _mm512_or_si512(at0, _mm512_set1_epi8(32));
    vector at3 = _mm512_or_si512(at2, _mm512_set1_epi8(32));
#pragma GCC unroll 4
    for (size_t i = 0; i < SP_WORDS_GROUP; i += 2) {
        vector weights = load(table + 32 * i);
        add_lookup(&a[i], weights, at0, value);
        add_lookup(&b[i], weights, at2, other);
        add_lookup(&a[i + 1], weights, at1, value);
        add_lookup(&b[i + 1], weights, at3, other);
        PIN(a[i]);
        PIN(b[i]);
        PIN(a[i + 1]);
        PIN(b[i + 1]);
    }
}
#else
#define SET    "avx512vnni"
#define FEWEST 12

/* Without vpermb: an output's 16 weights, four times, for vpshufb. */
INLINE vector look_up(const int8_t *table, vector at)
{
    const __m128i *weights = (const __m128i *)(const void *)table;
    return _mm512_shuffle_epi8(repeated(_mm_load_si128(weights)), at);
}

INLINE void add_winners_16(vector *sum, const uint8_t *in, const int8_t *table)
{
    vector at = load(in), value = load(in + SP_WORDS_QUAD);
#pragma GCC unroll 8
    for (size_t o = 0; o < SP_WORDS_GROUP; o++)
        sum[o] = _mm512_dpbusd_epi32(sum[o], value, look_up(table + 16 * o, at));
}

/* A word's first two winners are among the first 16 channels, the others among the last. */
INLINE void add_winners_32(vector *sum, const uint8_t *in, const int8_t *table)
{
    vector at = load(in), value = load(in + SP_WORDS_QUAD);
#pragma GCC unroll 8
    for (size_t o = 0; o < SP_WORDS_GROUP; o++, table += 32) {
        vector first = look_up(table, at), last = look_up(table + 16, at);
        vector weights = _mm512_mask_blend_epi16(0xaaaaaaaa, first, last);
        sum[o] = _mm512_dpbusd_epi32(sum[o], value, weights);
    }
}

INLINE void add_winners_32_twice(vector *a, vector *b, const uint8_t *in_a, const uint8_t *in_b,
                                 const int8_t *table)
{
    add_winners_32(a, in_a, table);
    add_winners_32(b, in_b, table);
}
#endif

/* A quad at two positions, whose sums share each load of weights. */
INLINE void add_quad_twice(vector *a, vector *b, const uint8_t *in_a, const uint8_t *in_b,
                           const int8_t *table)
{
    vector x = load(in_a), y = load(in_b);
#pragma GCC unroll 8
    for (size_t o = 0; o < SP_WORDS_GROUP; o++) {
        int32_t w;
        memcpy(&w, table + 4 * o, sizeof(w));
        vector weights = all(w);
        PIN(x);
        PIN(y);
        a[o] = _mm512_dpbusd_epi32(a[o], x, weights);
        b[o] = _mm512_dpbusd_epi32(b[o], y, weights);
        PIN(a[o]);
        PIN(b[o]);
    }
}

#define PAIRS 0
#include "kernels/cpu/words_stage.inc"

/* ---- features ---- */

INLINE void store_columns(const vector *fours, uint8_t *out)
{
#pragma GCC unroll 4
    for (size_t k = 0; k < 4; k++) {
        const vector *a = fours + k;
        vector low = _mm512_shuffle_i32x4(a[0], a[4], 0x88);
        vector high = _mm512_shuffle_i32x4(a[8], a[12], 0x88);
        store(out + SP_WORDS_QUAD * k, _mm512_shuffle_i32x4(low, high, 0x88));
        store(out + SP_WORDS_QUAD * (8 + k), _mm512_shuffle_i32x4(low, high, 0xdd));
        low = _mm512_shuffle_i32x4(a[0], a[4], 0xdd);
        high = _mm512_shuffle_i32x4(a[8], a[12], 0xdd);
        store(out + SP_WORDS_QUAD * (4 + k), _mm512_shuffle_i32x4(low, high, 0x88));
        store(out + SP_WORDS_QUAD * (12 + k), _mm512_shuffle_i32x4(low, high, 0xdd));
    }
}

const struct sp_words_kernels sp_words__avx512 = {
    .name = SET,
    .fewest = FEWEST,
    .quads = quads,
    .image = image,
    .stage = stage,
};
