/* steps.c - stages that are nothing but steps and ends, the least time of many.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine/steps.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "bench/engine/measure.h"
#include "bench/engine/weights.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/words.h"

#define FEW       8 /* steps of eight outputs */
#define MANY      24
#define POSITIONS 16
#define WINDOWS   4 /* of a position: different steps read different windows */
#define GROUPS    4 /* of eight outputs, of words */
#define BLOCKS    8 /* the same of lanes: two registers' at 4 positions */
#define SAMPLES   3000

/* Bytes of 0 .. below - 1; what they are changes no time. */
static uint8_t *some(size_t n, uint32_t below)
{
    uint8_t *bytes = weights_memory(n, 1);
    uint32_t x = 1;
    for (size_t i = 0; i < n; i++, x = x * 1664525 + 1013904223)
        bytes[i] = (uint8_t)((x >> 16) % below);
    return bytes;
}

/* ---- sixteen words ---- */

static void words_steps(struct sp_words_stage *s, size_t steps, uint32_t *first,
                        struct sp_words_step *list)
{
    size_t table = SP_WORDS_GROUP * s->window;
    for (size_t g = 0; g < GROUPS; g++) {
        first[2 * g] = (uint32_t)(g * steps);
        first[2 * g + 1] = (uint32_t)((g + 1) * steps);
    }
    for (size_t i = 0; i < GROUPS * steps; i++)
        list[i] = (struct sp_words_step){
            .input = (uint32_t)(i % WINDOWS * (s->window == 4 ? SP_WORDS_QUAD : SP_WORDS_WINDOW)),
            .table = (uint32_t)(i * table)};
}

/* One list for each group: its steps, all of them in pairs or none. */
static void words_lists(const struct sp_words_stage *s, size_t steps, bool pairs, size_t distance,
                        struct sp_words_list *lists, struct sp_words_listed *listed)
{
    for (size_t g = 0; g < GROUPS; g++)
        lists[g] = (struct sp_words_list){.end = POSITIONS,
                                          .first = (uint32_t)(g * steps),
                                          .pairs = (uint32_t)((g + pairs) * steps),
                                          .last = (uint32_t)((g + 1) * steps),
                                          .distance = {(int32_t)distance}};
    for (size_t i = 0; i < GROUPS * steps; i++)
        listed[i] = (struct sp_words_listed){.input = (int32_t)s->steps[i].input,
                                             .table = s->steps[i].table};
}

/* Least ns of a stage with so many steps for each group at each position. */
static double words_time(const struct sp_words_kernels *k, size_t window, size_t steps, bool pairs)
{
    struct sp_words_form in = {.positions = POSITIONS, .window = window, .windows = WINDOWS};
    uint32_t runs[POSITIONS + 1], first[2 * GROUPS];
    struct sp_words_taps taps[POSITIONS];
    struct sp_words_step list[GROUPS * MANY];
    struct sp_words_list lists[GROUPS];
    struct sp_words_listed listed[GROUPS * MANY];
    uint32_t list_of[GROUPS + 1];
    int32_t bias[GROUPS * SP_WORDS_GROUP] = {0};
    _Alignas(16) int16_t multipliers[GROUPS * 16];
    struct sp_words_stage s = {.positions = POSITIONS,
                               .groups = GROUPS,
                               .pool = 1,
                               .window = window,
                               .all_taps = 1,
                               .runs = runs,
                               .taps = taps,
                               .first = first,
                               .steps = list,
                               .lists = lists,
                               .list_of = list_of,
                               .listed = listed,
                               .bias = bias,
                               .out = sp_words_bytes(&in),
                               .finish = SP_WORDS_WINNERS,
                               .block = 8,
                               .winners = window == 32 ? 1 : 2,
                               .rank_shift = 3,
                               .max_value = 127,
                               .width = SP_WORDS_MULHRS,
                               .multipliers = multipliers};
    for (size_t i = 0; i < GROUPS * 16; i++)
        multipliers[i] = 200;
    for (uint32_t p = 0; p <= POSITIONS; p++)
        runs[p] = p;
    for (size_t p = 0; p < POSITIONS; p++)
        taps[p] = (struct sp_words_taps){.input = (int32_t)(p * sp_words_position_bytes(&in)),
                                         .count = 1,
                                         .window = (uint16_t)window};
    for (uint32_t g = 0; g <= GROUPS; g++)
        list_of[g] = g;
    words_steps(&s, steps, first, list);
    words_lists(&s, steps, pairs, sp_words_position_bytes(&in), lists, listed);
    uint8_t *tables = some(GROUPS * steps * SP_WORDS_GROUP * window, 100);
    uint8_t *scratch = some(s.out + POSITIONS * GROUPS * SP_WORDS_WINDOW, window == 32 ? 32 : 16);
    s.tables = (const int8_t *)tables;
    double least = 1e18;
    for (size_t i = 0; i < SAMPLES; i++) {
        double before = measure_now_ns();
        k->stage(&s, scratch);
        double took = measure_now_ns() - before;
        least = took < least ? took : least;
    }
    free(tables);
    free(scratch);
    return least;
}

