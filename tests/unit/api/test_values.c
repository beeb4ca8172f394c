/* test_values.c - the small tools of the room: JSON values, UTF-8, the arena, and how a problem is
 * written.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/arena.h"
#include "daemon/api/problem.h"
#include "daemon/api/put.h"
#include "daemon/api/utf8.h"
#include "daemon/status.h"

static const struct {
    double value;
    unsigned decimals;
    const char *text;
} fixed[] = {
    {0, 4, "0"},
    {1, 4, "1"},
    {0.98765, 4, "0.9877"},
    {0.5, 4, "0.5"},
    {0.00004, 4, "0"},
    {0.99996, 4, "1"},
    {-0.25, 3, "-0.25"},
    {-0.00001, 3, "0"},
    {12.034, 3, "12.034"},
    {0.05, 3, "0.05"},
    {123456789.5, 0, "123456790"},
    {999999999, 3, "999999999"},
    {1e9, 3, "null"},
    {NAN, 3, "null"},
    {INFINITY, 3, "null"},
    {-INFINITY, 3, "null"},
    {0.123456789, 9, "0.123456789"},
};

START_TEST(fixed_writes_what_is_needed)
{
    struct text t = {0};
    put_fixed(&t, fixed[_i].value, fixed[_i].decimals);
    ck_assert_msg(t.len == strlen(fixed[_i].text) && memcmp(t.data, fixed[_i].text, t.len) == 0,
                  "%g became %.*s, not %s", fixed[_i].value, (int)t.len, t.data, fixed[_i].text);
    text_done(&t);
}
END_TEST

START_TEST(uint_writes_every_digit)
{
    struct text t = {0};
    put_uint(&t, 0);
    put_uint(&t, UINT64_MAX);
    ck_assert_uint_eq(t.len, 21);
    ck_assert_mem_eq(t.data, "018446744073709551615", 21);
    text_done(&t);
}
END_TEST

/* Whatever bytes a client names its clip, the answer stays JSON, and what was UTF-8 comes back as
 * it was. */
START_TEST(string_of_any_bytes_is_json)
{
    char bytes[256 + 64];
    size_t n = 0;
    for (int c = 1; c < 256; c++)
        bytes[n++] = (char)c;
    memcpy(bytes + n, "\xed\xa0\x80\xf8\x88\xc3", 7);
    struct text t = {0};
    put_string(&t, bytes);
    json_t *v = json_loadb(t.data, t.len, JSON_DECODE_ANY, NULL);
    ck_assert_msg(json_is_string(v), "%.*s", (int)t.len, t.data);
    json_decref(v);
    text_clear(&t);
    put_string(&t, "</script> \"\\\n gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\xa6");
    v = json_loadb(t.data, t.len, JSON_DECODE_ANY, NULL);
    ck_assert_str_eq(json_string_value(v), "</script> \"\\\n gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\xa6");
    json_decref(v);
    text_done(&t);
}
END_TEST

static const struct {
    const char *bytes;
    bool valid;
} utf8[] = {
    {"", true},
    {"plain", true},
    {"gr\xc3\xbc\xc3\x9f", true},
    {"\xe2\x82\xac", true},
    {"\xf0\x9f\x90\xa6", true},
    {"\xef\xbf\xbf", true},
    {"\xf4\x8f\xbf\xbf", true},
    {"\x80", false},
    {"\xc3", false},
    {"\xc0\x80", false},
    {"\xc1\xbf", false},
    {"\xe0\x80\x80", false},
    {"\xe0\x9f\xbf", false},
    {"\xed\xa0\x80", false},
    {"\xf0\x8f\xbf\xbf", false},
    {"\xf4\x90\x80\x80", false},
    {"\xf5\x80\x80\x80", false},
    {"\xe2\x82", false},
    {"\xe2\x28\xa1", false},
    {"a\xff", false},
};

START_TEST(utf8_follows_table_3_7)
{
    ck_assert_msg(utf8_valid(utf8[_i].bytes, strlen(utf8[_i].bytes)) == utf8[_i].valid, "row %d",
                  _i);
}
END_TEST

START_TEST(arena_budget_and_overflow_are_refused)
{
    struct arena a;
    arena_init(&a, 1000);
    ck_assert_ptr_nonnull(arena_alloc(&a, 900));
    ck_assert_ptr_null(arena_alloc(&a, 200));
    ck_assert_ptr_nonnull(arena_alloc(&a, 80));
    ck_assert_ptr_null(arena_array(&a, SIZE_MAX / 2, 3));
    ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX));
    ck_assert_ptr_null(arena_copy(&a, "x", SIZE_MAX));
    arena_reset(&a, 5000);
    ck_assert_ptr_nonnull(arena_alloc(&a, 4900));
    arena_done(&a);
}
END_TEST

