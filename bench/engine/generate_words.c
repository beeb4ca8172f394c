/* generate_words.c - sixteen words at once.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "bench/engine/generate.h"

#define POSITIONS_LIMIT 64 /* keys of all of them lie on the stack */

enum layout { LAYOUT_TABLES, LAYOUT_SEGMENTS, LAYOUT_PAIRS };

struct plan {
    enum layout layout;
    bool halves;  /* windows of 32 run from tables */
    int pair_max; /* the largest value of an input; 0: the kernels do not add in 16 bits */
};

/* ---- tables ---- */

static void print_words_scales(const struct sp_words_stage *s, size_t n)
{
    size_t count = s->finish == SP_WORDS_SUMS         ? 0
                   : s->finish == SP_WORDS_REQUANTISE ? s->groups * SP_WORDS_GROUP
                                                      : s->groups * SP_WORDS_GROUP / s->block;
    printf("static const struct sp_words_scale scales_%zu[] = {\n", n);
    for (size_t i = 0; i < count; i++)
        printf("    {%ld, %luu, %lluu, %luu},\n", (long)s->scales[i].limit,
               (unsigned long)s->scales[i].multiplier, (unsigned long long)s->scales[i].half,
               (unsigned long)s->scales[i].shift);
    puts("    {0}};");
    if (s->finish == SP_WORDS_WINNERS && s->width == SP_WORDS_MULHRS)
        generate_numbers("int16_t", "multipliers", n, s->multipliers,
                         s->groups * SP_WORDS_GROUP / (4 / s->winners * s->block) * 16, 2);
    else
        printf("DATA const int16_t multipliers_%zu[16] = {0};\n", n);
}

static size_t words_table_end(const struct sp_words_stage *s)
{
    size_t end = 0;
    for (size_t i = 0; i < generate_steps(s); i++)
        if (s->steps[i].table + SP_WORDS_GROUP * 32 > end)
            end = s->steps[i].table + SP_WORDS_GROUP * 32;
    return end; /* the packing has that much room */
}

static void print_lists(const struct sp_words_stage *s, size_t n)
{
    size_t chunks = (s->positions + SP_WORDS_CHUNK - 1) / SP_WORDS_CHUNK, last = 0;
    size_t count = s->lists == NULL ? 0 : s->list_of[s->groups * chunks];
    printf("static const struct sp_words_list lists_%zu[] = {\n", n);
    for (size_t i = 0; i < count; i++) {
        const struct sp_words_list *l = &s->lists[i];
        printf("    {%u, %u, %u, %u, %u, {%ld, %ld}},\n", l->begin, l->end, l->first, l->pairs,
               l->last, (long)l->distance[0], (long)l->distance[1]);
        last = l->last;
    }
    printf("    {0}};\nstatic const struct sp_words_listed listed_%zu[] = {\n", n);
    for (size_t i = 0; i < last; i++)
        printf("    {%ld, %u, %lu},\n", (long)s->listed[i].input, s->listed[i].distance,
               (unsigned long)s->listed[i].table);
    puts("    {0}};");
    if (s->lists != NULL)
        generate_numbers("uint32_t", "list_of", n, s->list_of, s->groups * chunks + 1, 4);
    else
        printf("static const uint32_t list_of_%zu[1];\n", n);
}

