/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "clients/sparrow/histogram.h"

static struct histogram *fresh(void)
{
    return calloc(1, sizeof(struct histogram));
}

START_TEST(quantile_of_nothing_is_zero)
{
    struct histogram *h = fresh();
    ck_assert_uint_eq(histogram_quantile(h, 0.5), 0);
    free(h);
}
END_TEST

START_TEST(quantile_small_values_are_exact)
{
    struct histogram *h = fresh();
    for (uint64_t v = 1; v <= 1000; v++)
        histogram_add(h, v);
    ck_assert_uint_eq(histogram_quantile(h, 0.5), 500);
    ck_assert_uint_eq(histogram_quantile(h, 0.99), 990);
    ck_assert_uint_eq(histogram_quantile(h, 0.999), 999);
    ck_assert_uint_eq(histogram_quantile(h, 1), 1000);
    ck_assert_uint_eq(histogram_quantile(h, 0), 1);
    free(h);
}
END_TEST

/* Every size of value comes back at most 1 part in 1024 too large, never too small. */
START_TEST(quantile_keeps_three_digits_at_every_size)
{
    struct histogram *h = fresh();
    for (unsigned bit = 0; bit < 45; bit++) {
        for (uint64_t tenth = 10; tenth < 20; tenth++) {
            uint64_t value = ((uint64_t)tenth << bit) / 10;
            memset(h, 0, sizeof(*h));
            histogram_add(h, value);
            h->max = UINT64_MAX; /* so that the bucket's own end shows */
            uint64_t got = histogram_quantile(h, 0.5);
            if (got == UINT64_MAX) { /* past the last bucket */
                ck_assert_msg(value >= (uint64_t)1 << 44, "%llu", (unsigned long long)value);
                continue;
            }
            ck_assert_msg(got >= value && got - value <= value / 1024, "%llu came back as %llu",
                          (unsigned long long)value, (unsigned long long)got);
        }
    }
    free(h);
}
END_TEST

START_TEST(quantile_never_passes_the_largest_value)
{
    struct histogram *h = fresh();
    histogram_add(h, 1000000001);
    ck_assert_uint_eq(histogram_quantile(h, 0.5), 1000000001);
    histogram_add(h, UINT64_MAX);
    ck_assert_uint_eq(histogram_quantile(h, 1), UINT64_MAX);
    ck_assert_uint_eq(h->count, 2);
    free(h);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("histogram");
    TCase *tc = tcase_create("histogram");
    tcase_add_test(tc, quantile_of_nothing_is_zero);
    tcase_add_test(tc, quantile_small_values_are_exact);
    tcase_add_test(tc, quantile_keeps_three_digits_at_every_size);
    tcase_add_test(tc, quantile_never_passes_the_largest_value);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
