/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "clients/sparrow/target.h"

START_TEST(parse_urls_are_taken_apart)
{
    static const struct {
        const char *url, *host, *port, *authority, *prefix;
    } cases[] = {
        {"http://127.0.0.1:8770", "127.0.0.1", "8770", "127.0.0.1:8770", ""},
        {"http://example.org", "example.org", "80", "example.org", ""},
        {"http://example.org/", "example.org", "80", "example.org", ""},
        {"http://example.org:1/a/b/", "example.org", "1", "example.org:1", "/a/b"},
        {"http://[::1]:8770/x", "::1", "8770", "[::1]:8770", "/x"},
        {"http://[::1]", "::1", "80", "[::1]", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct target target;
        char text[300] = "";
        ck_assert_msg(target_parse(cases[i].url, &target, text, sizeof(text)), "%s", text);
        ck_assert_str_eq(target.host, cases[i].host);
        ck_assert_str_eq(target.port, cases[i].port);
        ck_assert_str_eq(target.authority, cases[i].authority);
        ck_assert_str_eq(target.prefix, cases[i].prefix);
    }
}
END_TEST

START_TEST(parse_other_texts_are_refused)
{
    static const char *const urls[] = {
        "",
        "127.0.0.1:8770",
        "http://",
        "http://:80",
        "http://host:",
        "http://host:0",
        "http://host:65536",
        "http://host:80x",
        "http://[::1",
        "http://[]:80",
        "http://[::1]x",
        "ftp://host",
        "https://host",
        "http://host/a b",
        "http://host/a?b",
        "http://user@host",
        "http://host\r\nX: y",
    };
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct target target;
        char text[300] = "";
        ck_assert_msg(!target_parse(urls[i], &target, text, sizeof(text)), "%s was taken", urls[i]);
        ck_assert_msg(*text, "no reason for %s", urls[i]);
    }
}
END_TEST

START_TEST(parse_names_too_long_are_refused)
{
    char url[2000] = "http://", text[300];
    struct target target;
    memset(url + 7, 'h', 1000);
    ck_assert(!target_parse(url, &target, text, sizeof(text)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("target");
    TCase *tc = tcase_create("target");
    tcase_add_test(tc, parse_urls_are_taken_apart);
    tcase_add_test(tc, parse_other_texts_are_refused);
    tcase_add_test(tc, parse_names_too_long_are_refused);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
