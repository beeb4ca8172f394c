/* check_words_short.c - sums of sixteen words in 16 bits: what the loader takes for short, at its
 * bounds, and the kernels against plain C with pixels that go to these bounds.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/loader.h"
#include "engine/model/words.h"
#include "kernels/cpu/words.h"
#include "tests/unit/kernels/guard.h"
#include "tests/unit/kernels/inputs.h"
#include "tests/unit/suite.h"

#define POOL      4
#define POSITIONS 20 /* behind the pool: more than a chunk */
#define GROUPS    8
#define STEPS     8 /* of a group */
#define OUTPUTS   (GROUPS * SP_WORDS_GROUP)
#define RUNS      (POSITIONS * POOL)
#define SLOTS     (RUNS * GROUPS * STEPS) /* no two steps read the same pixels */

struct made {
    struct sparrow_model model; /* owns the scales */
    struct sp_loader loader;
    struct sp_words_stage stage;
    struct sp_requantise q;
    uint32_t max;
    size_t steps; /* of a group */
    uint32_t runs[RUNS + 1], first[2 * GROUPS], seconds[GROUPS];
    struct sp_words_taps taps[RUNS];
    struct sp_words_step list[GROUPS * STEPS];
    _Alignas(64) int8_t tables[GROUPS * STEPS][SP_WORDS_GROUP][4];
    int32_t bias[OUTPUTS];
    uint32_t multipliers[GROUPS];
    uint8_t shifts[GROUPS];
    uint8_t *scratch; /* the pixels, then the winners */
};

#define OUT           ((size_t)SLOTS * SP_WORDS_TWO)
#define SCRATCH_BYTES (OUT + (size_t)POSITIONS * GROUPS / 4 * SP_WORDS_WINDOW)

static size_t slot_of(size_t run, size_t group, size_t step)
{
    return (run * GROUPS + group) * STEPS + step;
}

static uint8_t *pixels(const struct made *m, size_t run, size_t group, size_t step, size_t word)
{
    return m->scratch + slot_of(run, group, step) * SP_WORDS_TWO + 2 * word;
}

static void set_weights(struct made *m, size_t group, size_t step, size_t output, int8_t a,
                        int8_t b)
{
    int8_t *w = m->tables[group * m->steps + step][output];
    w[0] = w[2] = a;
    w[1] = w[3] = b;
}

/* A stage whose weights and biases are 0. */
static struct made *new_stage(size_t groups, size_t steps, uint32_t max)
{
    struct made *m = aligned_alloc(64, (sizeof(*m) + 63) / 64 * 64);
    ck_assert_ptr_nonnull(m);
    memset(m, 0, sizeof(*m));
    m->loader.model = &m->model;
    m->steps = steps;
    m->max = max;
    m->scratch = guard_new(SCRATCH_BYTES);
    memset(m->scratch, 0, SCRATCH_BYTES);
    m->stage = (struct sp_words_stage){.positions = POSITIONS,
                                       .groups = groups,
                                       .pool = POOL,
                                       .window = 2,
                                       .all_taps = 1,
                                       .whole = true,
                                       .runs = m->runs,
                                       .taps = m->taps,
                                       .first = m->first,
                                       .steps = m->list,
                                       .seconds = m->seconds,
                                       .tables = &m->tables[0][0][0],
                                       .bias = m->bias,
                                       .out = OUT,
                                       .finish = SP_WORDS_WINNERS,
                                       .block = 8,
                                       .winners = 1,
                                       .rank_shift = 3};
    for (size_t i = 0; i < RUNS; i++) {
        m->runs[i] = (uint32_t)i;
        m->taps[i] = (struct sp_words_taps){
            .input = (int32_t)(slot_of(i, 0, 0) * SP_WORDS_TWO), .count = 1, .window = 2};
    }
    m->runs[RUNS] = RUNS;
    for (size_t g = 0; g < groups; g++) {
        m->first[2 * g] = (uint32_t)(g * steps);
        m->first[2 * g + 1] = (uint32_t)((g + 1) * steps);
        for (size_t j = 0; j < steps; j++)
            m->list[g * steps + j] =
                (struct sp_words_step){(uint32_t)(slot_of(0, g, j) * SP_WORDS_TWO),
                                       (uint32_t)((g * steps + j) * sizeof(m->tables[0]))};
    }
    return m;
}

