/* lanes.c - temporal convolutions of block winners: the winner's index looks up its weight.
 * vpshufb on a table of 16 weights serves a pair of winners at 16 positions, vpmaddubsw multiplies
 * and adds the pair, and sums stay in 16 bits for a run of steps. Values of up to 8 positions take
 * half a register: two outputs share one.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/lanes.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

INLINE __m256i load(const void *p)
{
    return _mm256_loadu_si256((const __m256i_u *)p);
}

INLINE __m128i load_half(const void *p)
{
    return _mm_loadu_si128((const __m128i_u *)p);
}

INLINE void store(void *p, __m256i v)
{
    _mm256_storeu_si256((__m256i_u *)p, v);
}

/* Adds 8 sums of 16 bits to 8 of 32. */
INLINE void widen_add(int32_t *sums, __m128i v)
{
    store(sums, _mm256_add_epi32(load(sums), _mm256_cvtepi16_epi32(v)));
}

/* One group of 8 outputs at 16 positions. */
static void conv_wide(const struct sp_lanes_conv *c, size_t group, const uint8_t *winners,
                      int32_t *sums, size_t row)
{
    for (size_t r = c->first_run[group]; r < c->first_run[group + 1]; r++) {
        __m256i acc[8];
#pragma GCC unroll 8
        for (size_t o = 0; o < 8; o++)
            acc[o] = _mm256_setzero_si256();
        for (size_t i = c->first_step[r]; i < c->first_step[r + 1]; i++) {
            const uint8_t *at = winners + c->steps[i].input;
            const int8_t *table = c->tables + c->steps[i].table;
            __m256i index = load(at), value = load(at + c->value_offset);
#pragma GCC unroll 8
            for (size_t o = 0; o < 8; o++) {
                __m256i weights = _mm256_broadcastsi128_si256(load_half(table + 16 * o));
                __m256i w = _mm256_shuffle_epi8(weights, index);
                acc[o] = _mm256_add_epi16(acc[o], _mm256_maddubs_epi16(value, w));
            }
        }
#pragma GCC unroll 8
        for (size_t o = 0; o < 8; o++) {
            widen_add(sums + o * row, _mm256_castsi256_si128(acc[o]));
            widen_add(sums + o * row + 8, _mm256_extracti128_si256(acc[o], 1));
        }
    }
}

/* The same at 8 positions, two outputs a register. */
static void conv_narrow(const struct sp_lanes_conv *c, size_t group, const uint8_t *winners,
                        int32_t *sums)
{
    for (size_t r = c->first_run[group]; r < c->first_run[group + 1]; r++) {
        __m256i acc[4];
#pragma GCC unroll 4
        for (size_t o = 0; o < 4; o++)
            acc[o] = _mm256_setzero_si256();
        for (size_t i = c->first_step[r]; i < c->first_step[r + 1]; i++) {
            const uint8_t *at = winners + c->steps[i].input;
            const int8_t *table = c->tables + c->steps[i].table;
            __m256i index = _mm256_broadcastsi128_si256(load_half(at));
            __m256i value = _mm256_broadcastsi128_si256(load_half(at + c->value_offset));
#pragma GCC unroll 4
            for (size_t o = 0; o < 4; o++) {
                __m256i w = _mm256_shuffle_epi8(load(table + 32 * o), index);
                acc[o] = _mm256_add_epi16(acc[o], _mm256_maddubs_epi16(value, w));
            }
        }
#pragma GCC unroll 4
        for (size_t o = 0; o < 4; o++) {
            widen_add(sums + 16 * o, _mm256_castsi256_si128(acc[o]));
            widen_add(sums + 16 * o + 8, _mm256_extracti128_si256(acc[o], 1));
        }
    }
}

/* What a step gives for the outputs that a table register holds, at each of its positions. */
INLINE __m256i products(__m256i table, __m256i index, __m256i value)
{
    return _mm256_maddubs_epi16(value, _mm256_shuffle_epi8(table, index));
}

