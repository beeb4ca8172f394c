/* words.c - sixteen words at once, one in each 32-bit lane. vpermb looks up the weights of a word's
 * four winners by their channels, vpdpbusd multiplies and adds all four; eight outputs' sums stay
 * in registers from the bias to the winners, so no sum is ever stored.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/words.h"

#include <immintrin.h>
#include <string.h>

#define INLINE  static inline __attribute__((always_inline))
#define LANES   16
#define PIN(v)  __asm__("" : "+v"(v))
#define HIDE(p) __asm__("" : "+r"(p))

typedef __m512i vector;

INLINE vector load(const void *p)
{
    return _mm512_load_si512(p);
}

INLINE void store(void *p, vector v)
{
    _mm512_store_si512(p, v);
}

INLINE vector all(int32_t v)
{
    return _mm512_set1_epi32(v);
}

INLINE vector larger(vector a, vector b)
{
    return _mm512_max_epi32(a, b);
}

INLINE vector smaller(vector a, vector b)
{
    return _mm512_min_epi32(a, b);
}

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

/* ---- requantisation ---- */

INLINE vector clamped(vector v, const struct sp_words_scale *scale)
{
    return _mm512_min_epi32(_mm512_max_epi32(v, _mm512_setzero_si512()), all(scale->limit));
}

INLINE vector requantise_low(vector v, const struct sp_words_scale *scale)
{
    v = _mm512_mullo_epi32(clamped(v, scale), all((int32_t)scale->multiplier));
    v = _mm512_add_epi32(v, all((int32_t)(uint32_t)scale->half));
    return _mm512_srlv_epi32(v, all((int32_t)scale->shift));
}

INLINE vector requantise_wide(vector v, const struct sp_words_scale *scale, uint8_t max)
{
    const vector m = all((int32_t)scale->multiplier);
    const vector half = _mm512_set1_epi64((long long)scale->half);
    const vector shift = _mm512_set1_epi64(scale->shift);
    v = clamped(v, scale);
    vector even = _mm512_add_epi64(_mm512_mul_epu32(v, m), half);
    vector odd = _mm512_add_epi64(_mm512_mul_epu32(_mm512_srli_epi64(v, 32), m), half);
    even = _mm512_srlv_epi64(even, shift);
    odd = _mm512_slli_epi64(_mm512_srlv_epi64(odd, shift), 32);
    return _mm512_min_epu32(_mm512_or_si512(even, odd), all(max));
}

/* From bytes in the order of four packed registers to four bytes a word. */
INLINE vector word_by_word(vector bytes)
{
    const __m128i order = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_shuffle_epi8(bytes, _mm512_broadcast_i32x4(order));
}

/* Four values of each word, 0 .. 255, side by side. */
INLINE vector side_by_side(vector a, vector b, vector c, vector d)
{
    vector ab = _mm512_packus_epi32(a, b), cd = _mm512_packus_epi32(c, d);
    return word_by_word(_mm512_packus_epi16(ab, cd));
}

/* multipliers: four times each for words of 128 bits: winners 0 and 1, then 2 and 3. */
INLINE vector quick_values(const vector *key, const int16_t *multipliers, unsigned rank_shift,
                           uint8_t max)
{
    const vector rank = _mm512_set1_epi16((int16_t) - (1 << rank_shift));
    const __m128i *m = (const __m128i *)(const void *)multipliers;
    vector ab = _mm512_and_si512(_mm512_packs_epi32(key[0], key[1]), rank);
    vector cd = _mm512_and_si512(_mm512_packs_epi32(key[2], key[3]), rank);
    ab = _mm512_mulhrs_epi16(ab, _mm512_broadcast_i32x4(_mm_load_si128(m)));
    cd = _mm512_mulhrs_epi16(cd, _mm512_broadcast_i32x4(_mm_load_si128(m + 1)));
    vector bytes = _mm512_min_epu8(_mm512_packus_epi16(ab, cd), _mm512_set1_epi8((char)max));
    return word_by_word(bytes);
}

#include "kernels/cpu/words_stage.inc"

/* ---- features ---- */

/* Sixteen rows of sixteen dwords become sixteen columns. */
INLINE void transpose(const uint8_t *const *rows, size_t at, uint8_t *out)
{
    vector a[16], b[16];
#pragma GCC unroll 16
    for (size_t i = 0; i < 16; i++)
        a[i] = _mm512_loadu_si512(rows[i] + at);
#pragma GCC unroll 8
    for (size_t i = 0; i < 16; i += 2) {
        b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
    }
    /* a[4 i + k]: column k of each four, rows 4 i .. 4 i + 3 */
#pragma GCC unroll 4
    for (size_t i = 0; i < 16; i += 4) {
        a[i] = _mm512_unpacklo_epi64(b[i], b[i + 2]);
        a[i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 2]);
        a[i + 2] = _mm512_unpacklo_epi64(b[i + 1], b[i + 3]);
        a[i + 3] = _mm512_unpackhi_epi64(b[i + 1], b[i + 3]);
    }
#pragma GCC unroll 4
    for (size_t k = 0; k < 4; k++) {
        vector low = _mm512_shuffle_i32x4(a[k], a[4 + k], 0x88);
        vector high = _mm512_shuffle_i32x4(a[8 + k], a[12 + k], 0x88);
        store(out + 64 * k, _mm512_shuffle_i32x4(low, high, 0x88));
        store(out + 64 * (8 + k), _mm512_shuffle_i32x4(low, high, 0xdd));
        low = _mm512_shuffle_i32x4(a[k], a[4 + k], 0xdd);
        high = _mm512_shuffle_i32x4(a[8 + k], a[12 + k], 0xdd);
        store(out + 64 * (4 + k), _mm512_shuffle_i32x4(low, high, 0x88));
        store(out + 64 * (12 + k), _mm512_shuffle_i32x4(low, high, 0xdd));
    }
}

static void quads(size_t positions, size_t bands, const uint8_t *const *features, uint8_t *out)
{
    size_t bytes = positions * bands;
    if (bands % 4 != 0 || bytes % 64 != 0) {
        sp_words_plain_quads(positions, bands, features, out);
        return;
    }
    for (size_t at = 0; at < bytes; at += 64)
        transpose(features, at, out + at * SP_WORDS);
}

const struct sp_words_kernels sp_words__avx512 = {
    .name = "avx512",
    .fewest = 11,
    .quads = quads,
    .stage = stage,
};
