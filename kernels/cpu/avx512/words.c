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
INLINE void add_winners(struct sums *sums, const uint8_t *in, const int8_t *table, int window)
{
    __m512i channel = load(in), value = load(in + SP_WORDS_QUAD), weights[4], at[4];
    int outputs = 64 / window;
    at[0] = channel;
#pragma GCC unroll 4
    for (int i = 1; i < outputs; i++)
        at[i] = _mm512_or_si512(channel, _mm512_set1_epi8((char)(i * window)));
#pragma GCC unroll 4
    for (int i = 0; i < SP_WORDS_GROUP / outputs; i++)
        weights[i] = load(table + 64 * i);
#pragma GCC unroll 8
    for (int o = 0; o < SP_WORDS_GROUP; o++) {
        __m512i w = _mm512_permutexvar_epi8(at[o % outputs], weights[o / outputs]);
        sums->of[o] = _mm512_dpbusd_epi32(sums->of[o], value, w);
    }
}

INLINE void add_steps(struct sums *sums, const struct sp_words_part *part, const uint8_t *in,
                      size_t i, size_t end, size_t window)
{
    for (; i < end; i++) {
        const uint8_t *at = in + part->steps[i].input;
        const int8_t *table = part->tables + part->steps[i].table;
        if (window == 4)
            add_quad(sums, at, table);
        else
            add_winners(sums, at, table, (int)window);
    }
}

INLINE void add_part(struct sums *sums, const struct sp_words_part *part, const uint8_t *in,
                     size_t spot_index, size_t group)
{
    const struct sp_words_spot *spot = &part->spots[spot_index];
    const uint32_t *first = part->first + group * (part->all_taps + 1) + spot->tap;
    in += spot->input;
    for (size_t row = 0; row < spot->rows; row++, first += part->row_taps) {
        if (part->window == 16)
            add_steps(sums, part, in, first[0], first[spot->taps], 16);
        else if (part->window == 32)
            add_steps(sums, part, in, first[0], first[spot->taps], 32);
        else
            add_steps(sums, part, in, first[0], first[spot->taps], 4);
    }
}

INLINE struct sums sums_at(const struct sp_words_stage *s, const uint8_t *const *in, size_t spot,
                           size_t group)
{
    struct sums sums;
#pragma GCC unroll 8
    for (size_t o = 0; o < SP_WORDS_GROUP; o++)
        sums.of[o] = all(s->bias[group * SP_WORDS_GROUP + o]);
    for (size_t i = 0; i < s->part_count; i++)
        add_part(&sums, &s->parts[i], in[i], spot, group);
    return sums;
}

