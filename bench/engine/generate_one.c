/* generate_one.c - one word alone: convolutions and winners on lanes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "bench/engine/generate.h"

static void print_lanes_lists(const struct sp_lanes_stage *s, size_t n)
{
    size_t steps = s->block[s->blocks].first;
    printf("static const struct sp_lanes_block block_%zu[] = {\n", n);
    for (size_t b = 0; b <= s->blocks; b++) {
        printf("    {%lu, %lu, {", (unsigned long)s->block[b].first,
               (unsigned long)s->block[b].twos);
        for (size_t o = 0; o < SP_LANES_BLOCK; o++)
            printf("%ld, ", (long)s->block[b].bias[o]);
        puts("}},");
    }
    printf("};\nstatic const struct sp_lanes_step steps_%zu[] = {\n", n);
    for (size_t i = 0; i < steps; i++)
        printf("    {%lu, %lu},\n", (unsigned long)s->steps[i].index,
               (unsigned long)s->steps[i].value);
    puts("};");
    generate_numbers("int8_t", "weights", n, s->weights,
                     steps * SP_LANES_BLOCK * (s->quads ? SP_LANES_QUAD : SP_LANES_WINDOW), 1);
    printf("static const _Alignas(64) struct sp_lanes_scale scales_%zu[] = {\n", n);
    for (size_t b = 0; b < s->blocks; b++)
        printf("    {%luu, %luu, %luu, %luu},\n", (unsigned long)s->scales[b].top,
               (unsigned long)s->scales[b].multiplier, (unsigned long)s->scales[b].half,
               (unsigned long)s->scales[b].shift);
    puts("};");
}

/* The stage of some of the blocks. */
static void print_lanes_stage(const struct sp_lanes_stage *s, size_t n, size_t block, size_t blocks)
{
    size_t window = block / 2;
    size_t whole =
        s->whole == SIZE_MAX ? s->whole : s->whole + 2 * window * 4 * sp_lanes_row(s->width, false);
    size_t split =
        s->split == SIZE_MAX ? s->split : s->split + 4 * window * 4 * sp_lanes_row(s->width, true);
    printf("static const struct sp_lanes_stage stage_%zu_%zu = {.width = %zu, .blocks = %zu, "
           ".lanes = %zu, .quads = %d, .block = block_%zu + %zu, .steps = steps_%zu, .weights = "
           "weights_%zu, .scales = scales_%zu + %zu, .short_sums = %d, .rank_shift = %u, .winners "
           "= %zu, .max_value = %u, .whole = %zuu, .split = %zuu};\n",
           n, block, s->width, blocks, s->lanes, s->quads, n, block, n, n, n, block, s->short_sums,
           s->rank_shift, s->winners, s->max_value, whole, split);
}

static void print_lanes_function(const struct sp_lanes_stage *s, size_t n, size_t set)
{
    print_lanes_lists(s, n);
    for (size_t b = 0; b < s->blocks; b += set)
        print_lanes_stage(s, n, b, s->blocks - b < set ? s->blocks - b : set);
    printf("FUNCTION void run_%zu(uint8_t *scratch)\n{\n", n);
    for (size_t b = 0; b < s->blocks; b += set)
        printf("    stage(&stage_%zu_%zu, scratch);\n", n, b);
    puts("}");
}

size_t generate_one(const struct sparrow_model *m, const char *form)
{
    const struct sp_lanes_kernels *k = m->kernels.lanes;
    if (k == NULL)
        return 0;
    bool wide = strcmp(k->name, "avx512") == 0, tables = strcmp(form, "tables") == 0;
    printf("#include \"kernels/cpu/%s/lanes.c\"\n", k->name);
    puts("#include \"bench/engine/generated.inc\"");
    if (strcmp(form, "kernel") == 0) {
        puts("EXPORT void (*const compiled_stage)(const struct sp_lanes_stage *, uint8_t *) = "
             "stage;");
        return m->run_count;
    }
    for (size_t i = 0; i < m->run_count; i++) {
        const struct sp_lanes_stage *s = m->runs[i].stage;
        if (s == NULL)
            printf("#define run_%zu NULL\n", i);
        else
            print_lanes_function(s, i, tables ? s->blocks : wide ? 2 * 16 / s->lanes : 2);
    }
    return m->run_count;
}