/* Adds two steps' products in 32 bits: sums of positions 0-3 and 8-11, of 4-7 and 12-15. */
INLINE void add_both(__m256i acc[2], __m256i a, __m256i b)
{
    const __m256i ones = _mm256_set1_epi16(1);
    acc[0] = _mm256_add_epi32(acc[0], _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), ones));
    acc[1] = _mm256_add_epi32(acc[1], _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), ones));
}

/* The first 8 positions of the four sums of add_both(), and the last 8 (narrow: of the next
 * output). */
INLINE void store_both(int32_t *first, int32_t *last, const __m256i acc[2], __m256i first_bias,
                       __m256i last_bias)
{
    __m256i low = _mm256_permute2x128_si256(acc[0], acc[1], 0x20);
    __m256i high = _mm256_permute2x128_si256(acc[0], acc[1], 0x31);
    store(first, _mm256_add_epi32(low, first_bias));
    store(last, _mm256_add_epi32(high, last_bias));
}

/* Steps of a group, two at a time; the last one of an odd number stands alone. */
struct two_steps {
    __m256i index[2], value[2];
    const int8_t *table[2];
};

INLINE struct two_steps take_two(const struct sp_lanes_conv *c, size_t i, size_t last,
                                 const uint8_t *winners, bool narrow)
{
    struct two_steps two;
#pragma GCC unroll 2
    for (size_t j = 0; j < 2; j++) {
        const struct sp_lanes_step *step = &c->steps[i + j < last ? i + j : i];
        const uint8_t *at = winners + step->input;
        two.table[j] = c->tables + step->table;
        two.index[j] = narrow ? _mm256_broadcastsi128_si256(load_half(at)) : load(at);
        at += c->value_offset;
        two.value[j] = narrow ? _mm256_broadcastsi128_si256(load_half(at)) : load(at);
    }
    if (i + 1 == last)
        two.value[1] = _mm256_setzero_si256();
    return two;
}

/* A group of 8 outputs at 16 positions, summed in 32 bits: for weights that 16 bits hold only few
 * steps of. */
static void conv_wide_s32(const struct sp_lanes_conv *c, size_t group, const uint8_t *winners,
                          int32_t *sums, size_t row)
{
    size_t first = c->first_step[c->first_run[group]],
           last = c->first_step[c->first_run[group + 1]];
    for (size_t half = 0; half < 8; half += 4) {
        __m256i acc[4][2];
#pragma GCC unroll 4
        for (size_t o = 0; o < 4; o++)
            acc[o][0] = acc[o][1] = _mm256_setzero_si256();
        for (size_t i = first; i < last; i += 2) {
            struct two_steps two = take_two(c, i, last, winners, false);
#pragma GCC unroll 4
            for (size_t o = 0; o < 4; o++) {
                size_t at = 16 * (half + o);
                __m256i a = _mm256_broadcastsi128_si256(load_half(two.table[0] + at));
                __m256i b = _mm256_broadcastsi128_si256(load_half(two.table[1] + at));
                add_both(acc[o], products(a, two.index[0], two.value[0]),
                         products(b, two.index[1], two.value[1]));
            }
        }
#pragma GCC unroll 4
        for (size_t o = 0; o < 4; o++) {
            __m256i bias = _mm256_set1_epi32(c->bias[group * SP_LANES_GROUP + half + o]);
            int32_t *out = sums + (half + o) * row;
            store_both(out, out + 8, acc[o], bias, bias);
        }
    }
}

static void conv_narrow_s32(const struct sp_lanes_conv *c, size_t group, const uint8_t *winners,
                            int32_t *sums)
{
    size_t first = c->first_step[c->first_run[group]],
           last = c->first_step[c->first_run[group + 1]];
    const int32_t *bias = c->bias + group * SP_LANES_GROUP;
    __m256i acc[4][2];
#pragma GCC unroll 4
    for (size_t o = 0; o < 4; o++)
        acc[o][0] = acc[o][1] = _mm256_setzero_si256();
    for (size_t i = first; i < last; i += 2) {
        struct two_steps two = take_two(c, i, last, winners, true);
#pragma GCC unroll 4
        for (size_t o = 0; o < 4; o++)
            add_both(acc[o], products(load(two.table[0] + 32 * o), two.index[0], two.value[0]),
                     products(load(two.table[1] + 32 * o), two.index[1], two.value[1]));
    }
#pragma GCC unroll 4
    for (size_t o = 0; o < 4; o++)
        store_both(sums + 16 * o, sums + 16 * o + 8, acc[o], _mm256_set1_epi32(bias[2 * o]),
                   _mm256_set1_epi32(bias[2 * o + 1]));
}

