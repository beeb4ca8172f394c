/* words.c - sixteen words at once, eight in the 32-bit lanes of a register. vpshufb looks up the
 * weights of a word's four winners by their channels, vpmaddubsw multiplies and adds two and two,
 * vpmaddwd all four: no sum of two products of seven bits leaves 16 bits (ARITHMETIC.md section 3).
 * The set avxvnni is the same source with vpdpbusd (dot.h).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <immintrin.h>
#include <string.h>

typedef __m256i vector;
#define LANES       8
#define ABREAST     1
#define OP(name)    _mm256_##name
#define BITS(name)  _mm256_##name##_si256
#define all64(v)    _mm256_set1_epi64x(v)
#define repeated(v) _mm256_broadcastsi128_si256(v)
#include "kernels/cpu/avx2/dot.h"
#if !DOT_ONE
#define HALVES 1
#endif
#include "kernels/cpu/words_x86.inc"

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

/* ---- windows of 32 ---- */

#ifdef HALVES

/* A half of a window has two bytes of each word, so where the stage runs for the last eight words,
 * whose quads are 32 bytes further on, theirs are 16 bytes further on. */
INLINE size_t too_far(const uint8_t *p)
{
    return (uintptr_t)p % SP_WORDS_QUAD / 2;
}

INLINE vector load_fours(const uint8_t *in)
{
    const __m128i *half = (const void *)(in - too_far(in));
    __m128i two = _mm_load_si128(half), other = _mm_load_si128(half + 2);
    return _mm256_set_m128i(_mm_unpackhi_epi16(two, other), _mm_unpacklo_epi16(two, other));
}

/* Two bytes each of words 0 .. 3 and 4 .. 7, the low ones of 32 bits. */
INLINE void store_twos(uint8_t *to, vector v)
{
    v = _mm256_and_si256(v, all(0xffff));
    _mm_store_si128((void *)to,
                    _mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)));
}

INLINE void store_fours(uint8_t *to, vector v, size_t window)
{
    if (window != 32) {
        store(to, v);
        return;
    }
    to -= too_far(to);
    store_twos(to, v);
    store_twos(to + sizeof(vector), _mm256_srli_epi32(v, 16));
}

#else

INLINE vector load_fours(const uint8_t *in)
{
    return load(in);
}

#endif

/* ---- sums ---- */

/* Four neighbouring channels; a table is 8 outputs x 4 weights. */
INLINE void add_quad(vector *sum, const uint8_t *in, const int8_t *table)
{
    vector x = load(in);
#pragma GCC unroll 8
    for (size_t o = 0; o < SP_WORDS_GROUP; o++) {
        int32_t w;
        memcpy(&w, table + 4 * o, sizeof(w));
        sum[o] = dot(sum[o], x, all(w));
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
        sum[o] = dot(sum[o], value, _mm256_shuffle_epi8(weights_at(table + 16 * o), at));
}

/* 8 outputs x 32 weights: a word's first two winners are among the first 16 channels, the others
 * among the last; the shuffle sees the low four bits. */
INLINE void add_winners_32(vector *sum, const uint8_t *in, const int8_t *table)
{
    vector at = load_fours(in), value = load_fours(in + SP_WORDS_QUAD);
#pragma GCC unroll 8
    for (size_t o = 0; o < SP_WORDS_GROUP; o++) {
        vector first = _mm256_shuffle_epi8(weights_at(table + 32 * o), at);
        vector last = _mm256_shuffle_epi8(weights_at(table + 32 * o + 16), at);
        sum[o] = dot(sum[o], value, _mm256_blend_epi16(first, last, 0xaa));
    }
}

/* ---- two steps at once ---- */

#define PAIRS !DOT_ONE

#if PAIRS

INLINE vector products(const uint8_t *in, const int8_t *table, size_t output, size_t window)
{
    vector at = load(in), weights;
    if (window == 4) {
        int32_t w;
        memcpy(&w, table + 4 * output, sizeof(w));
        return _mm256_maddubs_epi16(at, all(w));
    }
    weights = _mm256_shuffle_epi8(weights_at(table + 16 * output), at);
    return _mm256_maddubs_epi16(load(in + SP_WORDS_QUAD), weights);
}

INLINE void add_products(vector *sum, vector products16)
{
    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(products16, _mm256_set1_epi16(1)));
}

#endif

#ifdef HALVES
#define ALL_WORDS "kernels/cpu/avx2/words_all.inc"
#endif
#include "kernels/cpu/words_stage.inc"

/* ---- features ---- */

/* Eight columns, each the half of a quad of sixteen words. */
INLINE void store_columns(const vector *fours, uint8_t *out)
{
#pragma GCC unroll 4
    for (size_t k = 0; k < 4; k++) {
        vector a = fours[k], b = fours[4 + k];
        store(out + SP_WORDS_QUAD * k, _mm256_permute2x128_si256(a, b, 0x20));
        store(out + SP_WORDS_QUAD * (4 + k), _mm256_permute2x128_si256(a, b, 0x31));
    }
}

const struct sp_words_kernels sp_words__avx2 = {
    .name = DOT_SET,
    .fewest = 16,
    .pairs = !DOT_ONE,
    .quads = quads,
    .image = image,
#ifdef HALVES
    .halves = true,
    .image_of_twos = image_of_twos,
#endif
    .stage = stage,
};
