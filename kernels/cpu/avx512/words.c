/* words.c - sixteen words at once, one in each 32-bit lane. vpermb looks up the weights of a word's
 * four winners by their channels, vpdpbusd multiplies and adds all four; eight outputs' sums stay
 * in registers from the bias to the winners, so no sum is ever stored.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/words.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

INLINE __m512i load(const void *p)
{
    return _mm512_load_si512(p);
}

INLINE void store(void *p, __m512i v)
{
    _mm512_store_si512(p, v);
}

INLINE __m512i all(int32_t v)
{
    return _mm512_set1_epi32(v);
}

/* (a & mask) | b */
INLINE __m512i and_or(__m512i a, __m512i mask, __m512i b)
{
    return _mm512_ternarylogic_epi32(a, mask, b, 0xea);
}

/* mask ? a : b, bit by bit */
INLINE __m512i pick(__m512i mask, __m512i a, __m512i b)
{
    return _mm512_ternarylogic_epi32(mask, a, b, 0xca);
}

/* ---- sums: eight outputs of sixteen words ---- */

struct sums {
    __m512i of[SP_WORDS_GROUP];
};

/* Four neighbouring channels; a table is 8 outputs x 4 weights. */
INLINE void add_quad(struct sums *sums, const uint8_t *in, const int8_t *table)
{
    __m512i x = load(in);
#pragma GCC unroll 8
    for (size_t o = 0; o < SP_WORDS_GROUP; o++) {
        int32_t w;
        memcpy(&w, table + 4 * o, sizeof(w));
        sums->of[o] = _mm512_dpbusd_epi32(sums->of[o], x, all(w));
    }
}

/* Four winners; a register holds the weights of 64 / window outputs, and the bits above a channel
 * say which one is looked up. */
INLINE void add_lookup(__m512i *sum, __m512i weights, __m512i at, __m512i value)
{
    *sum = _mm512_dpbusd_epi32(*sum, value, _mm512_permutexvar_epi8(at, weights));
}

INLINE void add_winners_16(struct sums *sums, const uint8_t *in, const int8_t *table)
{
    __m512i at0 = load(in), value = load(in + SP_WORDS_QUAD);
    __m512i at1 = _mm512_or_si512(at0, _mm512_set1_epi8(16));
    __m512i at2 = _mm512_or_si512(at0, _mm512_set1_epi8(32));
    __m512i at3 = _mm512_or_si512(at0, _mm512_set1_epi8(48));
    __m512i low = load(table), high = load(table + 64);
    add_lookup(&sums->of[0], low, at0, value);
    add_lookup(&sums->of[1], low, at1, value);
    add_lookup(&sums->of[2], low, at2, value);
    add_lookup(&sums->of[3], low, at3, value);
    add_lookup(&sums->of[4], high, at0, value);
    add_lookup(&sums->of[5], high, at1, value);
    add_lookup(&sums->of[6], high, at2, value);
    add_lookup(&sums->of[7], high, at3, value);
}

INLINE void add_winners_32(struct sums *sums, const uint8_t *in, const int8_t *table)
{
    __m512i at0 = load(in), value = load(in + SP_WORDS_QUAD);
    __m512i at1 = _mm512_or_si512(at0, _mm512_set1_epi8(32));
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        __m512i weights = load(table + 64 * i);
        add_lookup(&sums->of[2 * i], weights, at0, value);
        add_lookup(&sums->of[2 * i + 1], weights, at1, value);
    }
}

INLINE void add_steps(struct sums *sums, const struct sp_words_stage *s, const uint8_t *in,
                      size_t begin, size_t end, size_t window)
{
    for (size_t i = begin; i < end; i++) {
        const uint8_t *at = in + s->steps[i].input;
        const int8_t *table = s->tables + s->steps[i].table;
        if (window == 4)
            add_quad(sums, at, table);
        else if (window == 16)
            add_winners_16(sums, at, table);
        else
            add_winners_32(sums, at, table);
    }
}

/* A stage reads windows of one size, as a rule. */
#define MIXED 0

INLINE void add_taps(struct sums *sums, const struct sp_words_stage *s, const uint8_t *in,
                     const struct sp_words_taps *taps, const uint32_t *first, size_t window)
{
    size_t begin = first[taps->tap], end = first[taps->tap + taps->count];
    in += taps->input;
    if (window == 16 || (window == MIXED && taps->window == 16))
        add_steps(sums, s, in, begin, end, 16);
    else if (window == 32 || (window == MIXED && taps->window == 32))
        add_steps(sums, s, in, begin, end, 32);
    else
        add_steps(sums, s, in, begin, end, 4);
}