/* The runs of a group, whose sums stay in 16 bits within a run. */
static void conv_s16(const struct sp_lanes_conv *c, size_t group, const uint8_t *winners,
                     int32_t *sums, size_t row)
{
#pragma GCC unroll 8
    for (size_t o = 0; o < SP_LANES_GROUP; o++) {
        __m256i bias = _mm256_set1_epi32(c->bias[group * SP_LANES_GROUP + o]);
        for (size_t p = 0; p < row; p += 8)
            store(sums + o * row + p, bias);
    }
    if (row == SP_LANES_STEP / 2)
        conv_narrow(c, group, winners, sums);
    else
        for (size_t p = 0; p < row; p += SP_LANES_STEP)
            conv_wide(c, group, winners + 2 * p, sums + p, row);
}

static void conv(const struct sp_lanes_conv *c, const uint8_t *winners, int32_t *sums)
{
    size_t row = sp_lanes_row(c->width);
    for (size_t g = 0; g < c->groups; g++, sums += SP_LANES_GROUP * row) {
        size_t runs = c->first_run[g + 1] - c->first_run[g];
        size_t steps = c->first_step[c->first_run[g + 1]] - c->first_step[c->first_run[g]];
        /* A run's end costs as much as two steps, 32-bit sums as much as half a step more for each.
         */
        if (4 * runs <= steps)
            conv_s16(c, g, winners, sums, row);
        else if (row == SP_LANES_STEP / 2)
            conv_narrow_s32(c, g, winners, sums);
        else
            for (size_t p = 0; p < row; p += SP_LANES_STEP)
                conv_wide_s32(c, g, winners + 2 * p, sums + p, row);
    }
}

/* ---- stem ---- */

/* Four neighbouring channels of a position side by side, positions in a row, zeros around. */
static void stem_quads(const struct sp_lanes_stem *s, const uint8_t *in, uint8_t *quads)
{
    size_t length = sp_lanes_length(s->in_width);
    memset(quads, 0, sp_lanes_stem_work(s));
    for (size_t p = 0; p < s->in_width; p++, in += s->in_channels) {
        uint8_t *to = quads + 4 * (SP_LANES_MARGIN + p);
        size_t c = 0;
        for (; c + 4 <= s->in_channels; c += 4, to += 4 * length)
            memcpy(to, in + c, 4);
        memcpy(to, in + c, s->in_channels - c);
    }
}

/* 4 outputs at 8 * units positions. */
INLINE void stem_tile(const struct sp_lanes_stem *s, const uint8_t *quads, size_t out,
                      int32_t *sums, size_t row, size_t units)
{
    const __m256i ones = _mm256_set1_epi16(1);
    size_t length = sp_lanes_length(s->in_width), each = s->taps * s->quads;
    const int8_t *weights = s->weights + out * each * 4;
    __m256i acc[4][2];
#pragma GCC unroll 4
    for (size_t o = 0; o < 4; o++)
#pragma GCC unroll 2
        for (size_t u = 0; u < units; u++)
            acc[o][u] = _mm256_set1_epi32(s->bias[out + o]);
    for (size_t tap = 0; tap < s->taps; tap++)
        for (size_t q = 0; q < s->quads; q++, weights += 4) {
            const uint8_t *at = quads + 4 * (q * length + tap);
            __m256i x[2];
#pragma GCC unroll 2
            for (size_t u = 0; u < units; u++)
                x[u] = load(at + 32 * u);
#pragma GCC unroll 4
            for (size_t o = 0; o < 4; o++) {
                int32_t w;
                memcpy(&w, weights + o * each * 4, sizeof(w));
                __m256i wide = _mm256_set1_epi32(w);
#pragma GCC unroll 2
                for (size_t u = 0; u < units; u++) {
                    __m256i pairs = _mm256_maddubs_epi16(x[u], wide);
                    acc[o][u] = _mm256_add_epi32(acc[o][u], _mm256_madd_epi16(pairs, ones));
                }
            }
        }
#pragma GCC unroll 4
    for (size_t o = 0; o < 4; o++)
#pragma GCC unroll 2
        for (size_t u = 0; u < units; u++)
            store(sums + o * row + 8 * u, acc[o][u]);
}