static void set_scales(struct made *m, uint32_t multiplier)
{
    for (size_t g = 0; g < m->stage.groups; g++) {
        m->multipliers[g] = multiplier;
        m->shifts[g] = 15;
    }
    m->q = (struct sp_requantise){
        .multipliers = m->multipliers, .shifts = m->shifts, .share = 8, .max_value = 127};
    ck_assert_int_eq(sp_words_scales(&m->loader, &m->q, m->stage.groups * 8, INT32_MAX, &m->stage),
                     0);
    ck_assert_int_eq(m->stage.width, SP_WORDS_MULHRS);
}

static void free_stage(struct made *m)
{
    guard_free(m->scratch, SCRATCH_BYTES);
    sp_region_done(&m->model.region);
    free(m);
}

static bool is_short(struct made *m)
{
    return sp_words_short(&m->stage, m->max, m->list, m->seconds);
}

/* ---- the kernels against plain C ---- */

static int32_t pooled(const struct made *m, size_t word, size_t position, size_t output)
{
    size_t group = output / 8;
    int32_t best = INT32_MIN;
    for (size_t run = position * POOL; run < (position + 1) * POOL; run++) {
        int32_t sum = m->bias[output];
        for (size_t j = 0; j < m->steps; j++) {
            const uint8_t *x = pixels(m, run, group, j, word);
            const int8_t *w = m->tables[group * m->steps + j][output % 8];
            sum += x[0] * w[0] + x[1] * w[1];
        }
        best = sum > best ? sum : best;
    }
    return best;
}

/* Compares all winners; returns how many sums were beyond 16 bits. */
static size_t check_kernel(const struct made *m, const struct sp_words_kernels *k, uint64_t seed)
{
    const struct sp_words_stage *s = &m->stage;
    const struct sp_block_winners b = {.block = 8, .winners = 1, .rank_shift = 3, .q = m->q};
    size_t channels = s->groups * 8, beyond = 0;
    k->stage(s, m->scratch);
    for (size_t word = 0; word < SP_WORDS; word++)
        for (size_t p = 0; p < POSITIONS; p++) {
            int32_t sums[OUTPUTS];
            uint8_t want[OUTPUTS], got[OUTPUTS] = {0};
            for (size_t o = 0; o < channels; o++) {
                sums[o] = pooled(m, word, p, o);
                beyond += sums[o] > INT16_MAX || sums[o] < INT16_MIN;
            }
            sp_block_winners__scalar(&b, sums, 1, channels, want);
            for (size_t g = 0; g < s->groups; g++) {
                const uint8_t *at =
                    m->scratch + OUT + (p * s->groups + g) / 4 * SP_WORDS_WINDOW +
                    sp_words_winner_at(&(struct sp_words_form){.halves = true}, word, g % 4);
                ck_assert_uint_eq(at[0] / 8, g % 4);
                got[g / 4 * 32 + at[0]] = at[SP_WORDS_QUAD];
            }
            for (size_t c = 0; c < channels; c++)
                inputs_expect(got[c] == want[c],
                              "seed %llu word %zu position %zu channel %zu: %u, not %u",
                              (unsigned long long)seed, word, p, c, got[c], want[c]);
        }
    return beyond;
}

/* Each word at each position goes to the bound of one output of each group, up or down, or up in
 * some steps and down in others, or is random. */
static void fill_pixels(uint64_t *r, struct made *m)
{
    for (size_t run = 0; run < RUNS; run++)
        for (size_t word = 0; word < SP_WORDS; word++) {
            uint32_t kind = guard_random(r, 4), output = guard_random(r, 8);
            for (size_t g = 0; g < m->stage.groups; g++)
                for (size_t j = 0; j < m->steps; j++) {
                    bool up = kind == 3 ? guard_random(r, 2) == 0 : kind == 0;
                    for (size_t i = 0; i < 2; i++) {
                        int8_t w = m->tables[g * m->steps + j][output][i];
                        pixels(m, run, g, j, word)[i] =
                            (uint8_t)(kind == 2       ? guard_random(r, m->max + 1)
                                      : (w > 0) == up ? m->max
                                                      : 0);
                    }
                }
        }
}