INLINE struct sums pooled_sums(const struct sp_words_stage *s, const uint8_t *const *in,
                               size_t position, size_t group, bool pool)
{
    struct sums best = sums_at(s, in, position * (pool ? s->pool : 1), group);
    for (size_t i = 1; pool && i < s->pool; i++) {
        struct sums other = sums_at(s, in, position * s->pool + i, group);
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

/* How a key is made: the sum's rank in the upper 24 bits, then the channel, counted down, then the
 * bits that ranking drops. So keys differ, the larger of two equal ranks is the lower channel, and
 * the sum can be had back. */
struct ranking {
    __m512i fields, mask, low, back, drop;
    int32_t down[16]; /* the field of a channel that has so many of its block behind it */
};

INLINE struct ranking ranking_of(unsigned shift)
{
    const uint64_t rank =
        (uint64_t)(16 + shift) << 24 | (uint64_t)(8 + shift) << 16 | (uint64_t)shift << 8;
    struct ranking r = {
        .fields = _mm512_set1_epi64((long long)(rank | (rank + 0x20202020) << 32)),
        .mask = all((int32_t)(0xffffff00u | ((1u << shift) - 1))),
        .low = all((1 << shift) - 1),
        .back = all(8 - (int32_t)shift),
        .drop = all((int32_t)shift),
    };
    for (int32_t i = 0; i < 16; i++)
        r.down[i] = i << shift;
    return r;
}

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
INLINE struct best best_of(const struct sums *sums, const struct ranking *r, size_t down)
{
    __m512i key[SP_WORDS_GROUP];
    struct best best[SP_WORDS_GROUP / 2];
#pragma GCC unroll 8
    for (size_t o = 0; o < SP_WORDS_GROUP; o++)
        key[o] = and_or(_mm512_multishift_epi64_epi8(r->fields, sums->of[o]), r->mask,
                        all(r->down[down - o]));
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        best[i] = (struct best){_mm512_max_epi32(key[2 * i], key[2 * i + 1]),
                                _mm512_min_epi32(key[2 * i], key[2 * i + 1])};
    return merged(merged(best[0], best[1]), merged(best[2], best[3]));
}

INLINE __m512i sum_of(__m512i key, const struct ranking *r)
{
    return pick(r->low, key, _mm512_srav_epi32(key, r->back));
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

INLINE __m512i values_of(const struct sp_words_stage *s, const struct ranking *r, size_t window,
                         const __m512i *key, size_t winners)
{
    const struct sp_words_scale *scale = s->scales + window * 4 / winners;
    __m512i v[4];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++)
        v[i] = sum_of(key[i], r);
    if (s->width == SP_WORDS_MULHRS) {
        const __m128i *m = (const __m128i *)(const void *)(s->multipliers + window * 16);
        __m512i ab = _mm512_mulhrs_epi16(_mm512_packs_epi32(v[0], v[1]),
                                         _mm512_broadcast_i32x4(_mm_load_si128(m)));
        __m512i cd = _mm512_mulhrs_epi16(_mm512_packs_epi32(v[2], v[3]),
                                         _mm512_broadcast_i32x4(_mm_load_si128(m + 1)));
        __m512i bytes = _mm512_packus_epi16(ab, cd);
        return word_by_word(_mm512_min_epu8(bytes, _mm512_set1_epi8((char)s->max_value)));
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++)
        v[i] = s->width == SP_WORDS_LOW
                   ? requantise_low(v[i], scale + block_of(i, winners))
                   : requantise_wide(v[i], scale + block_of(i, winners), s->max_value);
    return side_by_side(v[0], v[1], v[2], v[3]);
}

/* One window of winners at one position. */
INLINE void store_winners(const struct sp_words_stage *s, const struct ranking *r, size_t window,
                          const __m512i *key, uint8_t *to, size_t block, size_t winners)
{
    const int last = (int)block - 1;
    uint32_t mask = 0, first = 0;
    for (int i = 0; i < 4; i++) {
        mask |= (uint32_t)last << 8 * i;
        first |= (uint32_t)((int)block_of((size_t)i, winners) * (int)block + last) << 8 * i;
    }
    /* counted down: last - channel is last ^ channel */
    __m512i index = _mm512_srlv_epi32(low_bytes(key), r->drop);
    store(to, _mm512_ternarylogic_epi32(index, all((int32_t)mask), all((int32_t)first), 0x6a));
    store(to + SP_WORDS_QUAD, values_of(s, r, window, key, winners));
}

/* The compiler makes one copy for each shape of block, and of each one with a pool. */
INLINE void to_winners(const struct sp_words_stage *s, const uint8_t *const *in, uint8_t *out,
                       size_t block, size_t winners, bool pool)
{
    const struct ranking r = ranking_of(s->rank_shift);
    const size_t groups = 4 / winners * block / SP_WORDS_GROUP, per_block = block / SP_WORDS_GROUP;
    const size_t windows = s->groups / groups;
    for (size_t w = 0; w < windows; w++)
        for (size_t p = 0; p < s->positions; p++) {
            __m512i key[4];
            for (size_t g = 0; g < groups; g++) {
                struct sums sums = pooled_sums(s, in, p, w * groups + g, pool);
                size_t at = g / per_block * winners;
                struct best best = best_of(&sums, &r, block - 1 - g % per_block * SP_WORDS_GROUP);
                if (g % per_block != 0)
                    best = merged((struct best){key[at], key[at + 1]}, best);
                key[at] = best.first;
                if (winners == 2)
                    key[at + 1] = best.second;
            }
            store_winners(s, &r, w, key, out + (p * windows + w) * SP_WORDS_WINDOW, block, winners);
        }
}

static void to_winners_8_2(const struct sp_words_stage *s, const uint8_t *const *in, uint8_t *out)
{
    to_winners(s, in, out, 8, 2, false);
}

static void to_winners_8_1(const struct sp_words_stage *s, const uint8_t *const *in, uint8_t *out)
{
    to_winners(s, in, out, 8, 1, false);
}

static void to_winners_16_2(const struct sp_words_stage *s, const uint8_t *const *in, uint8_t *out)
{
    to_winners(s, in, out, 16, 2, false);
}

static void to_winners_pooled(const struct sp_words_stage *s, const uint8_t *const *in,
                              uint8_t *out)
{
    if (s->block == 16)
        to_winners(s, in, out, 16, 2, true);
    else if (s->winners == 2)
        to_winners(s, in, out, 8, 2, true);
    else
        to_winners(s, in, out, 8, 1, true);
}

/* ---- other ends of a stage ---- */

static void to_quads(const struct sp_words_stage *s, const uint8_t *const *in, uint8_t *out)
{
    for (size_t g = 0; g < s->groups; g++)
        for (size_t p = 0; p < s->positions; p++) {
            struct sums sums = pooled_sums(s, in, p, g, true);
            const struct sp_words_scale *scale = s->scales + g * SP_WORDS_GROUP;
            uint8_t *to = out + (p * s->groups + g) * 2 * SP_WORDS_QUAD;
            __m512i *v = sums.of;
#pragma GCC unroll 8
            for (size_t o = 0; o < SP_WORDS_GROUP; o++)
                v[o] = s->width == SP_WORDS_WIDE ? requantise_wide(v[o], scale + o, s->max_value)
                                                 : requantise_low(v[o], scale + o);
            store(to, side_by_side(v[0], v[1], v[2], v[3]));
            store(to + SP_WORDS_QUAD, side_by_side(v[4], v[5], v[6], v[7]));
        }
}

static void to_sums(const struct sp_words_stage *s, const uint8_t *const *in, uint8_t *out)
{
    for (size_t g = 0; g < s->groups; g++) {
        struct sums sums = sums_at(s, in, 0, g);
#pragma GCC unroll 8
        for (size_t o = 0; o < SP_WORDS_GROUP; o++)
            store(out + (g * SP_WORDS_GROUP + o) * sizeof(__m512i), sums.of[o]);
    }
}

static void stage(const struct sp_words_stage *s, const uint8_t *const *in, uint8_t *out)
{
    if (s->finish == SP_WORDS_SUMS)
        to_sums(s, in, out);
    else if (s->finish == SP_WORDS_REQUANTISE)
        to_quads(s, in, out);
    else if (s->pool > 1)
        to_winners_pooled(s, in, out);
    else if (s->block == 16)
        to_winners_16_2(s, in, out);
    else if (s->winners == 2)
        to_winners_8_2(s, in, out);
    else
        to_winners_8_1(s, in, out);
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