static void stem(const struct sp_lanes_stem *s, const uint8_t *in, void *work, int32_t *sums)
{
    size_t row = sp_lanes_row(s->out_width);
    stem_quads(s, in, work);
    const uint8_t *quads = (const uint8_t *)work + 4 * (SP_LANES_MARGIN - s->pad_left);
    for (size_t o = 0; o < s->out_channels; o += 4) {
        int32_t *out = sums + o * row;
        if (row == SP_LANES_STEP / 2)
            stem_tile(s, quads, o, out, row, 1);
        else
            for (size_t p = 0; p < row; p += SP_LANES_STEP)
                stem_tile(s, quads + 4 * p, o, out + p, row, 2);
    }
}

/* ---- winners ---- */

/* Sums, from 0 up, of 8 positions to 0 .. max. No result before the clamp reaches 2^31. */
INLINE __m256i requantise(__m256i v, uint32_t multiplier, unsigned shift, __m256i max)
{
    const __m256i m = _mm256_set1_epi64x((long long)multiplier);
    const __m256i half = _mm256_set1_epi64x(1LL << (shift - 1));
    const __m128i count = _mm_cvtsi32_si128((int)shift);
    __m256i even = _mm256_add_epi64(_mm256_mul_epu32(v, m), half);
    __m256i odd = _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(v, 32), m), half);
    even = _mm256_srl_epi64(even, count);
    odd = _mm256_slli_epi64(_mm256_srl_epi64(odd, count), 32);
    return _mm256_min_epu32(_mm256_or_si256(even, odd), max);
}

/* The one or two winners of a block at 8 positions: their ranked sums and channels. A key is the
 * rank with the channel, counted down, in the bits that ranking drops; so keys differ, and the
 * larger of two equal ranks is the lower channel. */
INLINE void best(const int32_t *sums, size_t row, size_t block, size_t winners, unsigned rank_shift,
                 __m256i *sum, __m256i *channel)
{
    const __m256i low = _mm256_set1_epi32((1 << rank_shift) - 1);
    __m256i first = _mm256_set1_epi32(INT32_MIN), second = first;
#pragma GCC unroll 16
    for (size_t c = 0; c < block; c++) {
        __m256i key = _mm256_or_si256(_mm256_andnot_si256(low, load(sums + c * row)),
                                      _mm256_set1_epi32((int)(block - 1 - c)));
        if (winners == 2)
            second = _mm256_max_epi32(second, _mm256_min_epi32(first, key));
        first = _mm256_max_epi32(first, key);
    }
    sum[0] = _mm256_andnot_si256(low, first);
    sum[1] = _mm256_andnot_si256(low, second);
    const __m256i last = _mm256_set1_epi32((int)block - 1);
    channel[0] = _mm256_sub_epi32(last, _mm256_and_si256(first, low));
    channel[1] = _mm256_sub_epi32(last, _mm256_and_si256(second, low));
}

/* Two lists of 8 bytes in 32 bits each, side by side. */
INLINE void store_pair(uint8_t *to, __m256i a, __m256i b)
{
    __m256i both = _mm256_or_si256(a, _mm256_slli_epi32(b, 8));
    both = _mm256_permute4x64_epi64(_mm256_packus_epi32(both, both), 0xd8);
    _mm_storeu_si128((__m128i_u *)to, _mm256_castsi256_si128(both));
}