static bool have_short(struct sp_kernels *kernels)
{
    return sp_kernels_select("avx2", kernels) && kernels->words->image_of_twos != NULL;
}

static int8_t random_weight(uint64_t *r, uint32_t most, int32_t sign)
{
    int32_t w = (int32_t)guard_random(r, most + 1);
    bool negative = sign == 0 ? guard_random(r, 2) == 0 : sign < 0;
    return (int8_t)(negative ? -w : w);
}

/* Weights that use the 16 bits up, or pass them, in one output of a group; in each other group all
 * of a step's have one sign. Which stages are short is the loader's word. */
static void random_stage(uint64_t *r, struct made *m)
{
    uint32_t room = (uint32_t)(2 * INT16_MAX / 127 / (int)m->steps), size = room * 5 / 4;
    for (size_t g = 0; g < m->stage.groups; g++) {
        size_t large = guard_random(r, 9); /* the output that may pass; 8: none */
        for (size_t j = 0; j < m->steps; j++) {
            int32_t sign = (int32_t)guard_random(r, 2) * 2 - 1;
            for (size_t o = 0; o < 8; o++) {
                uint32_t most = o == large ? size : size * (1 + guard_random(r, 3)) / 4;
                most = most > 126 ? 126 : most;
                int32_t own = o == large && g % 2 == 1 ? sign : 0;
                int8_t first = random_weight(r, most, own), other = random_weight(r, most, own);
                set_weights(m, g, j, o, first, other);
            }
        }
        for (size_t o = 0; o < 8; o++)
            m->bias[g * 8 + o] = (int32_t)guard_random(r, 6001) - 3000;
    }
}

START_TEST(short_sums_are_plain_c)
{
    struct sp_kernels kernels;
    size_t taken = 0, beyond = 0, parts = 0;
    if (!have_short(&kernels))
        return;
    for (uint64_t seed = 1; seed <= suite_rounds(150); seed++) {
        uint64_t r = seed;
        size_t groups = 4 * (1 + guard_random(&r, 2)), steps = 1 + guard_random(&r, STEPS);
        struct made *m = new_stage(groups, steps, 127);
        random_stage(&r, m);
        set_scales(m, 128 + guard_random(&r, 1000));
        if (is_short(m)) {
            taken++;
            for (size_t g = 0; g < m->stage.groups; g++)
                parts += m->first[2 * g + 1] - m->seconds[g] > 1;
            fill_pixels(&r, m);
            beyond += check_kernel(m, kernels.words, seed);
        }
        free_stage(m);
    }
    ck_assert_uint_gt(taken, 0);
    ck_assert_uint_gt(parts, 0);
    ck_assert_uint_gt(beyond, 0);
}
END_TEST

/* ---- at the bound ---- */

/* One step whose output 0 reaches `high`, output 1 `next`, and output 2 `low`; all others 0. */
static struct made *at_bound(int32_t high, int32_t next, int32_t low)
{
    struct made *m = new_stage(4, 1, 127);
    const int32_t most = 2 * 127 * 127;
    for (size_t g = 0; g < 4; g++) {
        set_weights(m, g, 0, 0, 127, 127);
        set_weights(m, g, 0, 1, 127, 127);
        set_weights(m, g, 0, 2, -127, -127);
        m->bias[8 * g] = high - most;
        m->bias[8 * g + 1] = next - most;
        m->bias[8 * g + 2] = low + most;
    }
    set_scales(m, 128);
    return m;
}

static void check_bound(int32_t high, int32_t next, int32_t low, bool want)
{
    struct made *m = at_bound(high, next, low);
    struct sp_kernels kernels;
    ck_assert_msg(is_short(m) == want, "%d, %d, %d", high, next, low);
    uint64_t r = 1;
    fill_pixels(&r, m);
    if (want && have_short(&kernels))
        check_kernel(m, kernels.words, 0);
    free_stage(m);
}

