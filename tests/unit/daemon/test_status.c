/* test_status.c - every status has a row that makes sense on each wire.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/status.h"

START_TEST(row_of_each_status_is_its_own_and_complete)
{
    for (int i = 0; i < SPARROW_STATUS_COUNT; i++) {
        const struct status_row *r = status_row((enum sparrow_status) - i);
        ck_assert_int_eq(r->status, -i);
        ck_assert_ptr_nonnull(r->type);
        ck_assert_msg(r->type[0] != '\0' && r->title[0] != '\0' && r->meaning[0] != '\0', "%d", -i);
        ck_assert_msg(strspn(r->type, "abcdefghijklmnopqrstuvwxyz-") == strlen(r->type), "%s",
                      r->type);
        ck_assert_msg(strspn(r->connect, "abcdefghijklmnopqrstuvwxyz_") == strlen(r->connect), "%s",
                      r->connect);
        ck_assert_uint_le(r->grpc, 16);
        ck_assert_uint_ge(r->http, i == 0 ? 200 : 400);
        ck_assert_uint_le(r->http, 599);
        ck_assert_msg((i == 0) == (r->grpc == 0) && (i == 0) == (r->connect[0] == '\0'), "%s",
                      r->type);
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(r->type, status_row((enum sparrow_status) - j)->type);
    }
}
END_TEST

START_TEST(retry_goes_with_503_and_unavailable_alone)
{
    /* 503 means "not processed": proxies and gRPC clients send the same again by themselves. */
    for (int i = 0; i < SPARROW_STATUS_COUNT; i++) {
        const struct status_row *r = status_row((enum sparrow_status) - i);
        ck_assert_msg(r->retry == (r->http == 503), "%s", r->type);
        ck_assert_msg(r->retry == (r->grpc == 14), "%s", r->type);
        ck_assert_msg(r->retry == (strcmp(r->connect, "unavailable") == 0), "%s", r->type);
    }
}
END_TEST

START_TEST(grpc_codes_and_connect_words_agree)
{
    static const char *const words[17] = {"",
                                          "canceled",
                                          "unknown",
                                          "invalid_argument",
                                          "deadline_exceeded",
                                          "not_found",
                                          "already_exists",
                                          "permission_denied",
                                          "resource_exhausted",
                                          "failed_precondition",
                                          "aborted",
                                          "out_of_range",
                                          "unimplemented",
                                          "internal",
                                          "unavailable",
                                          "data_loss",
                                          "unauthenticated"};
    for (int i = 0; i < SPARROW_STATUS_COUNT; i++) {
        const struct status_row *r = status_row((enum sparrow_status) - i);
        ck_assert_str_eq(r->connect, words[r->grpc]);
    }
}
END_TEST

START_TEST(unknown_status_is_internal)
{
    static const int unknown[] = {
        1, 7, INT_MAX, -SPARROW_STATUS_COUNT, -SPARROW_STATUS_COUNT - 1, INT_MIN};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        ck_assert_int_eq(status_row((enum sparrow_status)unknown[i])->status, SPARROW_INTERNAL);
}
END_TEST

START_TEST(fail_fills_the_error_and_cuts_long_texts)
{
    struct sparrow_error err = {0};
    ck_assert_int_eq(status_fail(&err, SPARROW_IO, "%s:%d", "file", 3), SPARROW_IO);
    ck_assert_int_eq(err.status, SPARROW_IO);
    ck_assert_str_eq(err.text, "file:3");
    ck_assert_int_eq(status_fail(&err, SPARROW_CONFIG, "%0400d", 1), SPARROW_CONFIG);
    ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
    ck_assert_int_eq(status_fail(NULL, SPARROW_BUSY, "nobody looks"), SPARROW_BUSY);
}
END_TEST

START_TEST(markdown_has_a_line_for_each_error)
{
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    status_print_markdown(out);
    fclose(out);
    for (int i = 1; i < SPARROW_STATUS_COUNT; i++) {
        char want[80];
        const struct status_row *r = status_row((enum sparrow_status) - i);
        snprintf(want, sizeof(want), "\n| `%s` | %u | ", r->type, r->http);
        ck_assert_msg(strstr(text, want) != NULL, "no line%s", want);
    }
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("status");
    TCase *cases = tcase_create("status");
    tcase_add_test(cases, row_of_each_status_is_its_own_and_complete);
    tcase_add_test(cases, retry_goes_with_503_and_unavailable_alone);
    tcase_add_test(cases, grpc_codes_and_connect_words_agree);
    tcase_add_test(cases, unknown_status_is_internal);
    tcase_add_test(cases, fail_fills_the_error_and_cuts_long_texts);
    tcase_add_test(cases, markdown_has_a_line_for_each_error);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
