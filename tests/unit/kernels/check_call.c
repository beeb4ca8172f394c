/* check_call.c - a function that breaks its caller's registers is caught, one by one.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/kernels/call.h"
#include "tests/unit/suite.h"

#if defined(__x86_64__) || defined(__aarch64__)

/* Functions of one or two instructions, as no compiler would make them. */
#define BREAK(name, code)                                                                          \
    void name(void);                                                                               \
    __asm__(".text\n.globl " #name "\n" #name ":\n" code "\n ret\n")
#ifdef __x86_64__
BREAK(breaks_rbx, "inc %rbx");
BREAK(breaks_rbp, "inc %rbp");
BREAK(breaks_r12, "inc %r12");
BREAK(breaks_r13, "inc %r13");
BREAK(breaks_r14, "inc %r14");
BREAK(breaks_r15, "inc %r15");
BREAK(breaks_rounding, "push $0x7f80\n ldmxcsr (%rsp)\n pop %rax");
BREAK(breaks_x87, "push $0x27f\n fldcw (%rsp)\n pop %rax");
BREAK(leaves_x87_full, "fld1");
BREAK(leaves_mmx, "pxor %mm0, %mm0");
BREAK(leaves_direction, "std");
static void (*const broken[])(void) = {
    breaks_rbx,      breaks_rbp, breaks_r12,      breaks_r13, breaks_r14,       breaks_r15,
    breaks_rounding, breaks_x87, leaves_x87_full, leaves_mmx, leaves_direction,
};
#else
BREAK(breaks_x19, "mov x19, #1");
BREAK(breaks_x28, "mov x28, #1");
BREAK(breaks_x29, "mov x29, #1");
BREAK(breaks_d8, "fmov d8, #1.0");
BREAK(breaks_d15, "fmov d15, #1.0");
BREAK(breaks_rounding, "mov x9, #0x400000\n msr fpcr, x9");
static void (*const broken[])(void) = {
    breaks_x19, breaks_x28, breaks_x29, breaks_d8, breaks_d15, breaks_rounding,
};
#endif

/* Each loop is a process of its own, whose failure is what is asked for. */
START_TEST(call_catches_what_is_broken)
{
    call_words("broken", broken[_i], (const uintptr_t[CALL_ARGUMENTS]){0});
}
END_TEST

static uintptr_t seen[6];

static void take_six(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, uintptr_t f)
{
    uintptr_t all[] = {a, b, c, d, e, f};
    for (size_t i = 0; i < 6; i++)
        seen[i] = all[i];
}

START_TEST(call_hands_arguments_on)
{
    CALL("take_six", take_six, 11, 12, 13, 14, 15, 16);
    for (size_t i = 0; i < 6; i++)
        ck_assert_uint_eq(seen[i], 11 + i);
}
END_TEST

int main(void)
{
    size_t count = sizeof(broken) / sizeof(broken[0]);
    TCase *good = tcase_create("good"), *bad = tcase_create("bad");
    tcase_add_test(good, call_hands_arguments_on);
    tcase_add_loop_test(bad, call_catches_what_is_broken, 0, (int)count);
    Suite *suite = suite_create("call");
    suite_add_tcase(suite, good);
    suite_add_tcase(suite, bad);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_FORK);
    srunner_run_all(runner, CK_SILENT);
    TestResult **results = srunner_results(runner);
    size_t caught = 0, handed = 0;
    for (int i = 0; i < srunner_ntests_run(runner); i++) {
        bool passed = tr_rtype(results[i]) == CK_PASS;
        if (strcmp(tr_tcname(results[i]), "good") == 0)
            handed += passed;
        else if (tr_rtype(results[i]) == CK_FAILURE)
            caught++;
        else
            printf("not caught: %zu: %s\n", (size_t)i - 1, tr_msg(results[i]));
    }
    printf("%zu of %zu broken functions caught\n", caught, count);
    free(results);
    srunner_free(runner);
    return caught == count && handed == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#else
int main(void)
{
    return 77;
}
#endif