/* One window of 16 channels at 8 positions; alive: all ones at positions of the value. */
INLINE void window(const struct sp_block_winners *b, size_t first_channel, const int32_t *sums,
                   size_t row, __m256i alive, uint8_t *index, size_t array, size_t plane,
                   size_t block, size_t winners)
{
    const __m256i max = _mm256_set1_epi32(b->q.max_value);
    __m256i channel[5], value[5]; /* one more than there are: best() always writes two */
    size_t slots = 0;
#pragma GCC unroll 2
    for (size_t first = 0; first < SP_LANES_WINDOW; first += block, slots += winners) {
        size_t scale = (first_channel + first) / b->q.share;
        best(sums + first * row, row, block, winners, b->rank_shift, value + slots,
             channel + slots);
#pragma GCC unroll 2
        for (size_t i = slots; i < slots + winners; i++) {
            __m256i v = _mm256_max_epi32(value[i], _mm256_setzero_si256());
            value[i] = requantise(_mm256_and_si256(v, alive), b->q.multipliers[scale],
                                  b->q.shifts[scale], max);
            channel[i] = _mm256_add_epi32(channel[i], _mm256_set1_epi32((int)first));
        }
    }
#pragma GCC unroll 2
    for (size_t i = 0; i < slots; i += 2, index += array) {
        store_pair(index, channel[i], channel[i + 1]);
        store_pair(index + plane, value[i], value[i + 1]);
    }
}

/* The compiler makes one copy for each shape of block. */
INLINE void all_windows(const struct sp_block_winners *b, const struct sp_lanes_winners_shape *s,
                        const int32_t *sums, uint8_t *winners, size_t block, size_t count)
{
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    size_t row = sp_lanes_row(s->width), array = sp_lanes_array(s, false);
    size_t plane = sp_lanes_plane(s, false);
    for (size_t w = 0; w < s->windows; w++) {
        uint8_t *index = winners + w * s->pairs * array + 2 * SP_LANES_MARGIN;
        for (size_t p = 0; p < s->width; p += 8) {
            __m256i alive = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(s->width - p)), lanes);
            window(b, w * SP_LANES_WINDOW, sums + w * SP_LANES_WINDOW * row + p, row, alive,
                   index + 2 * p, array, plane, block, count);
        }
    }
}

static void winners_of(const struct sp_block_winners *b, const struct sp_lanes_winners_shape *s,
                       const int32_t *sums, uint8_t *winners)
{
    if (b->block == 16)
        all_windows(b, s, sums, winners, 16, 2);
    else if (b->winners == 2)
        all_windows(b, s, sums, winners, 8, 2);
    else
        all_windows(b, s, sums, winners, 8, 1);
}

/* ---- split ---- */

/* 32 positions become 16 even and 16 odd ones. Rows are read up to a multiple of 32: the tail is
 * that long. */
static void split(const struct sp_lanes_winners_shape *s, const uint8_t *whole, uint8_t *halves)
{
    const __m256i low = _mm256_set1_epi32(0xffff);
    size_t arrays = s->windows * s->pairs, from = sp_lanes_array(s, false),
           to = sp_lanes_array(s, true);
    for (size_t plane = 0; plane < 2; plane++)
        for (size_t a = 0; a < arrays; a++) {
            const uint8_t *in = whole + (plane * arrays + a) * from + 2 * SP_LANES_MARGIN;
            uint8_t *even = halves + (plane * 2 * arrays + a) * to + 2 * SP_LANES_MARGIN;
            uint8_t *odd = even + arrays * to;
            for (size_t p = 0; p < s->width; p += 32, in += 64, even += 32, odd += 32) {
                __m256i x = load(in), y = load(in + 32);
                __m256i e = _mm256_packus_epi32(_mm256_and_si256(x, low), _mm256_and_si256(y, low));
                __m256i o = _mm256_packus_epi32(_mm256_srli_epi32(x, 16), _mm256_srli_epi32(y, 16));
                store(even, _mm256_permute4x64_epi64(e, 0xd8));
                store(odd, _mm256_permute4x64_epi64(o, 0xd8));
            }
        }
}

const struct sp_lanes_kernels sp_lanes__avx2 = {
    .name = "avx2",
    .stem = stem,
    .conv = conv,
    .winners = winners_of,
    .split = split,
};
