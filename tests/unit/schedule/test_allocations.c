/* test_allocations.c - a steady state allocates nothing: every malloc, calloc and realloc of the
 * daemon's and the engine's objects is counted (-Wl,--wrap, engine linked statically) while
 * requests go through intake, schedule and replica.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "tests/unit/schedule/fixture.h"

#define WARM_UP  200u
#define MEASURED 500u

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_reallocarray(void *memory, size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size);

static atomic_uint allocations;

void *__wrap_malloc(size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_realloc(memory, size);
}

void *__wrap_reallocarray(void *memory, size_t count, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_reallocarray(memory, count, size);
}

static void pass(struct fixture *f, const void *wav, size_t size, unsigned count)
{
    struct outcome o;
    for (unsigned i = 0; i < count; i++) {
        unsigned before = fixture_answers;
        int rc = intake_submit(f->intake, fixture_request(f, wav, size, false, &o, 20));
        if (rc < 0 || !fixture_turn_until(f, &fixture_answers, before + 1, 20) || o.status < 0)
            ck_abort_msg("request %u: %d, %d %s", i, rc, o.status,
                         o.text); /* ck_assert allocates even when it holds */
    }
}

/* Sixteen at a time, which the lane has put off: they go through the network together. */
static void pass_together(struct fixture *f, const void *wav, size_t size, unsigned count)
{
    struct outcome o[16];
    for (unsigned i = 0; i < count; i += 16) {
        unsigned before = fixture_answers;
        backlog_busy(&f->schedule->backlog, 10000000);
        for (unsigned k = 0; k < 16; k++) {
            int rc = intake_submit(f->intake, fixture_request(f, wav, size, false, &o[k], 20));
            if (rc < 0)
                ck_abort_msg("request %u: %d", i + k, rc);
        }
        if (!fixture_turn_until(f, &fixture_answers, before + 16, 20) || o[0].status < 0)
            ck_abort_msg("requests %u: %d %s", i, o[0].status, o[0].text);
    }
}

static void measure(const char *const *overrides,
                    void (*submit)(struct fixture *, const void *, size_t, unsigned))
{
    struct fixture f;
    size_t size;
    void *wav = fixture_wav(16000, 1, &size);
    fixture_open(&f, overrides);
    ck_assert_uint_gt(atomic_load(&allocations), 0); /* the counter works */
    if (f.schedule->replica) /* a busy machine may put words off in any case */
        pass_together(&f, wav, size, WARM_UP);
    submit(&f, wav, size, WARM_UP);
    atomic_store(&allocations, 0);
    submit(&f, wav, size, MEASURED);
    unsigned measured = atomic_load(&allocations);
    ck_assert_uint_eq(measured, 0);
    fixture_close(&f);
    free(wav);
}

START_TEST(submit_on_the_lane_allocates_nothing)
{
    measure(NULL, pass);
}
END_TEST

START_TEST(submit_of_many_at_once_allocates_nothing)
{
    measure(NULL, pass_together);
}
END_TEST

START_TEST(submit_to_workers_allocates_nothing)
{
    measure((const char *const[]){"replicas.lane=no", "replicas.workers=2", NULL}, pass);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("allocations");
    TCase *tc = tcase_create("allocations");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, submit_on_the_lane_allocates_nothing);
    tcase_add_test(tc, submit_of_many_at_once_allocates_nothing);
    tcase_add_test(tc, submit_to_workers_allocates_nothing);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