/* ---- one word ---- */

static double lanes_time(const struct sp_lanes_kernels *k, size_t lanes, size_t steps)
{
    struct sp_lanes_form f = {.width = lanes, .windows = WINDOWS};
    struct sp_lanes_block blocks[BLOCKS + 1] = {{0}};
    struct sp_lanes_step list[BLOCKS * MANY];
    struct sp_lanes_scale scales[BLOCKS];
    size_t form = 4 * sp_lanes_words(&f, false), row = 4 * sp_lanes_row(lanes, false);
    uint8_t *tables = some(BLOCKS * steps * SP_LANES_BLOCK * SP_LANES_WINDOW, 100);
    uint8_t *scratch = some(2 * form, 16);
    for (size_t g = 0; g <= BLOCKS; g++) {
        blocks[g].first = (uint32_t)(g * steps);
        blocks[g].twos = (uint32_t)(steps / 2);
    }
    for (size_t i = 0; i < BLOCKS * steps; i++) {
        size_t at = sp_lanes_at(&f, false, i % WINDOWS, false) - 4 * (i % 3);
        list[i] = (struct sp_lanes_step){(uint32_t)at, (uint32_t)(at + row)};
    }
    for (size_t g = 0; g < BLOCKS; g++)
        scales[g] = (struct sp_lanes_scale){
            .top = 20000, .multiplier = 200u << 16 | 200, .half = 1 << 14, .shift = 15};
    struct sp_lanes_stage s = {.width = lanes,
                               .blocks = BLOCKS,
                               .lanes = lanes,
                               .block = blocks,
                               .steps = list,
                               .weights = (const int8_t *)tables,
                               .scales = scales,
                               .short_sums = true,
                               .rank_shift = 3,
                               .winners = 2,
                               .max_value = 127,
                               .whole = form,
                               .split = SIZE_MAX};
    double least = 1e18;
    for (size_t i = 0; i < SAMPLES; i++) {
        double before = measure_now_ns();
        for (size_t j = 0; j < POSITIONS; j++)
            k->stage(&s, scratch);
        double took = (measure_now_ns() - before) / POSITIONS;
        least = took < least ? took : least;
    }
    free(tables);
    free(scratch);
    return least;
}

/* ---- both ---- */

/* From two times of `ends` times so many steps and an end. */
static struct steps_result solved(const char *what, double few, double many, double ends,
                                  double ghz)
{
    double step = (many - few) / (MANY - FEW) / ends * ghz;
    return (struct steps_result){what, step, few / ends * ghz - FEW * step};
}

size_t steps_measure(const struct sp_kernels *kernels, double ghz,
                     struct steps_result ret_results[STEPS_MOST])
{
    static const struct {
        const char *what;
        size_t size;
        bool pairs;
    } words[] = {{"16 words, quads", 4, false},
                 {"16 words, windows of 16", 16, false},
                 {"16 words, windows of 32", 32, false},
                 {"16 words, quads in pairs", 4, true},
                 {"16 words, windows of 16 in pairs", 16, true},
                 {"16 words, windows of 32 in pairs", 32, true}},
      lanes[] = {{"16 positions", 16, false}, {"8 positions", 8, false}, {"4 positions", 4, false}};
    size_t count = 0;
    for (size_t i = 0; kernels->words != NULL && i < (kernels->words->pairs ? 6 : 3); i++)
        ret_results[count++] =
            solved(words[i].what, words_time(kernels->words, words[i].size, FEW, words[i].pairs),
                   words_time(kernels->words, words[i].size, MANY, words[i].pairs),
                   POSITIONS * GROUPS, ghz);
    for (size_t i = 0; kernels->lanes != NULL && i < 3; i++)
        ret_results[count++] = solved(lanes[i].what, lanes_time(kernels->lanes, lanes[i].size, FEW),
                                      lanes_time(kernels->lanes, lanes[i].size, MANY), BLOCKS, ghz);
    return count;
}
