/* test_multipart.c - multipart/form-data: what forms look like, where they may break, and every
 * place where one may be cut off.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/api/multipart.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define TYPE "multipart/form-data; boundary=XX"

static struct arena arena;
static struct problem problem;
static struct multipart_part parts[8];
static char *copy; /* exactly as large as the body: the address sanitizer sees a byte too far */

static void setup(void)
{
    arena_init(&arena, 65536);
    problem = (struct problem){0};
}

static void teardown(void)
{
    arena_done(&arena);
    free(copy);
    copy = NULL;
}

/* How many parts, or the problem's status. */
static int parse_n(const char *type, const char *body, size_t n)
{
    struct multipart m;
    int count = 0, rc;
    free(copy);
    copy = malloc(n ? n : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, body, n);
    arena_reset(&arena, 65536);
    problem = (struct problem){0};
    rc = multipart_begin(&m, type, copy, n, &problem);
    while (rc == 0 && count < 8 && (rc = multipart_next(&m, &arena, &parts[count], &problem)) > 0) {
        count++;
        rc = 0;
        if (m.closed)
            break;
    }
    ck_assert(rc == 0 || (rc == problem.status && problem.detail[0]));
    return rc ? rc : count;
}

static int parse(const char *body)
{
    return parse_n(TYPE, body, strlen(body));
}

static const char two[] = "--XX\r\n"
                          "Content-Disposition: form-data; name=\"a\"; filename=\"yes.wav\"\r\n"
                          "Content-Type: audio/wav\r\n"
                          "\r\n"
                          "RIFF\r\n--X\r\nmore\r\n"
                          "--XX  \r\n"
                          "content-disposition:form-data;name=top\r\n"
                          "\r\n"
                          "3\r\n"
                          "--XX--\r\n";

START_TEST(next_two_parts_are_slices_of_the_body)
{
    ck_assert_int_eq(parse(two), 2);
    ck_assert_str_eq(parts[0].name, "a");
    ck_assert_str_eq(parts[0].filename, "yes.wav");
    ck_assert_str_eq(parts[0].media_type, "audio/wav");
    ck_assert_uint_eq(parts[0].size, strlen("RIFF\r\n--X\r\nmore"));
    ck_assert(parts[0].bytes > copy && parts[0].bytes < copy + sizeof two);
    ck_assert_mem_eq(parts[0].bytes, "RIFF\r\n--X\r\nmore", parts[0].size);
    ck_assert_str_eq(parts[1].name, "top");
    ck_assert_ptr_null(parts[1].filename);
    ck_assert_ptr_null(parts[1].media_type);
    ck_assert_uint_eq(parts[1].size, 1);
}
END_TEST

/* Cut anywhere before the last delimiter is complete, the form is broken: no part may be half
 * there. */
START_TEST(next_cut_anywhere_is_malformed)
{
    size_t whole = (size_t)(strstr(two, "--XX--") + 6 - two);
    for (size_t n = 0; n < whole; n++)
        ck_assert_msg(parse_n(TYPE, two, n) == SPARROW_BAD_REQUEST, "cut at %zu gave %d", n,
                      problem.status);
    for (size_t n = whole; n < sizeof two; n++)
        ck_assert_int_eq(parse_n(TYPE, two, n), 2);
}
END_TEST

START_TEST(next_preamble_and_epilogue_are_skipped)
{
    ck_assert_int_eq(
        parse("hello\r\n--XX\r\nContent-Disposition: form-data; name=a\r\n\r\nv\r\n--XX--\r\nbye"),
        1);
    ck_assert_uint_eq(parts[0].size, 1);
}
END_TEST

START_TEST(next_empty_part_has_no_bytes)
{
    ck_assert_int_eq(
        parse("--XX\r\nContent-Disposition: form-data; name=a; filename=\"\"\r\n\r\n\r\n--XX--"),
        1);
    ck_assert_uint_eq(parts[0].size, 0);
    ck_assert_str_eq(parts[0].filename, "");
    ck_assert_int_eq(parse("--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n--XX--"), 1);
    ck_assert_uint_eq(parts[0].size, 0);
}
END_TEST

START_TEST(next_binary_bytes_with_nul_are_kept)
{
    static const char body[] =
        "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n\0\r\n\0--XX\r\n--XX--";
    ck_assert_int_eq(parse_n(TYPE, body, sizeof body - 1), 1);
    ck_assert_uint_eq(parts[0].size, 8);
    ck_assert_mem_eq(parts[0].bytes, "\0\r\n\0--XX", 8);
}
END_TEST