static void print_words_stage(const struct sp_words_stage *s, size_t n)
{
    size_t positions = s->positions * s->pool + 1;
    generate_numbers("uint32_t", "runs", n, s->runs, positions, 4);
    printf("static const struct sp_words_taps taps_%zu[] = {\n", n);
    for (size_t i = 0; i < s->runs[positions - 1]; i++)
        printf("    {%ld, %u, %u, %u},\n", (long)s->taps[i].input, s->taps[i].tap, s->taps[i].count,
               s->taps[i].window);
    puts("};");
    generate_numbers("uint32_t", "first", n, s->first, s->groups * (s->all_taps + 1), 4);
    generate_numbers("uint32_t", "seconds", n, s->window == 2 ? s->seconds : s->first, s->groups,
                     4);
    printf("static const struct sp_words_step steps_%zu[] = {\n", n);
    for (size_t i = 0; i < generate_steps(s); i++)
        printf("    {%lu, %lu},\n", (unsigned long)s->steps[i].input,
               (unsigned long)s->steps[i].table);
    puts("};");
    generate_numbers("int8_t", "tables", n, s->tables, words_table_end(s), 1);
    generate_numbers("int32_t", "bias", n, s->bias, s->groups * SP_WORDS_GROUP, 4);
    print_words_scales(s, n);
    print_lists(s, n);
    char lists_name[32] = "NULL";
    if (s->lists != NULL)
        snprintf(lists_name, sizeof(lists_name), "lists_%zu", n);
    printf("static const struct sp_words_stage stage_%zu = {.positions = %zu, .groups = %zu, "
           ".pool = %zu, .window = %zu, .all_taps = %zu, .runs = runs_%zu, .taps = taps_%zu, "
           ".whole = %d, .first = first_%zu, .steps = steps_%zu, .seconds = seconds_%zu, .tables = "
           "tables_%zu, .bias = bias_%zu, .out = %zu, .finish = %d, .block = %zu, .winners = %zu, "
           ".rank_shift = %u, .max_value = %u, "
           ".width = %d, .scales = scales_%zu, .multipliers = multipliers_%zu, .list_of = "
           "list_of_%zu, .listed = listed_%zu, .lists = %s};\n",
           n, s->positions, s->groups, s->pool, s->window, s->all_taps, n, n, s->whole, n, n, n, n,
           n, s->out, (int)s->finish, s->block, s->winners, s->rank_shift, s->max_value,
           (int)s->width, n, n, n, n, lists_name);
}

/* ---- steps in a row ---- */

static void print_step(const struct sp_words_stage *s, const struct generate_row *r)
{
    printf("by_%ld + (%ld), tables + %lu", r->stride, r->base,
           (unsigned long)s->steps[r->step].table);
}

/* One pointer for each distance of positions, so that all else is a constant. */
static void print_pointers(const struct generate_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool known = false;
        for (size_t j = 0; j < i; j++)
            known = known || rows[j].stride == rows[i].stride;
        if (!known)
            printf("        const uint8_t *by_%ld = at(scratch, p, %ld);\n", rows[i].stride,
                   rows[i].stride);
    }
}

/* The steps of a group at positions that read the same taps as p does. pair_max: the largest value
 * of an input; 0: every step for itself. */
static void print_rows(const struct sp_words_stage *s, size_t group, size_t p, int pair_max)
{
    struct generate_row rows[GENERATE_ROWS];
    size_t n = generate_rows(s, group, p, rows);
    print_pointers(rows, n);
    for (size_t i = 0; i < n; i++) {
        unsigned fits = 0;
        size_t other = i;
        if (rows[i].taken)
            continue;
        if (pair_max > 0)
            other = generate_partner(s, rows, i, n, pair_max, &fits);
        printf("        add_%sknown(&sums, ", other == i ? "" : "two_");
        print_step(s, &rows[i]);
        if (other != i) {
            rows[other].taken = true;
            printf(", ");
            print_step(s, &rows[other]);
            printf(", %#x", fits);
        }
        printf(", %zu);\n", s->window);
    }
}

static void print_keep(const struct sp_words_stage *s, size_t n, size_t g)
{
    size_t per_block = s->block / SP_WORDS_GROUP;
    printf(
        "        keep_best(&stage_%zu, &sums, (struct keying){%zu, %zu, %s}, key[p] + %zu);\n    "
        "}\n",
        n, s->winners, s->block - 1 - g % per_block * SP_WORDS_GROUP,
        g % per_block != 0 ? "true" : "false", g / per_block * s->winners);
}

static void print_group(const struct sp_words_stage *s, size_t n, size_t g, size_t group,
                        int pair_max)
{
    for (size_t begin = 0, end; begin < s->positions; begin = end) {
        end = generate_rows_end(s, group, begin);
        printf("    for (size_t p = %zu; p < %zu; p++) {\n", begin, end);
        printf("        struct sums sums = bias_of(&stage_%zu, %zu);\n", n, group);
        print_rows(s, group, begin, pair_max);
        print_keep(s, n, g);
    }
}

