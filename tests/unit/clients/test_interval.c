/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>

#include "clients/sparrow/interval.h"

/* R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3. */
START_TEST(wilson_known_values_agree)
{
    static const struct {
        size_t hits, count;
        double low, high;
    } cases[] = {
        {81, 263, 0.2553, 0.3662},
        {15, 148, 0.0624, 0.1605},
        {0, 20, 0.0000, 0.1611},
        {1, 29, 0.0061, 0.1718},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        double low, high;
        interval_wilson(cases[i].hits, cases[i].count, &low, &high);
        ck_assert_double_eq_tol(low, cases[i].low, 0.00006);
        ck_assert_double_eq_tol(high, cases[i].high, 0.00006);
    }
}
END_TEST

START_TEST(wilson_ends_stay_shares)
{
    double low, high;
    interval_wilson(0, 0, &low, &high);
    ck_assert_double_eq(low, 0);
    ck_assert_double_eq(high, 1);
    for (size_t count = 1; count < 50; count++) {
        for (size_t hits = 0; hits <= count; hits++) {
            double share = (double)hits / (double)count;
            interval_wilson(hits, count, &low, &high);
            ck_assert_msg(low >= 0 && low <= share && share <= high && high <= 1,
                          "%zu of %zu: %g to %g", hits, count, low, high);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("interval");
    TCase *tc = tcase_create("interval");
    tcase_add_test(tc, wilson_known_values_agree);
    tcase_add_test(tc, wilson_ends_stay_shares);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
