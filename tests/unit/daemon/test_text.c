/* test_text.c - growth, printf, JSON strings from any bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/text.h"

static void expect(const struct text *t, const char *want)
{
    ck_assert_msg(t->len == strlen(want) && memcmp(t->data, want, t->len) == 0,
                  "got \"%.*s\", want \"%s\"", (int)t->len, t->data, want);
}

START_TEST(printf_across_the_capacity_is_whole)
{
    /* Every length around the first capacity, so that the NUL of vsnprintf meets the end at each
     * offset. */
    for (int n = 200; n < 300; n++) {
        struct text t = {0};
        char *want = malloc((size_t)n + 4);
        memset(want, 'x', (size_t)n);
        memcpy(want + n, "-12", 4);
        for (int i = 0; i < n; i++)
            text_add(&t, "x", 1);
        text_printf(&t, "%d", -12);
        expect(&t, want);
        free(want);
        text_done(&t);
    }
}
END_TEST

START_TEST(clear_keeps_the_memory_and_done_frees_it)
{
    struct text t = {0};
    text_puts(&t, "one");
    char *data = t.data;
    text_clear(&t);
    text_puts(&t, "two");
    ck_assert_ptr_eq(t.data, data);
    expect(&t, "two");
    text_done(&t);
    ck_assert_ptr_null(t.data);
    ck_assert_uint_eq(t.cap, 0);
}
END_TEST

START_TEST(add_of_an_impossible_size_is_bad_and_stays_so)
{
    struct text t = {0};
    text_puts(&t, "x");
    text_add(&t, "", SIZE_MAX - 1); /* refused before a byte is read */
    ck_assert(t.bad);
    text_puts(&t, "y");
    text_printf(&t, "%d", 1);
    expect(&t, "x");
    text_clear(&t);
    ck_assert(!t.bad);
    text_done(&t);
}
END_TEST

START_TEST(json_escapes_by_hand_worked_cases)
{
    static const struct {
        const char *in;
        size_t n;
        const char *out;
    } cases[] = {
        {"", 0, "\"\""},
        {"plain", 5, "\"plain\""},
        {"a\"b\\c", 5, "\"a\\\"b\\\\c\""},
        {"\n\r\t\b\f", 5, "\"\\n\\r\\t\\b\\f\""},
        {"\x01\x1f\x7f", 3, "\"\\u0001\\u001f\\u007f\""},
        {"a\0b", 3, "\"a\\u0000b\""},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa6", 9, "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa6\""},
        {"\xff", 1, "\"\xef\xbf\xbd\""},
        {"\xc0\x80", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\""},                 /* overlong */
        {"\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* surrogate */
        {"\xf4\x90\x80\x80", 4, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xe2\x82", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\""}, /* cut off */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct text t = {0};
        text_json(&t, cases[i].in, cases[i].n);
        expect(&t, cases[i].out);
        text_done(&t);
    }
}
END_TEST

START_TEST(json_of_any_three_bytes_is_read_by_a_strict_reader)
{
    /* All pairs after each kind of first byte: jansson refuses bad UTF-8, raw controls and bad
     * escapes. */
    static const unsigned char firsts[] = {'a',  0xc2, 0xe0, 0xe1, 0xed,
                                           0xf0, 0xf1, 0xf4, 0xf5, 0x80};
    struct text t = {0};
    for (size_t f = 0; f < sizeof(firsts); f++) {
        for (unsigned pair = 0; pair < 65536; pair += 7) {
            char in[] = {(char)firsts[f], (char)(pair >> 8), (char)(pair & 255)};
            text_clear(&t);
            text_json(&t, in, 3);
            json_error_t error;
            json_t *value = json_loadb(t.data, t.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
            ck_assert_msg(value != NULL, "%02x %04x: %s", firsts[f], pair, error.text);
            json_decref(value);
        }
    }
    text_done(&t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text");
    TCase *cases = tcase_create("text");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, printf_across_the_capacity_is_whole);
    tcase_add_test(cases, clear_keeps_the_memory_and_done_frees_it);
    tcase_add_test(cases, add_of_an_impossible_size_is_bad_and_stays_so);
    tcase_add_test(cases, json_escapes_by_hand_worked_cases);
    tcase_add_test(cases, json_of_any_three_bytes_is_read_by_a_strict_reader);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
