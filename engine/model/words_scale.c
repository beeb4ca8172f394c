/* words_scale.c - requantisation in as few bits as its results allow.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/model/loader.h"
#include "engine/model/words.h"

/* The smallest sum that reaches max; sums beyond it give no more. */
static int32_t limit_of(uint64_t multiplier, unsigned shift, uint8_t max)
{
    __int128 wanted = ((__int128)max << shift) - ((__int128)1 << (shift - 1));
    __int128 limit = (wanted + (__int128)multiplier - 1) / (__int128)multiplier;
    return limit > INT32_MAX ? INT32_MAX : (int32_t)limit;
}

/* Halving multiplier and shift together changes no result. */
static struct sp_words_scale scale_of(uint32_t multiplier, unsigned shift, uint8_t max)
{
    while (multiplier % 2 == 0 && shift > 1) {
        multiplier /= 2;
        shift--;
    }
    return (struct sp_words_scale){
        .limit = limit_of(multiplier, shift, max),
        .multiplier = multiplier,
        .half = (uint64_t)1 << (shift - 1),
        .shift = shift,
    };
}

static bool is_low(const struct sp_words_scale *s, uint8_t max)
{
    uint64_t most = (uint64_t)s->limit * s->multiplier + s->half;
    return s->shift < 32 && most <= UINT32_MAX && most >> s->shift <= max;
}

/* The same multiplier with shift 15; 0: there is none. What saturates 16 bits, without the bits
 * that ranking drops, has to give max. */
static int16_t fifteen(const struct sp_words_scale *s, const struct sp_words_stage *stage,
                       int64_t hi)
{
    if (s->shift > 15 || (uint64_t)s->multiplier << (15 - s->shift) > INT16_MAX)
        return 0;
    uint32_t multiplier = s->multiplier << (15 - s->shift);
    uint32_t most = 0x7fffu >> stage->rank_shift << stage->rank_shift;
    bool enough = hi <= INT16_MAX || (most * multiplier + (1u << 14)) >> 15 >= stage->max_value;
    return enough ? (int16_t)multiplier : 0;
}

/* Channels of one scale of a stage. */
static size_t share_of(const struct sp_words_stage *stage)
{
    return stage->finish == SP_WORDS_WINNERS ? stage->block : 1;
}

static int set_multipliers(struct sp_loader *l, struct sp_words_stage *stage)
{
    size_t winners = stage->groups * SP_WORDS_GROUP / stage->block * stage->winners;
    int16_t *multipliers = sp_loader_alloc(l, winners, 4 * sizeof(*multipliers));
    if (multipliers == NULL)
        return SPARROW_NO_MEMORY;
    for (size_t i = 0; i < 4 * winners; i++)
        multipliers[i] = fifteen(&stage->scales[i / 4 / stage->winners], stage, 0);
    stage->multipliers = multipliers;
    return SPARROW_OK;
}

int sp_words_scales(struct sp_loader *l, const struct sp_requantise *q, size_t channels, int64_t hi,
                    struct sp_words_stage *stage)
{
    size_t share = share_of(stage), n = stage->groups * SP_WORDS_GROUP / share;
    struct sp_words_scale *scales = sp_loader_alloc(l, n, sizeof(*scales));
    if (scales == NULL)
        return SPARROW_NO_MEMORY;
    bool low = true, quick = stage->finish == SP_WORDS_WINNERS;
    stage->max_value = q->max_value;
    for (size_t i = 0; i < n; i++) {
        if (i * share >= channels) { /* padding: 0 stays 0 */
            scales[i] = (struct sp_words_scale){.limit = 0, .multiplier = 1, .shift = 1};
            continue;
        }
        size_t from = i * share / q->share;
        scales[i] = scale_of(q->multipliers[from], q->shifts[from], q->max_value);
        low = low && is_low(&scales[i], q->max_value);
        quick = quick && fifteen(&scales[i], stage, hi) != 0;
    }
    stage->scales = scales;
    stage->width = quick ? SP_WORDS_MULHRS : low ? SP_WORDS_LOW : SP_WORDS_WIDE;
    return quick ? set_multipliers(l, stage) : SPARROW_OK;
}
