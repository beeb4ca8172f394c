/* words.c - sixteen words at once, eight in the 32-bit lanes of a register. vpshufb looks up the
 * weights of a word's four winners by their channels, vpmaddubsw multiplies and adds two and two,
 * vpmaddwd all four: no sum of two products of seven bits leaves 16 bits (ARITHMETIC.md section 3).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/words.h"

#include <immintrin.h>
#include <string.h>

#define INLINE  static inline __attribute__((always_inline))
#define LANES   8
#define PIN(v)  __asm__("" : "+x"(v))
#define HIDE(p) __asm__("" : "+r"(p))

typedef __m256i vector;

INLINE vector load(const void *p)
{
    return _mm256_load_si256(p);
}

INLINE void store(void *p, vector v)
{
    _mm256_store_si256(p, v);
}

INLINE vector all(int32_t v)
{
    return _mm256_set1_epi32(v);
}

INLINE vector larger(vector a, vector b)
{
    return _mm256_max_epi32(a, b);
}

INLINE vector smaller(vector a, vector b)
{
    return _mm256_min_epi32(a, b);
}

INLINE vector key_of(vector sum, vector rank, vector down)
{
    return _mm256_or_si256(_mm256_and_si256(sum, rank), down);
}

INLINE vector flipped(vector bytes, vector mask, vector first)
{
    return _mm256_xor_si256(_mm256_and_si256(bytes, mask), first);
}

INLINE vector low_bytes(const vector *key)
{
    vector even = _mm256_blend_epi16(key[0], _mm256_slli_epi32(key[2], 16), 0xaa);
    vector odd = _mm256_blend_epi16(key[1], _mm256_slli_epi32(key[3], 16), 0xaa);
    return _mm256_or_si256(_mm256_and_si256(even, all(0x00ff00ff)), _mm256_slli_epi16(odd, 8));
}

/* ---- sums ---- */

/* Adds the sums of four products of each word. */
INLINE void add_products(vector *sum, vector values, vector weights)
{
    vector pairs = _mm256_maddubs_epi16(values, weights);
    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

/* Four neighbouring channels; a table is 8 outputs x 4 weights. */
INLINE void add_quad(vector *sum, const uint8_t *in, const int8_t *table)
{
    vector x = load(in);
#pragma GCC unroll 8
    for (size_t o = 0; o < SP_WORDS_GROUP; o++) {
        int32_t w;
        memcpy(&w, table + 4 * o, sizeof(w));
        add_products(&sum[o], x, all(w));
    }
}

INLINE vector weights_at(const int8_t *table)
{
    return _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)(const void *)table));
}

/* A table is 8 outputs x 16 weights. */
INLINE void add_winners_16(vector *sum, const uint8_t *in, const int8_t *table)
{
    vector at = load(in), value = load(in + SP_WORDS_QUAD);
#pragma GCC unroll 8
    for (size_t o = 0; o < SP_WORDS_GROUP; o++)
        add_products(&sum[o], value, _mm256_shuffle_epi8(weights_at(table + 16 * o), at));
}

/* 8 outputs x 32 weights: a word's first two winners are among the first 16 channels, the others
 * among the last; the shuffle sees the low four bits. */
INLINE void add_winners_32(vector *sum, const uint8_t *in, const int8_t *table)
{
    vector at = load(in), value = load(in + SP_WORDS_QUAD);
#pragma GCC unroll 8
    for (size_t o = 0; o < SP_WORDS_GROUP; o++) {
        vector first = _mm256_shuffle_epi8(weights_at(table + 32 * o), at);
        vector last = _mm256_shuffle_epi8(weights_at(table + 32 * o + 16), at);
        add_products(&sum[o], value, _mm256_blend_epi16(first, last, 0xaa));
    }
}

/* ---- requantisation ---- */

INLINE vector clamped(vector v, const struct sp_words_scale *scale)
{
    return _mm256_min_epi32(_mm256_max_epi32(v, _mm256_setzero_si256()), all(scale->limit));
}

INLINE vector requantise_low(vector v, const struct sp_words_scale *scale)
{
    v = _mm256_mullo_epi32(clamped(v, scale), all((int32_t)scale->multiplier));
    v = _mm256_add_epi32(v, all((int32_t)(uint32_t)scale->half));
    return _mm256_srlv_epi32(v, all((int32_t)scale->shift));
}