START_TEST(short_is_up_to_the_last_number)
{
    check_bound(32767, 32767, -32768, true);
    check_bound(32768, 100, -32768, true); /* saturates, alone */
    check_bound(32768, 32759, -32768, true);
    check_bound(32768, 32760, -32768, false); /* of one rank with what saturated */
    check_bound(32768, 32768, -32768, false);
    check_bound(40000, 100, -40000, true);
}
END_TEST

/* Two steps of two products at their largest, and a bias: the first part is one of them. */
static void check_parts(int32_t bias, bool want)
{
    struct made *m = new_stage(4, 2, 127);
    struct sp_kernels kernels;
    for (size_t g = 0; g < 4; g++) {
        for (size_t j = 0; j < 2; j++)
            set_weights(m, g, j, 5, 127, 127);
        m->bias[8 * g + 5] = bias;
    }
    set_scales(m, 128);
    ck_assert_msg(is_short(m) == want, "%d", bias);
    uint64_t r = 2;
    fill_pixels(&r, m);
    if (want && have_short(&kernels))
        ck_assert((check_kernel(m, kernels.words, 0) > 0) == (bias > 0));
    free_stage(m);
}

START_TEST(a_part_is_short_up_to_the_last_number)
{
    check_parts(509, true);
    check_parts(510, false);
    check_parts(-32768, true);
    check_parts(-32769, false);
}
END_TEST

/* Three steps that the second part cannot do without, since each takes an output below 16 bits.
 * Output 3 starts from the lowest number as well; steps 1 and 2 bring it up to 0, and step 0 by
 * `more`. */
static void check_climb(int8_t more, bool want)
{
    struct made *m = new_stage(4, 3, 128);
    struct sp_kernels kernels;
    for (size_t g = 0; g < 4; g++) {
        for (size_t o = 0; o < 3; o++)
            set_weights(m, g, o, o, -1, 0);
        set_weights(m, g, 0, 3, more, -64);
        set_weights(m, g, 1, 3, 64, 64);
        set_weights(m, g, 2, 3, 64, 64);
        for (size_t o = 0; o < 4; o++)
            m->bias[8 * g + o] = INT16_MIN;
    }
    set_scales(m, 128);
    ck_assert_msg(is_short(m) == want, "%d", more);
    uint64_t r = 3;
    fill_pixels(&r, m);
    if (want && have_short(&kernels))
        ck_assert_uint_gt(check_kernel(m, kernels.words, 0), 0);
    free_stage(m);
}

START_TEST(a_second_part_does_not_climb_above_0)
{
    check_climb(0, true);
    check_climb(1, false);
}
END_TEST

START_TEST(other_stages_are_not_short)
{
    struct made *m = at_bound(100, 100, 100);
    struct sp_words_stage good = m->stage;
    ck_assert(is_short(m));
    m->stage.pool = 2;
    ck_assert(!is_short(m));
    m->stage = good;
    m->stage.winners = 2;
    ck_assert(!is_short(m));
    m->stage = good;
    m->stage.block = 16;
    ck_assert(!is_short(m));
    m->stage = good;
    m->stage.whole = false;
    ck_assert(!is_short(m));
    m->stage = good;
    m->stage.width = SP_WORDS_LOW;
    ck_assert(!is_short(m));
    m->stage = good;
    m->stage.finish = SP_WORDS_SUMS;
    ck_assert(!is_short(m));
    m->stage = good;
    m->first[1] = m->first[0]; /* a group without steps */
    ck_assert(!is_short(m));
    free_stage(m);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        short_sums_are_plain_c,
        short_is_up_to_the_last_number,
        a_part_is_short_up_to_the_last_number,
        a_second_part_does_not_climb_above_0,
        other_stages_are_not_short,
    };
    return suite_run("kernels-words-short", tests, sizeof(tests) / sizeof(tests[0]));
}
