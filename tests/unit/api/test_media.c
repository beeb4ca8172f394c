/* test_media.c - Content-Type, Accept, Content-Encoding.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/api/media.h"

#include <check.h>
#include <stdlib.h>

START_TEST(is_compares_the_type_alone)
{
    ck_assert(media_is("application/json", "application/json"));
    ck_assert(media_is(" Application/JSON ; charset=utf-8", "application/json"));
    ck_assert(!media_is("application/jsonx", "application/json"));
    ck_assert(!media_is("application/jso", "application/json"));
    ck_assert(!media_is("", "application/json"));
    ck_assert(!media_is(NULL, "application/json"));
}
END_TEST

START_TEST(parameter_is_found_and_unquoted)
{
    char out[16];
    ck_assert(media_parameter("a/b; charset=x; boundary=abc", "boundary", out, sizeof out));
    ck_assert_str_eq(out, "abc");
    ck_assert(media_parameter("a/b;BOUNDARY=\"a \\\"b\"", "boundary", out, sizeof out));
    ck_assert_str_eq(out, "a \"b");
    ck_assert(!media_parameter("a/b;boundary=\"abc", "boundary", out, sizeof out));
    ck_assert(!media_parameter("a/b;boundary=\"abc\\", "boundary", out, sizeof out));
    ck_assert(!media_parameter("a/b;boundary=0123456789abcdef", "boundary", out, sizeof out));
    ck_assert(!media_parameter("a/b;xboundary=1", "boundary", out, sizeof out));
    ck_assert(!media_parameter("a/b", "boundary", out, sizeof out));
    ck_assert(!media_parameter("a/b;;;", "boundary", out, sizeof out));
    ck_assert(!media_parameter(NULL, "boundary", out, sizeof out));
}
END_TEST

static const struct {
    const char *accept;
    unsigned json;
} accepts[] = {
    {NULL, 1000},
    {"", 1000},
    {"*/*", 1000},
    {"application/*", 1000},
    {"application/json", 1000},
    {"text/html", 0},
    {"text/html, application/json;q=0.5", 500},
    {"application/json;q=0, */*", 0},
    {"*/*;q=0.1, application/*;q=0.25", 250},
    {"application/json ; charset=utf-8 ; q=0.125", 125},
    {"application/json;q=nonsense", 0},
    {"text/event-stream", 0},
    {",,, application/json", 1000},
    {"application/js", 0},
    {"app*/json", 0},
};

START_TEST(quality_of_json_follows_the_most_specific_range)
{
    ck_assert_msg(media_quality(accepts[_i].accept, "application/json") == accepts[_i].json,
                  "%s gave %u", accepts[_i].accept ? accepts[_i].accept : "(none)",
                  media_quality(accepts[_i].accept, "application/json"));
}
END_TEST

START_TEST(names_wildcards_do_not_count)
{
    ck_assert(media_names("application/openmetrics-text; version=1.0.0,text/plain;q=0.5,*/*;q=0.1",
                          "application/openmetrics-text"));
    ck_assert(!media_names("*/*", "application/openmetrics-text"));
    ck_assert(!media_names("application/openmetrics-text;q=0", "application/openmetrics-text"));
}
END_TEST

START_TEST(identity_is_the_only_coding)
{
    ck_assert(media_identity(NULL));
    ck_assert(media_identity(""));
    ck_assert(media_identity("Identity"));
    ck_assert(!media_identity("gzip"));
    ck_assert(!media_identity("identity, gzip"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("media");
    TCase *tc = tcase_create("media");
    tcase_add_test(tc, is_compares_the_type_alone);
    tcase_add_test(tc, parameter_is_found_and_unquoted);
    tcase_add_loop_test(tc, quality_of_json_follows_the_most_specific_range, 0,
                        (int)(sizeof accepts / sizeof accepts[0]));
    tcase_add_test(tc, names_wildcards_do_not_count);
    tcase_add_test(tc, identity_is_the_only_coding);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