INLINE vector requantise_wide(vector v, const struct sp_words_scale *scale, uint8_t max)
{
    const vector m = all((int32_t)scale->multiplier);
    const vector half = _mm256_set1_epi64x((long long)scale->half);
    const vector shift = _mm256_set1_epi64x(scale->shift);
    v = clamped(v, scale);
    vector even = _mm256_add_epi64(_mm256_mul_epu32(v, m), half);
    vector odd = _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(v, 32), m), half);
    even = _mm256_srlv_epi64(even, shift);
    odd = _mm256_slli_epi64(_mm256_srlv_epi64(odd, shift), 32);
    return _mm256_min_epu32(_mm256_or_si256(even, odd), all(max));
}

/* From bytes in the order of four packed registers to four bytes a word. */
INLINE vector word_by_word(vector bytes)
{
    const __m128i order = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm256_shuffle_epi8(bytes, _mm256_broadcastsi128_si256(order));
}

/* Four values of each word, 0 .. 255, side by side. */
INLINE vector side_by_side(vector a, vector b, vector c, vector d)
{
    vector ab = _mm256_packus_epi32(a, b), cd = _mm256_packus_epi32(c, d);
    return word_by_word(_mm256_packus_epi16(ab, cd));
}

/* multipliers: four times each for 128 bits: winners 0 and 1, then 2 and 3. */
INLINE vector quick_values(const vector *key, const int16_t *multipliers, unsigned rank_shift,
                           uint8_t max)
{
    const vector rank = _mm256_set1_epi16((int16_t) - (1 << rank_shift));
    const __m128i *m = (const __m128i *)(const void *)multipliers;
    vector ab = _mm256_and_si256(_mm256_packs_epi32(key[0], key[1]), rank);
    vector cd = _mm256_and_si256(_mm256_packs_epi32(key[2], key[3]), rank);
    ab = _mm256_mulhrs_epi16(ab, _mm256_broadcastsi128_si256(_mm_load_si128(m)));
    cd = _mm256_mulhrs_epi16(cd, _mm256_broadcastsi128_si256(_mm_load_si128(m + 1)));
    vector bytes = _mm256_min_epu8(_mm256_packus_epi16(ab, cd), _mm256_set1_epi8((char)max));
    return word_by_word(bytes);
}

#include "kernels/cpu/words_stage.inc"

/* ---- features ---- */

/* Eight rows of eight dwords become eight columns, each the half of a quad of sixteen words. */
INLINE void transpose(const uint8_t *const *rows, size_t at, uint8_t *out)
{
    vector a[8], b[8];
#pragma GCC unroll 8
    for (size_t i = 0; i < 8; i++)
        a[i] = _mm256_loadu_si256((const __m256i_u *)(const void *)(rows[i] + at));
#pragma GCC unroll 4
    for (size_t i = 0; i < 8; i += 2) {
        b[i] = _mm256_unpacklo_epi32(a[i], a[i + 1]);
        b[i + 1] = _mm256_unpackhi_epi32(a[i], a[i + 1]);
    }
#pragma GCC unroll 2
    for (size_t i = 0; i < 8; i += 4) {
        a[i] = _mm256_unpacklo_epi64(b[i], b[i + 2]);
        a[i + 1] = _mm256_unpackhi_epi64(b[i], b[i + 2]);
        a[i + 2] = _mm256_unpacklo_epi64(b[i + 1], b[i + 3]);
        a[i + 3] = _mm256_unpackhi_epi64(b[i + 1], b[i + 3]);
    }
#pragma GCC unroll 4
    for (size_t k = 0; k < 4; k++) {
        store(out + SP_WORDS_QUAD * k, _mm256_permute2x128_si256(a[k], a[4 + k], 0x20));
        store(out + SP_WORDS_QUAD * (4 + k), _mm256_permute2x128_si256(a[k], a[4 + k], 0x31));
    }
}

static void quads(size_t positions, size_t bands, const uint8_t *const *features, uint8_t *out)
{
    size_t bytes = positions * bands;
    if (bands % 4 != 0 || bytes % 32 != 0) {
        sp_words_plain_quads(positions, bands, features, out);
        return;
    }
    for (size_t at = 0; at < bytes; at += 32)
        for (size_t half = 0; half < SP_WORDS; half += LANES)
            transpose(features + half, at, out + at * SP_WORDS + half * 4);
}

const struct sp_words_kernels sp_words__avx2 = {
    .name = "avx2",
    .fewest = 16,
    .pairs = true,
    .quads = quads,
    .stage = stage,
};
