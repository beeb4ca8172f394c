/* run.h - the main of a Check suite with one case.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_AUDIO_RUN_H
#define TEST_AUDIO_RUN_H

#include <check.h>
#include <stdlib.h>

static inline int run_tests(const char *name, const TTest *const *tests, size_t count, SFun setup,
                            SFun teardown)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 120); /* the sanitizers are slow */
    if (setup != NULL)
        tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define RUN_TESTS_WITH(name, tests, setup, teardown)                                               \
    run_tests(name, tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)
#define RUN_TESTS(name, tests) RUN_TESTS_WITH(name, tests, NULL, NULL)

#endif