INLINE struct sums sums_at(const struct sp_words_stage *s, const uint8_t *in, size_t position,
                           size_t group, size_t window)
{
    const uint32_t *first = s->first + group * (s->all_taps + 1);
    const int32_t *bias = s->bias + group * SP_WORDS_GROUP;
    struct sums sums;
#pragma GCC unroll 8
    for (size_t o = 0; o < SP_WORDS_GROUP; o++)
        sums.of[o] = all(bias[o]);
    for (size_t i = s->runs[position]; i < s->runs[position + 1]; i++)
        add_taps(&sums, s, in, &s->taps[i], first, window);
    return sums;
}

INLINE struct sums pooled_sums(const struct sp_words_stage *s, const uint8_t *in, size_t position,
                               size_t group, size_t window, bool pool)
{
    struct sums best = sums_at(s, in, position * (pool ? s->pool : 1), group, window);
    for (size_t i = 1; pool && i < s->pool; i++) {
        struct sums other = sums_at(s, in, position * s->pool + i, group, window);
#pragma GCC unroll 8
        for (size_t o = 0; o < SP_WORDS_GROUP; o++)
            best.of[o] = _mm512_max_epi32(best.of[o], other.of[o]);
    }
    return best;
}

/* ---- requantisation ---- */

INLINE __m512i clamped(__m512i v, const struct sp_words_scale *scale)
{
    return _mm512_min_epi32(_mm512_max_epi32(v, _mm512_setzero_si512()), all(scale->limit));
}

INLINE __m512i requantise_low(__m512i v, const struct sp_words_scale *scale)
{
    v = _mm512_mullo_epi32(clamped(v, scale), all((int32_t)scale->multiplier));
    v = _mm512_add_epi32(v, all((int32_t)(uint32_t)scale->half));
    return _mm512_srlv_epi32(v, all((int32_t)scale->shift));
}

INLINE __m512i requantise_wide(__m512i v, const struct sp_words_scale *scale, uint8_t max)
{
    const __m512i m = all((int32_t)scale->multiplier);
    const __m512i half = _mm512_set1_epi64((long long)scale->half);
    const __m512i shift = _mm512_set1_epi64(scale->shift);
    v = clamped(v, scale);
    __m512i even = _mm512_add_epi64(_mm512_mul_epu32(v, m), half);
    __m512i odd = _mm512_add_epi64(_mm512_mul_epu32(_mm512_srli_epi64(v, 32), m), half);
    even = _mm512_srlv_epi64(even, shift);
    odd = _mm512_slli_epi64(_mm512_srlv_epi64(odd, shift), 32);
    return _mm512_min_epu32(_mm512_or_si512(even, odd), all(max));
}

/* From bytes in the order of four packed registers to four bytes a word. */
INLINE __m512i word_by_word(__m512i bytes)
{
    const __m128i order = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_shuffle_epi8(bytes, _mm512_broadcast_i32x4(order));
}

/* Four values of each word, 0 .. 255, side by side. */
INLINE __m512i side_by_side(__m512i a, __m512i b, __m512i c, __m512i d)
{
    __m512i ab = _mm512_packus_epi32(a, b), cd = _mm512_packus_epi32(c, d);
    return word_by_word(_mm512_packus_epi16(ab, cd));
}

/* ---- winners ---- */

/* A key is the sum with the channel, counted down, in the bits that ranking drops: so keys differ,
 * and the larger of two equal ranks is the lower channel. */
struct best {
    __m512i first, second;
};

INLINE struct best merged(struct best a, struct best b)
{
    return (struct best){
        _mm512_max_epi32(a.first, b.first),
        _mm512_max_epi32(_mm512_min_epi32(a.first, b.first), _mm512_max_epi32(a.second, b.second)),
    };
}

/* The best two keys of a group whose first channel has `down` of its block behind it. */
INLINE struct best best_of(const struct sums *sums, __m512i rank, int down)
{
    __m512i key[SP_WORDS_GROUP];
    struct best best[SP_WORDS_GROUP / 2];
#pragma GCC unroll 8
    for (int o = 0; o < SP_WORDS_GROUP; o++)
        key[o] = and_or(sums->of[o], rank, all(down - o));
#pragma GCC unroll 4
    for (int i = 0; i < SP_WORDS_GROUP / 2; i++)
        best[i] = (struct best){_mm512_max_epi32(key[2 * i], key[2 * i + 1]),
                                _mm512_min_epi32(key[2 * i], key[2 * i + 1])};
    return merged(merged(best[0], best[1]), merged(best[2], best[3]));
}

