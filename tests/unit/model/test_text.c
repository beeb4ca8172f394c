/* test_text.c - which texts may be shown.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/model/text.h"
#include "tests/unit/suite.h"

START_TEST(printable_takes_words_of_all_scripts)
{
    static const char *const good[] = {"",
                                       "yes",
                                       "caf\xc3\xa9",
                                       "\xe4\xb8\x8a",
                                       "\xf0\x9f\x90\xa6",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xc2\xa0"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(sp_text_is_printable(good[i], 63, false), "text %zu", i);
}
END_TEST

START_TEST(printable_refuses_what_hides_or_is_malformed)
{
    static const char *const bad[] = {"a\nb",
                                      "\x1b[0m",
                                      "\x7f",
                                      "\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2z",
                                      "\xc2\x85",
                                      "\xe0\x80\x80",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xe4\xb8",
                                      "\xf0\x80\x80\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xfe",
                                      "\xe2\x80\xae",
                                      "\xe2\x80\xa8",
                                      "\xef\xbb\xbf",
                                      "\xef\xbf\xbf",
                                      "\xf8\x88\x80\x80\x80",
                                      "\xe2\x80\x8b"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!sp_text_is_printable(bad[i], 63, false), "text %zu", i);
    ck_assert(sp_text_is_printable("a\nb", 63, true));
    ck_assert(!sp_text_is_printable("a\rb", 63, true));
    ck_assert(sp_text_is_printable("abc", 3, false));
    ck_assert(!sp_text_is_printable("abcd", 3, false));
}
END_TEST

START_TEST(names_are_plain)
{
    ck_assert(sp_text_is_name("commands_2-b", 63));
    ck_assert(!sp_text_is_name("", 63));
    ck_assert(!sp_text_is_name("Commands", 63));
    ck_assert(!sp_text_is_name("a b", 63));
    ck_assert(!sp_text_is_name("abcd", 3));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {printable_takes_words_of_all_scripts,
                                  printable_refuses_what_hides_or_is_malformed, names_are_plain};
    return suite_run("model-text", tests, sizeof(tests) / sizeof(tests[0]));
}
