/* test_params.c - the query of /v1/recognize: each parameter's values, bounds and escapes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/api/params.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;
static struct problem problem;
static struct params params;

static int parse(const char *query)
{
    arena_reset(&arena, 65536);
    problem = (struct problem){0};
    params_init(&params);
    return params_query(&params, query, &arena, &problem);
}

static void setup(void)
{
    arena_init(&arena, 65536);
}

static void teardown(void)
{
    arena_done(&arena);
}

START_TEST(query_absent_gives_defaults)
{
    ck_assert_int_eq(parse(NULL), 0);
    ck_assert_ptr_null(params.model);
    ck_assert_uint_eq(params.top, 1);
    ck_assert_uint_eq(params.keyword_count, 0);
    ck_assert_double_eq(params.threshold, 0.5);
    ck_assert_uint_eq(params.hop_ms, 0);
    ck_assert_uint_eq(params.timeout_us, 0);
}
END_TEST

START_TEST(query_all_parameters_are_read)
{
    ck_assert_int_eq(parse("model=my%20model&top=3&keywords=yes,%20no+,,up&keywords_threshold=0.25&"
                           "hop_ms=125&timeout=1500"),
                     0);
    ck_assert_str_eq(params.model, "my model");
    ck_assert_uint_eq(params.top, 3);
    ck_assert_uint_eq(params.keyword_count, 3);
    ck_assert_str_eq(params.keywords[0].text, "yes");
    ck_assert_str_eq(params.keywords[1].text, "no");
    ck_assert_str_eq(params.keywords[2].text, "up");
    ck_assert_double_eq(params.threshold, 0.25);
    ck_assert_uint_eq(params.hop_ms, 125);
    ck_assert_uint_eq(params.timeout_us, 1500000);
}
END_TEST

START_TEST(query_watson_names_are_taken_or_ignored)
{
    ck_assert_int_eq(parse("timestamps=true&word_confidence=true&inactivity_timeout=30&smart_"
                           "formatting=false&profanity_filter=&max_alternatives=4"),
                     0);
    ck_assert_uint_eq(params.top, 4);
    ck_assert_int_eq(parse("max_alternatives=0"), 0);
    ck_assert_uint_eq(params.top, 1);
    ck_assert_int_eq(parse("top=all"), 0);
    ck_assert_uint_eq(params.top, PARAMS_TOP_ALL);
}
END_TEST

START_TEST(query_repeated_keywords_add_up_without_doubles)
{
    ck_assert_int_eq(parse("keywords=a,b&keywords=b,c"), 0);
    ck_assert_uint_eq(params.keyword_count, 3);
    ck_assert_str_eq(params.keywords[2].text, "c");
}
END_TEST

static const struct {
    const char *query, *parameter;
} refused[] = {
    {"top=0", "top"},
    {"top=", "top"},
    {"top=-1", "top"},
    {"top=1.5", "top"},
    {"top= 1", "top"},
    {"top=0x10", "top"},
    {"top=99999999999999999999", "top"},
    {"top=ALL", "top"},
    {"max_alternatives=many", "max_alternatives"},
    {"keywords_threshold=2", "keywords_threshold"},
    {"keywords_threshold=-0.1", "keywords_threshold"},
    {"keywords_threshold=nan", "keywords_threshold"},
    {"keywords_threshold=", "keywords_threshold"},
    {"keywords_threshold=1e999", "keywords_threshold"},
    {"keywords_threshold=0x1p-2", "keywords_threshold"},
    {"hop_ms=0", "hop_ms"},
    {"hop_ms=60001", "hop_ms"},
    {"hop_ms=ten", "hop_ms"},
    {"timeout=0", "timeout"},
    {"timeout=12345678901", "timeout"},
    {"timeout=+5", "timeout"},
    {"model=%zz", NULL},
    {"model=%4", NULL},
    {"model=%", NULL},
    {"model=%00", NULL},
    {"model=%ff", NULL},
    {"%c0%80=1", NULL},
};

START_TEST(query_bad_value_is_refused_by_name)
{
    ck_assert_msg(parse(refused[_i].query) == SPARROW_BAD_PARAMETER, "%s gave %d",
                  refused[_i].query, problem.status);
    if (refused[_i].parameter)
        ck_assert_str_eq(problem.parameter, refused[_i].parameter);
    else
        ck_assert_ptr_null(problem.parameter);
    ck_assert_uint_gt(strlen(problem.detail), 0);
}
END_TEST

START_TEST(query_too_many_keywords_are_refused)
{
    char query[4096] = "keywords=";
    size_t len = strlen(query);
    for (unsigned i = 0; i < 257; i++)
        len += (size_t)snprintf(query + len, sizeof query - len, "w%u,", i);
    ck_assert_int_eq(parse(query), SPARROW_BAD_PARAMETER);
    ck_assert_uint_eq(problem.limit, 256);
}
END_TEST

START_TEST(decode_escape_at_the_end_reads_no_further)
{
    char *tight = malloc(3), out[8];
    ck_assert_ptr_nonnull(tight);
    memcpy(tight, "a%4", 3);
    ck_assert(!params_decode(tight, 3, true, out));
    memcpy(tight, "%41", 3);
    ck_assert(params_decode(tight, 3, true, out));
    ck_assert_str_eq(out, "A");
    free(tight);
    ck_assert(params_decode("a+b", 3, false, out));
    ck_assert_str_eq(out, "a+b");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("params");
    TCase *tc = tcase_create("params");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, query_absent_gives_defaults);
    tcase_add_test(tc, query_all_parameters_are_read);
    tcase_add_test(tc, query_watson_names_are_taken_or_ignored);
    tcase_add_test(tc, query_repeated_keywords_add_up_without_doubles);
    tcase_add_loop_test(tc, query_bad_value_is_refused_by_name, 0,
                        (int)(sizeof refused / sizeof refused[0]));
    tcase_add_test(tc, query_too_many_keywords_are_refused);
    tcase_add_test(tc, decode_escape_at_the_end_reads_no_further);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
