/* generate.h - what the files of the program `generate` share. All of them write to stdout.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_GENERATE_H
#define BENCH_GENERATE_H

#include "engine/model/words.h"

/* generate.c: an array NAME_STAGE. Lists of indices (uint32_t) are constants to the compiler, other
 * numbers only have a known place. */
void generate_numbers(const char *type, const char *name, size_t stage, const void *from,
                      size_t count, int bytes);

/* generate_words.c, generate_one.c: functions run_0 ..., or the kernel alone. They return the
 * number of stages; 0: these kernels do not run this model. */
size_t generate_words(const struct sparrow_model *m, const char *form);
size_t generate_one(const struct sparrow_model *m, const char *form);

/* ---- generate_rows.c: the steps of a group of outputs at positions in a row ---- */

#define GENERATE_ROWS 4096 /* most steps of a stage */

struct generate_row {
    size_t step;
    long base, stride; /* it reads at base + p * stride in the scratch */
    bool taken;
};

size_t generate_steps(const struct sp_words_stage *s); /* all of a stage */

/* The steps of a group that position p reads, by tap. Returns how many. */
size_t generate_rows(const struct sp_words_stage *s, size_t group, size_t p,
                     struct generate_row *ret_rows);

/* The first position behind p whose steps are others. */
size_t generate_rows_end(const struct sp_words_stage *s, size_t group, size_t p);

/* The step behind rows[i], not taken yet, for the most of whose outputs the products of both add up
 * in 16 bits whatever wins; max: the largest value of an input. *ret_fits: those outputs, a bit
 * each. i itself if there is none. */
size_t generate_partner(const struct sp_words_stage *s, const struct generate_row *rows, size_t i,
                        size_t n, int max, unsigned *ret_fits);

#endif