/* The groups of one window of the output, then what becomes of their keys. */
static void print_window(const struct sp_words_stage *s, size_t n, size_t window, int pair_max)
{
    size_t groups = 4 / s->winners * s->block / SP_WORDS_GROUP, windows = s->groups / groups;
    printf("INLINE void window_%zu_%zu(uint8_t *scratch)\n{\n    const int8_t *tables = "
           "tables_%zu;\n    vector key[%zu][4];\n",
           n, window, n, s->positions);
    for (size_t g = 0; g < groups; g++)
        print_group(s, n, g, window * groups + g, pair_max);
    printf("    for (size_t p = 0; p < %zu; p++)\n        store_winners(&stage_%zu, %zu, key[p], "
           "scratch + %zu + p * %zu, %zu, %zu);\n}\n",
           s->positions, n, window, s->out + window * SP_WORDS_WINDOW, windows * SP_WORDS_WINDOW,
           s->block, s->winners);
}

/* ---- functions ---- */

/* A layout that this stage has; the others run from tables. */
static enum layout layout_of(const struct sp_words_stage *s, const struct plan *plan)
{
    bool rows = s->finish == SP_WORDS_WINNERS && s->pool == 1 && s->window != 0 &&
                !(s->window == 32 && plan->halves) && s->positions <= POSITIONS_LIMIT &&
                generate_steps(s) <= GENERATE_ROWS;
    return rows ? plan->layout : LAYOUT_TABLES;
}

/* Registers with fewer lanes run the stage for one half of the words, then for the other. */
static void print_function(const struct sp_words_stage *s, size_t n, const struct plan *plan)
{
    enum layout layout = layout_of(s, plan);
    if (layout == LAYOUT_TABLES) {
        printf("FUNCTION void run_%zu(uint8_t *scratch)\n{\n    stage(&stage_%zu, scratch);\n}\n",
               n, n);
        return;
    }
    size_t windows = s->groups / (4 / s->winners * s->block / SP_WORDS_GROUP);
    int pair_max = layout == LAYOUT_PAIRS && s->window != 32 ? plan->pair_max : 0;
    for (size_t w = 0; w < windows; w++)
        print_window(s, n, w, pair_max);
    printf("FUNCTION void run_%zu(uint8_t *scratch)\n{\n    for (size_t lane = 0; lane < SP_WORDS; "
           "lane += LANES, scratch += 4 * LANES) {\n",
           n);
    for (size_t w = 0; w < windows; w++)
        printf("        window_%zu_%zu(scratch);\n", n, w);
    puts("    }\n}");
}

static struct plan plan_of(const struct sparrow_model *m, const char *form)
{
    struct plan plan = {.layout = strcmp(form, "tables") == 0     ? LAYOUT_TABLES
                                  : strcmp(form, "segments") == 0 ? LAYOUT_SEGMENTS
                                                                  : LAYOUT_PAIRS,
                        .halves = m->words->kernels->halves};
    for (size_t v = 0; m->words->kernels->pairs && v <= m->layer_count; v++)
        if (m->values[v].active && (int)m->values[v].max > plan.pair_max)
            plan.pair_max = (int)m->values[v].max;
    return plan;
}

size_t generate_words(const struct sparrow_model *m, const char *form)
{
    const struct sp_words_program *p = m->words;
    if (p == NULL)
        return 0;
    printf("#include \"kernels/cpu/%s/words.c\"\n", p->kernels->name);
    puts("#include \"bench/engine/generated.inc\"");
    if (strcmp(form, "kernel") == 0) {
        puts("EXPORT void (*const compiled_stage)(const struct sp_words_stage *, uint8_t *) = "
             "stage;");
        return p->stage_count;
    }
    struct plan plan = plan_of(m, form);
    for (size_t i = 0; i < p->stage_count; i++) {
        print_words_stage(&p->stages[i], i);
        print_function(&p->stages[i], i, &plan);
    }
    return p->stage_count;
}
