/* test_steady.c - from the last byte of a plain second of audio to its answer, a lane that is warm
 * allocates nothing. The C library's allocator is counted by standing in front of it, which
 * sanitizers do themselves: there the test is skipped.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/api/house.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define SANITIZED 1
#endif

#ifdef SANITIZED
int main(void)
{
    return 77;
}
#else

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t count, size_t n);
void *__libc_realloc(void *p, size_t n);

static _Thread_local unsigned long allocations;

/* Declared in stdlib.h; these stand in front of the library's. */
void *malloc(size_t n)
{
    allocations++;
    return __libc_malloc(n);
}

void *calloc(size_t count, size_t n)
{
    allocations++;
    return __libc_calloc(count, n);
}

void *realloc(void *p, size_t n)
{
    allocations++;
    return __libc_realloc(p, n);
}

static struct house house;

static void setup(void)
{
    static const char *const overrides[] = {"schedule.max_wait=10", NULL};
    house_open(&house, overrides);
}

static void teardown(void)
{
    house_close(&house);
}

/* One request; how many allocations it took from its body's first byte to its answer. Check's
 * assertions allocate: none in between. */
static unsigned long ask(const char *target, const char *const *headers, const unsigned char *body,
                         size_t n)
{
    ck_assert(house_head(&house, "POST", target, headers, n));
    unsigned long before = allocations;
    int rc = 0;
    for (size_t at = 0; rc == 0 && at < n; at += 1460)
        rc = exchange_append(&house.x, body + at, n - at < 1460 ? n - at : 1460);
    house.x.body_end_us = lane_clock_us();
    enum api_verdict verdict = api_finish(house.api, &house.x);
    unsigned long made = allocations - before;
    ck_assert_int_eq(rc, 0);
    house.later =
        verdict == API_LATER; /* a lane that was held up may give the word to a later turn */
    house_end(&house);
    ck_assert_uint_eq(house.x.status, 200);
    return made;
}

START_TEST(warm_lane_allocates_nothing)
{
    static const char *const wav[] = {"Content-Type", "audio/wav", NULL};
    static const char *const targets[] = {
        "/v1/recognize", "/v1/recognize?top=all&keywords=yes,no&keywords_threshold=0"};
    size_t n;
    unsigned char *yes = house_sample("yes", &n);
    for (size_t t = 0; t < 2; t++) {
        unsigned long made = 0;
        for (unsigned i = 0; i < 10; i++)
            ask(targets[t], wav, yes, n);
        for (unsigned i = 0; i < 100; i++)
            made += ask(targets[t], wav, yes, n);
        ck_assert_msg(made == 0, "%lu allocations in 100 requests of %s", made, targets[t]);
    }
    free(yes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("steady");
    TCase *tc = tcase_create("steady");
    tcase_add_unchecked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, warm_lane_allocates_nothing);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
#endif