/* Low bytes of four registers side by side. */
INLINE __m512i low_bytes(const __m512i *key)
{
    const __m512i even = all(0x00ff00ff), lower = all(0x0000ffff);
    __m512i ab = pick(even, key[0], _mm512_slli_epi32(key[1], 8));
    __m512i cd = pick(even, key[2], _mm512_slli_epi32(key[3], 8));
    return pick(lower, ab, _mm512_slli_epi32(cd, 16));
}

/* Two in 8: winners 0 and 1 are of the window's first block. One in 8: each is of its own. Two in
 * 16: as two in 8. */
INLINE size_t block_of(size_t winner, size_t winners)
{
    return winner / winners;
}

/* The sums of four winners, requantised, as four bytes a word. */
INLINE __m512i values_of(const struct sp_words_stage *s, size_t window, const __m512i *key,
                         size_t winners)
{
    const struct sp_words_scale *scale = s->scales + window * 4 / winners;
    if (s->width == SP_WORDS_MULHRS) {
        const __m512i rank = _mm512_set1_epi16((int16_t) - (1 << s->rank_shift));
        const __m128i *m = (const __m128i *)(const void *)(s->multipliers + window * 16);
        __m512i ab = _mm512_and_si512(_mm512_packs_epi32(key[0], key[1]), rank);
        __m512i cd = _mm512_and_si512(_mm512_packs_epi32(key[2], key[3]), rank);
        ab = _mm512_mulhrs_epi16(ab, _mm512_broadcast_i32x4(_mm_load_si128(m)));
        cd = _mm512_mulhrs_epi16(cd, _mm512_broadcast_i32x4(_mm_load_si128(m + 1)));
        __m512i bytes = _mm512_packus_epi16(ab, cd);
        return word_by_word(_mm512_min_epu8(bytes, _mm512_set1_epi8((char)s->max_value)));
    }
    const __m512i rank = all(-(1 << s->rank_shift));
    __m512i v[4];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        v[i] = _mm512_and_si512(key[i], rank);
        v[i] = s->width == SP_WORDS_LOW
                   ? requantise_low(v[i], scale + block_of(i, winners))
                   : requantise_wide(v[i], scale + block_of(i, winners), s->max_value);
    }
    return side_by_side(v[0], v[1], v[2], v[3]);
}

/* One window of winners at one position. */
INLINE void store_winners(const struct sp_words_stage *s, size_t window, const __m512i *key,
                          uint8_t *to, size_t block, size_t winners)
{
    const int last = (int)block - 1;
    uint32_t mask = 0, first = 0;
    for (int i = 0; i < 4; i++) {
        mask |= (uint32_t)last << 8 * i;
        first |= (uint32_t)((int)block_of((size_t)i, winners) * (int)block + last) << 8 * i;
    }
    /* counted down: last - channel is last ^ channel */
    store(to,
          _mm512_ternarylogic_epi32(low_bytes(key), all((int32_t)mask), all((int32_t)first), 0x6a));
    store(to + SP_WORDS_QUAD, values_of(s, window, key, winners));
}

/* The best keys of a group at some positions: one after the other for the same group, so that the
 * weights stay at hand and branches repeat. */
INLINE void find_keys(const struct sp_words_stage *s, const uint8_t *in, size_t group, size_t begin,
                      size_t end, int down, bool merge, __m512i (*key)[4], size_t winners,
                      size_t window, bool pool)
{
    const __m512i rank = all(-(1 << s->rank_shift));
    for (size_t p = begin; p < end; p++, key++) {
        struct sums sums = pooled_sums(s, in, p, group, window, pool);
        struct best best = best_of(&sums, rank, down);
        if (merge)
            best = merged((struct best){key[0][0], key[0][1]}, best);
        key[0][0] = best.first;
        if (winners == 2)
            key[0][1] = best.second;
    }
}

#define CHUNK 16

