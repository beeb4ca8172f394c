/* test_pace.c - how much of a lane may go into refusals, and what one is taken to cost.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <time.h>

#include "tests/unit/schedule/fixture.h"

#define PASSED_US 17600u /* 1,100 for a sixteenth, 1,600 for an eleventh */
#define READ_US   30.0   /* until it is measured */

/* What a lane may spend that began its last turn PASSED_US ago and let so many in during it. */
static double credit_after(struct fixture *f, unsigned promised)
{
    struct pace *p = &f->schedule->pace;
    uint64_t now_us = lane_clock_us();
    pace_init(p);
    p->turn_us = now_us - PASSED_US;
    p->credit_us = 0;
    p->read = p->promised = promised;
    p->busy_us = 0; /* nothing is learned from this turn */
    pace_work_begins(f->schedule, now_us);
    return p->credit_us;
}

START_TEST(credit_is_what_reading_leaves_of_an_eleventh_and_a_sixteenth_at_least)
{
    struct fixture f;
    fixture_open(&f, NULL);
    ck_assert_double_eq_tol(credit_after(&f, 0), 1600, 0.01);
    ck_assert_double_eq_tol(credit_after(&f, 3), 1600 - 3 * READ_US, 0.01); /* words are long */
    ck_assert_double_eq_tol(credit_after(&f, 16), 1600 - 16 * READ_US, 0.01);
    ck_assert_double_eq_tol(credit_after(&f, 17), 1100, 0.01);
    ck_assert_double_eq_tol(credit_after(&f, 500), 1100, 0.01); /* as short as reading them */
    fixture_close(&f);
}
END_TEST

static uint64_t busy_us(void)
{
    struct timespec busy;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &busy);
    return (uint64_t)busy.tv_sec * 1000000u + (uint64_t)busy.tv_nsec / 1000u;
}

/* The lane was busy for so long with so many requests; returns the price of one, then. */
static double price_after(struct fixture *f, unsigned read, uint64_t us)
{
    struct pace *p = &f->schedule->pace;
    while (busy_us() <= us) /* there must have been so much time */
        ;
    p->turn_us = lane_clock_us();
    p->read = read;
    p->busy_us = busy_us() - us;
    pace_work_begins(f->schedule, lane_clock_us());
    return p->read_us;
}

START_TEST(price_is_learned_by_how_many_paid_it)
{
    struct fixture f;
    fixture_open(&f, NULL);
    pace_init(&f.schedule->pace);
    double one = price_after(&f, 1, 100); /* a lonely request paid for all that a turn costs */
    ck_assert_double_gt(one, READ_US);
    ck_assert_double_lt(one, 1.3 * READ_US);
    pace_init(&f.schedule->pace);
    double many = price_after(&f, 200, 200 * 10);
    ck_assert_double_lt(many, 0.5 * READ_US);
    pace_init(&f.schedule->pace);
    double hiccup = price_after(&f, 1, 20000);
    ck_assert_double_lt(hiccup, 1.3 * READ_US);
    fixture_close(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pace");
    TCase *tc = tcase_create("pace");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, credit_is_what_reading_leaves_of_an_eleventh_and_a_sixteenth_at_least);
    tcase_add_test(tc, price_is_learned_by_how_many_paid_it);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
