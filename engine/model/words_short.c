/* words_short.c - proves that the sums of a stage fit in 16 bits, for AVX2, whose 32 bits cost a
 * multiplication more (kernels/cpu/avx2/words_short.inc).
 *
 * The bias and the first part of a group's steps have to lie in s16 whatever the pixels are. Then
 * no sum on the way leaves s16 either, since a step that is yet to come may come to 0. The steps of
 * the second part, few, are added with saturation. A sum may become too small in any of them, if
 * what is left cannot bring it above 0 again: it is no more than 0 either way. It may become too
 * large in the last one: it still wins if no other output of its block comes near, and its value is
 * the largest that there is (SP_WORDS_MULHRS).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/model/words.h"

#define STEPS_LIMIT  12  /* of a group: all ways to part them are tried */
#define GROUPS_LIMIT 256 /* a millisecond each at worst */

/* The least and the largest sum of an output. */
struct bounds {
    int64_t lo, hi;
};

struct group {
    const struct sp_words_stage *stage;
    size_t count;
    struct sp_words_step steps[STEPS_LIMIT];
    struct bounds bias[SP_WORDS_GROUP], of[STEPS_LIMIT][SP_WORDS_GROUP];
};

/* A table is 8 outputs x 2 weights, twice. */
static struct bounds bounds_of(const int8_t *table, size_t output, uint32_t max)
{
    struct bounds b = {0, 0};
    for (size_t i = 0; i < 2; i++) {
        int64_t most = (int64_t)max * table[4 * output + i];
        *(most < 0 ? &b.lo : &b.hi) += most;
    }
    return b;
}

/* Of the steps whose bit is set. */
static struct bounds bounds_of_part(const struct group *g, uint32_t part, size_t output,
                                    struct bounds b)
{
    for (size_t i = 0; i < g->count; i++)
        if ((part >> i & 1) != 0) {
            b.lo += g->of[i][output].lo;
            b.hi += g->of[i][output].hi;
        }
    return b;
}

static bool is_short(struct bounds b)
{
    return b.lo >= INT16_MIN && b.hi <= INT16_MAX;
}

/* Whether this can be the second part, if it ends in one of last_steps(). */
static bool can_part(const struct group *g, uint32_t part)
{
    const struct bounds none = {0, 0};
    for (size_t o = 0; o < SP_WORDS_GROUP; o++)
        if (!is_short(bounds_of_part(g, ~part, o, g->bias[o])) ||
            bounds_of_part(g, part, o, none).hi > -INT16_MIN)
            return false;
    return true;
}

/* The steps, a bit each, in front of which no sum is too large if they are the last one. */
static uint32_t last_steps(const struct group *g)
{
    uint32_t steps = (1u << g->count) - 1;
    for (size_t i = 0; i < g->count; i++)
        for (size_t o = 0; o < SP_WORDS_GROUP; o++)
            if (bounds_of_part(g, ~(1u << i), o, g->bias[o]).hi > INT16_MAX)
                steps &= ~(1u << i);
    return steps;
}

/* Whether a sum that saturates wins as it did: at most one output gets there, and no other one of
 * its block, which is the group, to the rank where it is then. */
static bool ranks_stay(const struct group *g)
{
    const unsigned shift = g->stage->rank_shift;
    size_t too_large = 0, near = 0;
    for (size_t o = 0; o < SP_WORDS_GROUP; o++) {
        int64_t hi = bounds_of_part(g, UINT32_MAX, o, g->bias[o]).hi;
        too_large += hi > INT16_MAX;
        near += hi <= INT16_MAX && hi >> shift >= INT16_MAX >> shift;
    }
    return too_large == 0 || (too_large == 1 && near == 0);
}

/* The smallest second part; 0: there is none. */
static uint32_t second_part(const struct group *g, size_t *ret_last)
{
    const uint32_t lasts = last_steps(g);
    uint32_t best = 0;
    for (uint32_t part = 1; part < 1u << g->count; part++)
        if ((part & lasts) != 0 &&
            (best == 0 || __builtin_popcount(part) < __builtin_popcount(best)) && can_part(g, part))
            best = part;
    if (best != 0)
        *ret_last = (size_t)__builtin_ctz(best & lasts);
    return best;
}

/* Writes the steps in order; returns the second part's first one. */
static uint32_t order(const struct group *g, uint32_t part, size_t last, uint32_t at,
                      struct sp_words_step *steps)
{
    uint32_t second = at + (uint32_t)g->count - (uint32_t)__builtin_popcount(part);
    steps[at + g->count - 1] = g->steps[last];
    for (uint32_t which = 0; which < 2; which++)
        for (size_t i = 0; i < g->count; i++)
            if ((part >> i & 1) == which && i != last)
                steps[at++] = g->steps[i];
    return second;
}

static bool open_group(const struct sp_words_stage *s, size_t group, uint32_t max, struct group *g)
{
    const uint32_t *first = s->first + group * (s->all_taps + 1);
    *g = (struct group){.stage = s, .count = first[s->all_taps] - first[0]};
    if (g->count > STEPS_LIMIT)
        return false;
    for (size_t i = 0; i < g->count; i++)
        g->steps[i] = s->steps[first[0] + i];
    for (size_t o = 0; o < SP_WORDS_GROUP; o++) {
        int32_t bias = s->bias[group * SP_WORDS_GROUP + o];
        g->bias[o] = (struct bounds){bias, bias};
        for (size_t i = 0; i < g->count; i++)
            g->of[i][o] = bounds_of(s->tables + g->steps[i].table, o, max);
    }
    return true;
}

bool sp_words_short(const struct sp_words_stage *s, uint32_t max, struct sp_words_step *steps,
                    uint32_t *seconds)
{
    struct group g;
    if (s->groups > GROUPS_LIMIT || s->window != 2 || !s->whole || s->pool != 4 ||
        s->finish != SP_WORDS_WINNERS || s->block != SP_WORDS_GROUP || s->winners != 1 ||
        s->width != SP_WORDS_MULHRS)
        return false;
    for (size_t i = 0; i < s->groups; i++) {
        if (!open_group(s, i, max, &g) || !ranks_stay(&g))
            return false;
        size_t last = 0;
        uint32_t part = second_part(&g, &last);
        if (part == 0)
            return false;
        seconds[i] = order(&g, part, last, s->first[i * (s->all_taps + 1)], steps);
    }
    return true;
}
