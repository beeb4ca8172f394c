/* test_wheel.c - deadlines come neither early nor more than a tick late, whatever is moved in
 * between.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http1/wheel.h"

START_TEST(due_comes_in_time)
{
    static const uint64_t waits[] = {0, 1, 49, 50, 51, 999, 12800, 12850, 30000, 75000, 3600000};
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        struct wheel w;
        struct wheel_entry e = {0};
        uint64_t start = 123456789, now = start;
        wheel_init(&w, start);
        wheel_set(&w, &e, start + waits[i]);
        while (wheel_due(&w, now) == NULL)
            now += 10;
        ck_assert_uint_ge(now, start + waits[i]);
        ck_assert_uint_le(now, start + waits[i] + WHEEL_TICK_MS + 10);
        ck_assert_ptr_null(wheel_due(&w, now + 100000));
    }
}
END_TEST

START_TEST(moved_and_cleared_entries_follow)
{
    enum { N = 500 };
    struct wheel w;
    static struct wheel_entry e[N];
    static uint64_t due[N];
    memset(e, 0, sizeof e);
    unsigned seed = 7, fired = 0, cleared = 0;
    wheel_init(&w, 0);
    for (int i = 0; i < N; i++)
        wheel_set(&w, &e[i], due[i] = 1 + (unsigned)rand_r(&seed) % 40000);
    for (uint64_t now = 0; now < 90000; now += 7) {
        int i = rand_r(&seed) % N;
        if (e[i].next && now % 3 == 0) {
            wheel_set(&w, &e[i], due[i] = now + 1 + (unsigned)rand_r(&seed) % 40000);
        } else if (e[i].next && now % 50 == 0) {
            wheel_clear(&e[i]);
            cleared++;
        }
        struct wheel_entry *d;
        while ((d = wheel_due(&w, now))) {
            long k = d - e;
            fired++;
            ck_assert_uint_ge(now, due[k]);
            ck_assert_uint_le(now, due[k] + WHEEL_TICK_MS + 7);
        }
    }
    while (wheel_due(&w, 10000000))
        fired++;
    ck_assert_uint_eq(fired + cleared, N);
}
END_TEST

START_TEST(never_does_not_come_and_can_be_set_again)
{
    struct wheel w;
    struct wheel_entry e = {0};
    wheel_init(&w, 0);
    wheel_set(&w, &e, WHEEL_NEVER);
    ck_assert_ptr_null(wheel_due(&w, 1000000));
    wheel_set(&w, &e, 1000100);
    ck_assert_ptr_eq(wheel_due(&w, 1000200), &e);
    wheel_set(&w, &e, 1000300);
    ck_assert_ptr_eq(wheel_due(&w, 1000400), &e);
}
END_TEST

START_TEST(after_a_stall_everything_due_comes_at_once)
{
    struct wheel w;
    struct wheel_entry e[3] = {0};
    wheel_init(&w, 0);
    wheel_set(&w, &e[0], 100);
    wheel_set(&w, &e[1], 20000);
    wheel_set(&w, &e[2], 90000);
    int n = 0;
    while (wheel_due(&w, 50000))
        n++;
    ck_assert_int_eq(n, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wheel");
    TCase *tests = tcase_create("wheel");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, due_comes_in_time);
    tcase_add_test(tests, moved_and_cleared_entries_follow);
    tcase_add_test(tests, never_does_not_come_and_can_be_set_again);
    tcase_add_test(tests, after_a_stall_everything_due_comes_at_once);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
