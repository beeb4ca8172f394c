/* test_identity.c - X-Request-ID and traceparent, taken or made.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/api/identity.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct identity_source source;

START_TEST(request_good_id_is_kept)
{
    char id[IDENTITY_ID], longest[IDENTITY_ID];
    memset(longest, 'z', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    identity_request(&source, "A-b_c.9", id);
    ck_assert_str_eq(id, "A-b_c.9");
    identity_request(&source, longest, id);
    ck_assert_str_eq(id, longest);
}
END_TEST

static const char *const bad_ids[] = {NULL,       "",    "a b",      "a\r\nX: y",
                                      "\xc3\xa9", "a/b", "<script>", "a,b"};

START_TEST(request_bad_id_is_replaced)
{
    char id[IDENTITY_ID], other[IDENTITY_ID];
    identity_request(&source, bad_ids[_i], id);
    identity_request(&source, bad_ids[_i], other);
    ck_assert_uint_eq(strlen(id), 32);
    ck_assert_uint_eq(strspn(id, "0123456789abcdef"), 32);
    ck_assert_str_ne(id, other);
}
END_TEST

START_TEST(request_too_long_id_is_replaced)
{
    char id[IDENTITY_ID], given[IDENTITY_ID + 1];
    memset(given, 'z', sizeof given - 1);
    given[sizeof given - 1] = '\0';
    identity_request(&source, given, id);
    ck_assert_uint_eq(strlen(id), 32);
}
END_TEST

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN  "00f067aa0ba902b7"

START_TEST(trace_good_one_gets_our_span)
{
    char trace[IDENTITY_TRACE];
    ck_assert(identity_trace(&source, "00-" TRACE "-" SPAN "-01", trace));
    ck_assert_uint_eq(strlen(trace), 55);
    ck_assert_mem_eq(trace, "00-" TRACE "-", 36);
    ck_assert_str_eq(trace + 52, "-01");
    ck_assert_uint_eq(strspn(trace + 36, "0123456789abcdef"), 16);
    ck_assert(memcmp(trace + 36, SPAN, 16) != 0);
    ck_assert(
        identity_trace(&source, "cc-" TRACE "-" SPAN "-01-what-the-future-will-be-like", trace));
    ck_assert_mem_eq(trace, "00-" TRACE, 35);
}
END_TEST

static const char *const bad_traces[] = {
    NULL,
    "",
    "00",
    "00-" TRACE "-" SPAN,
    "00-" TRACE "-" SPAN "-0",
    "00-" TRACE "-" SPAN "-01-more",
    "ff-" TRACE "-" SPAN "-01",
    "00-00000000000000000000000000000000-" SPAN "-01",
    "00-" TRACE "-0000000000000000-01",
    "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01",
    "00-" TRACE "-" SPAN "-zz",
    "00_" TRACE "-" SPAN "-01",
    "cc-" TRACE "-" SPAN "-01more",
};

START_TEST(trace_bad_one_is_ignored)
{
    char trace[IDENTITY_TRACE] = "untouched";
    ck_assert_msg(!identity_trace(&source, bad_traces[_i], trace), "%s", bad_traces[_i]);
    ck_assert_str_eq(trace, "untouched");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("identity");
    TCase *tc = tcase_create("identity");
    if (!identity_seed(&source))
        return EXIT_FAILURE;
    tcase_add_test(tc, request_good_id_is_kept);
    tcase_add_loop_test(tc, request_bad_id_is_replaced, 0,
                        (int)(sizeof bad_ids / sizeof bad_ids[0]));
    tcase_add_test(tc, request_too_long_id_is_replaced);
    tcase_add_test(tc, trace_good_one_gets_our_span);
    tcase_add_loop_test(tc, trace_bad_one_is_ignored, 0,
                        (int)(sizeof bad_traces / sizeof bad_traces[0]));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