START_TEST(arena_memory_is_aligned_and_apart)
{
    struct arena a;
    unsigned char *p[300];
    arena_init(&a, 1 << 20);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 300; i++) {
            p[i] = arena_alloc(&a, i);
            ck_assert_ptr_nonnull(p[i]);
            ck_assert_uint_eq((uintptr_t)p[i] % 16, 0);
            memset(p[i], (int)i, i);
        }
        for (unsigned i = 0; i < 300; i++)
            for (unsigned k = 0; k < i; k++)
                ck_assert_uint_eq(p[i][k], i & 255);
        arena_reset(&a, 1 << 20);
    }
    arena_done(&a);
}
END_TEST

static const char *header_of(const struct exchange *x, const char *name)
{
    for (unsigned i = 0; i < x->header_count; i++)
        if (strcmp(x->headers[i].name, name) == 0)
            return x->headers[i].value;
    return NULL;
}

/* Every row of the table, in both forms: JSON, the row's codes, Retry-After where the client may
 * come back. */
START_TEST(answer_every_status_says_its_row)
{
    int status = -_i;
    const struct status_row *row = status_row((enum sparrow_status)status);
    struct exchange x = {0};
    struct problem p = {.clip = "c\"lip", .limit = 7, .retry_ms = 2001};
    ck_assert_int_eq(problem_set(&p, status, "what \"happened\" to %s", "x\x01"), status);
    ck_assert_int_eq(problem_set(&p, SPARROW_INTERNAL, "later"), status);
    problem_answer(&x, &p, "id-1");
    json_t *v = json_loadb(x.answer.data, x.answer.len, 0, NULL);
    ck_assert_msg(json_is_object(v), "%.*s", (int)x.answer.len, x.answer.data);
    ck_assert_uint_eq(x.status, row->http);
    ck_assert_str_eq(x.content_type, "application/problem+json");
    ck_assert_int_eq(json_integer_value(json_object_get(v, "status")), row->http);
    ck_assert_str_eq(json_string_value(json_object_get(v, "title")), row->title);
    ck_assert_str_eq(json_string_value(json_object_get(v, "detail")), "what \"happened\" to x\x01");
    ck_assert_str_eq(json_string_value(json_object_get(v, "request_id")), "id-1");
    ck_assert_str_eq(json_string_value(json_object_get(v, "clip")), "c\"lip");
    ck_assert_int_eq(json_integer_value(json_object_get(v, "limit")), 7);
    ck_assert_str_eq(json_string_value(json_object_get(v, "type")) + strlen("/problems/"),
                     row->type);
    ck_assert_int_eq(json_integer_value(json_object_get(v, "retry_after_s")), row->retry ? 3 : 0);
    if (row->retry)
        ck_assert_pstr_eq(header_of(&x, "Retry-After"), "3");
    else
        ck_assert_ptr_null(header_of(&x, "Retry-After"));
    json_decref(v);
    problem_connect(&x, &p, "id-1");
    v = json_loadb(x.answer.data, x.answer.len, 0, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(v, "code")), row->connect);
    ck_assert_uint_ge(x.status, 400);
    json_decref(v);
    text_done(&x.answer);
}
END_TEST

START_TEST(exchange_limits_hold)
{
    struct exchange x = {.body_limit = 10};
    ck_assert_int_eq(exchange_append(&x, "12345678", 8), 0);
    ck_assert_int_eq(exchange_append(&x, "123", 3), SPARROW_TOO_LARGE);
    ck_assert_int_eq(exchange_append(&x, "12", 2), 0);
    ck_assert_int_eq(exchange_append(&x, "", 0), 0);
    ck_assert_int_eq(exchange_append(&x, "1", SIZE_MAX), SPARROW_TOO_LARGE);
    ck_assert_uint_eq(x.body.len, 10);
    exchange_add_header(&x, "A", "one\r\nB: two");
    ck_assert_str_eq(x.headers[0].value, "one");
    text_done(&x.body);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("values");
    TCase *tc = tcase_create("values");
    tcase_add_loop_test(tc, fixed_writes_what_is_needed, 0, (int)(sizeof fixed / sizeof fixed[0]));
    tcase_add_test(tc, uint_writes_every_digit);
    tcase_add_test(tc, string_of_any_bytes_is_json);
    tcase_add_loop_test(tc, utf8_follows_table_3_7, 0, (int)(sizeof utf8 / sizeof utf8[0]));
    tcase_add_test(tc, arena_budget_and_overflow_are_refused);
    tcase_add_test(tc, arena_memory_is_aligned_and_apart);
    tcase_add_loop_test(tc, answer_every_status_says_its_row, 1, SPARROW_STATUS_COUNT);
    tcase_add_test(tc, exchange_limits_hold);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