/* The compiler makes one copy for each shape of block and window. */
INLINE void to_winners(const struct sp_words_stage *s, uint8_t *scratch, size_t block,
                       size_t winners, size_t window, bool pool)
{
    const size_t groups = 4 / winners * block / SP_WORDS_GROUP, per_block = block / SP_WORDS_GROUP;
    const size_t windows = s->groups / groups;
    __m512i key[CHUNK][4];
    for (size_t w = 0; w < windows; w++)
        for (size_t p = 0; p < s->positions; p += CHUNK) {
            size_t end = s->positions - p < CHUNK ? s->positions : p + CHUNK;
            for (size_t g = 0; g < groups; g++)
                find_keys(s, scratch, w * groups + g, p, end,
                          (int)(block - 1 - g % per_block * SP_WORDS_GROUP), g % per_block != 0,
                          (__m512i(*)[4])(void *)&key[0][g / per_block * winners], winners, window,
                          pool);
            for (size_t i = 0; i < end - p; i++)
                store_winners(s, w, key[i],
                              scratch + s->out + ((p + i) * windows + w) * SP_WORDS_WINDOW, block,
                              winners);
        }
}

#define TO_WINNERS(name, block, winners, window, pool)                                             \
    static void name(const struct sp_words_stage *s, uint8_t *scratch)                             \
    {                                                                                              \
        to_winners(s, scratch, block, winners, window, pool);                                      \
    }

TO_WINNERS(two_in_8, 8, 2, MIXED, true)
TO_WINNERS(two_in_8_of_quads, 8, 2, 4, false)
TO_WINNERS(two_in_8_of_16, 8, 2, 16, false)
TO_WINNERS(one_in_8, 8, 1, MIXED, true)
TO_WINNERS(one_in_8_of_quads, 8, 1, 4, false)
TO_WINNERS(one_in_8_of_32, 8, 1, 32, false)
TO_WINNERS(two_in_16, 16, 2, MIXED, true)
TO_WINNERS(two_in_16_of_quads, 16, 2, 4, false)
TO_WINNERS(two_in_16_of_32, 16, 2, 32, false)

static void to_winners_of(const struct sp_words_stage *s, uint8_t *scratch)
{
    size_t window = s->pool > 1 ? MIXED : s->window;
    if (s->block == 16)
        (window == 4 ? two_in_16_of_quads : window == 32 ? two_in_16_of_32 : two_in_16)(s, scratch);
    else if (s->winners == 2)
        (window == 4 ? two_in_8_of_quads : window == 16 ? two_in_8_of_16 : two_in_8)(s, scratch);
    else
        (window == 4 ? one_in_8_of_quads : window == 32 ? one_in_8_of_32 : one_in_8)(s, scratch);
}

/* ---- other ends of a stage ---- */

static void to_quads(const struct sp_words_stage *s, uint8_t *scratch)
{
    for (size_t g = 0; g < s->groups; g++)
        for (size_t p = 0; p < s->positions; p++) {
            struct sums sums = pooled_sums(s, scratch, p, g, MIXED, true);
            const struct sp_words_scale *scale = s->scales + g * SP_WORDS_GROUP;
            uint8_t *to = scratch + s->out + (p * s->groups + g) * 2 * SP_WORDS_QUAD;
            __m512i *v = sums.of;
#pragma GCC unroll 8
            for (size_t o = 0; o < SP_WORDS_GROUP; o++)
                v[o] = s->width == SP_WORDS_WIDE ? requantise_wide(v[o], scale + o, s->max_value)
                                                 : requantise_low(v[o], scale + o);
            store(to, side_by_side(v[0], v[1], v[2], v[3]));
            store(to + SP_WORDS_QUAD, side_by_side(v[4], v[5], v[6], v[7]));
        }
}

static void to_sums(const struct sp_words_stage *s, uint8_t *scratch)
{
    for (size_t g = 0; g < s->groups; g++) {
        struct sums sums = sums_at(s, scratch, 0, g, MIXED);
#pragma GCC unroll 8
        for (size_t o = 0; o < SP_WORDS_GROUP; o++)
            store(scratch + s->out + (g * SP_WORDS_GROUP + o) * sizeof(__m512i), sums.of[o]);
    }
}

static void stage(const struct sp_words_stage *s, uint8_t *scratch)
{
    if (s->finish == SP_WORDS_SUMS)
        to_sums(s, scratch);
    else if (s->finish == SP_WORDS_REQUANTISE)
        to_quads(s, scratch);
    else
        to_winners_of(s, scratch);
}

/* ---- features ---- */

/* Sixteen rows of sixteen dwords become sixteen columns. */
INLINE void transpose(const uint8_t *const *rows, size_t at, uint8_t *out)
{
    __m512i a[16], b[16];
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
        __m512i low = _mm512_shuffle_i32x4(a[k], a[4 + k], 0x88);
        __m512i high = _mm512_shuffle_i32x4(a[8 + k], a[12 + k], 0x88);
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
    .layout = SP_WORDS_FOURS,
    .quads = quads,
    .stage = stage,
};
