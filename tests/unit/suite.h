/* suite.h - one Check suite from a list of tests, and how long they try.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SUITE_H
#define SUITE_H

#include <check.h>
#include <stdint.h>
#include <stdlib.h>

/* How many of `rounds` are to be run: all, or the share that TEST_ROUNDS_PERCENT says; never none.
 */
static inline uint64_t suite_rounds(uint64_t rounds)
{
    const char *percent = getenv("TEST_ROUNDS_PERCENT");
    if (percent != NULL)
        rounds = rounds * strtoul(percent, NULL, 10) / 100;
    return rounds > 0 ? rounds : 1;
}

/* Runs `count` tests as the suite `name`; returns main()'s exit status. */
static inline int suite_run(const char *name, const TTest *const *tests, size_t count)
{
    TCase *tc = tcase_create(name);
    tcase_set_timeout(tc, 300);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tc, tests[i]);
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