START_TEST(next_names_are_unescaped)
{
    ck_assert_int_eq(parse("--XX\r\nContent-Disposition: form-data; name=\"a;b\"; filename=\"say "
                           "\\\"hi\\\" C:\\x.wav\"; x=y\r\n\r\n1\r\n--XX--"),
                     1);
    ck_assert_str_eq(parts[0].name, "a;b");
    ck_assert_str_eq(parts[0].filename, "say \"hi\" C:\\x.wav");
}
END_TEST

START_TEST(next_transfer_encodings_are_told)
{
    ck_assert_int_eq(parse("--XX\r\nContent-Disposition: form-data; "
                           "name=a\r\nContent-Transfer-Encoding: base64\r\n\r\n1\r\n--XX--"),
                     1);
    ck_assert(parts[0].encoded);
    ck_assert_int_eq(parse("--XX\r\nContent-Disposition: form-data; "
                           "name=a\r\nContent-Transfer-Encoding: BINARY\r\n\r\n1\r\n--XX--"),
                     1);
    ck_assert(!parts[0].encoded);
}
END_TEST

static const char *const broken[] = {
    "",
    "XX",
    "--XX",
    "--XY\r\n",
    "--XX\r\n\r\nbody\r\n--XX--",
    "--XX\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--XX--",
    "--XX\r\nContent-Disposition: form-data\r\n\r\n1\r\n--XX--",
    "--XX\r\nContent-Disposition: form-data; name\r\n\r\n1\r\n--XX--",
    "--XX\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1\r\n--XX--",
    "--XX\r\nContent-Disposition: form-data; name=\"a\"b\r\n\r\n1\r\n--XX--",
    "--XX\r\nno colon here\r\n\r\n1\r\n--XX--",
    "--XX\r\n: nothing\r\n\r\n1\r\n--XX--",
    "--XX\nContent-Disposition: form-data; name=a\n\n1\n--XX--",
    "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--XXY--",
};

START_TEST(next_broken_form_is_malformed)
{
    ck_assert_msg(parse(broken[_i]) == SPARROW_BAD_REQUEST, "\"%s\" gave %d", broken[_i],
                  problem.status);
}
END_TEST

START_TEST(next_endless_headers_are_malformed)
{
    char body[8192];
    memset(body, 'a', sizeof body);
    memcpy(body, "--XX\r\nA: ", 9);
    ck_assert_int_eq(parse_n(TYPE, body, sizeof body), SPARROW_BAD_REQUEST);
    memcpy(body + 5000, "\r\n\r\n1\r\n--XX--", 13);
    ck_assert_int_eq(parse_n(TYPE, body, sizeof body), SPARROW_BAD_REQUEST);
}
END_TEST

START_TEST(begin_boundary_is_needed_and_bounded)
{
    char type[128] = "multipart/form-data; boundary=";
    ck_assert_int_eq(parse_n("multipart/form-data", two, sizeof two - 1), SPARROW_BAD_REQUEST);
    ck_assert_int_eq(parse_n("multipart/form-data; boundary=\"\"", two, sizeof two - 1),
                     SPARROW_BAD_REQUEST);
    ck_assert_int_eq(parse_n("multipart/form-data; boundary=\"XX\"", two, sizeof two - 1), 2);
    size_t len = strlen(type);
    memset(type + len, 'x', 71);
    ck_assert_int_eq(parse_n(type, two, sizeof two - 1), SPARROW_BAD_REQUEST);
    ck_assert_ptr_nonnull(strstr(problem.detail, "70"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("multipart");
    TCase *tc = tcase_create("multipart");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, next_two_parts_are_slices_of_the_body);
    tcase_add_test(tc, next_cut_anywhere_is_malformed);
    tcase_add_test(tc, next_preamble_and_epilogue_are_skipped);
    tcase_add_test(tc, next_empty_part_has_no_bytes);
    tcase_add_test(tc, next_binary_bytes_with_nul_are_kept);
    tcase_add_test(tc, next_names_are_unescaped);
    tcase_add_test(tc, next_transfer_encodings_are_told);
    tcase_add_loop_test(tc, next_broken_form_is_malformed, 0,
                        (int)(sizeof broken / sizeof broken[0]));
    tcase_add_test(tc, next_endless_headers_are_malformed);
    tcase_add_test(tc, begin_boundary_is_needed_and_bounded);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
