/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/sparrow/options.h"

struct settings {
    const char *text;
    bool flag, other;
    size_t count;
    double real;
    struct options_list list;
};

static const struct options_option options[] = {
    {.name = "text",
     .letter = 't',
     .kind = OPTIONS_TEXT,
     .offset = offsetof(struct settings, text),
     .value = "T",
     .help = "a text"},
    {.name = "flag",
     .letter = 'f',
     .kind = OPTIONS_FLAG,
     .offset = offsetof(struct settings, flag),
     .help = "a flag"},
    {.name = "other",
     .letter = 'o',
     .kind = OPTIONS_FLAG,
     .offset = offsetof(struct settings, other),
     .help = "another"},
    {.name = "count",
     .letter = 'n',
     .kind = OPTIONS_SIZE,
     .offset = offsetof(struct settings, count),
     .value = "N",
     .fallback = "7",
     .min = 1,
     .max = 100,
     .help = "a count"},
    {.name = "real",
     .kind = OPTIONS_REAL,
     .offset = offsetof(struct settings, real),
     .value = "X",
     .fallback = "0.5",
     .min = 0,
     .max = 1,
     .help = "a share"},
    {.name = "list",
     .letter = 'l',
     .kind = OPTIONS_LIST,
     .offset = offsetof(struct settings, list),
     .value = "W",
     .help = "words"},
};

static const struct options_command command = {
    .name = "try",
    .operands = "FILE...",
    .min_operands = 1,
    .max_operands = 3,
    .summary = "try",
    .details = "Tries.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .settings_size = sizeof(struct settings),
};

static char text[300];

/* Parses words that end with NULL. */
static bool parse(struct options_line *line, const char *const *words)
{
    int count = 0;
    while (words[count])
        count++;
    return options_parse(&command, count, (char *const *)(uintptr_t)words, line, text,
                         sizeof(text));
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void refuses(const char *const *words, const char *why)
{
    struct options_line line;
    ck_assert_msg(!parse(&line, words), "%s was taken", words[0]);
    ck_assert_str_eq(text, why);
}

START_TEST(parse_every_form_is_understood)
{
    struct options_line line;
    ck_assert_msg(parse(&line, WORDS("a", "--text", "x", "--count=9", "-fo", "-lone", "-l", "two",
                                     "--list=three", "--real", "0.25", "-", "--", "--flag")),
                  "%s", text);
    const struct settings *s = line.settings;
    ck_assert_str_eq(s->text, "x");
    ck_assert_uint_eq(s->count, 9);
    ck_assert(s->flag && s->other);
    ck_assert_double_eq(s->real, 0.25);
    ck_assert_uint_eq(s->list.count, 3);
    ck_assert_str_eq(s->list.items[0], "one");
    ck_assert_str_eq(s->list.items[1], "two");
    ck_assert_str_eq(s->list.items[2], "three");
    ck_assert_uint_eq(line.operands.count, 3);
    ck_assert_str_eq(line.operands.items[1], "-");
    ck_assert_str_eq(line.operands.items[2], "--flag");
    options_done(&command, &line);
}
END_TEST

START_TEST(parse_nothing_given_takes_fallbacks)
{
    struct options_line line;
    ck_assert(parse(&line, WORDS("a")));
    const struct settings *s = line.settings;
    ck_assert_uint_eq(s->count, 7);
    ck_assert_double_eq(s->real, 0.5);
    ck_assert_ptr_null(s->text);
    ck_assert(!s->flag && !line.help);
    options_done(&command, &line);
}
END_TEST

START_TEST(parse_last_of_two_wins)
{
    struct options_line line;
    ck_assert(parse(&line, WORDS("a", "-n1", "-n", "2")));
    ck_assert_uint_eq(((const struct settings *)line.settings)->count, 2);
    options_done(&command, &line);
}
END_TEST

START_TEST(parse_wrong_lines_are_refused_with_the_reason)
{
    refuses(WORDS("a", "--cuont", "3"), "unknown option --cuont: did you mean --count?");
    refuses(WORDS("a", "--elsewhere"),
            "unknown option --elsewhere (sparrow try --help lists them)");
    refuses(WORDS("a", "-x"), "unknown option -x (sparrow try --help lists them)");
    refuses(WORDS("a", "--text"), "--text wants a value (T)");
    refuses(WORDS("a", "-n"), "--count wants a value (N)");
    refuses(WORDS("a", "--flag=1"), "--flag takes no value");
    refuses(WORDS("a", "--count", "0"), "--count wants a number from 1 to 100, not 0");
    refuses(WORDS("a", "--count", "101"), "--count wants a number from 1 to 100, not 101");
    refuses(WORDS("a", "--count", "1.5"), "--count wants a whole number, not \"1.5\"");
    refuses(WORDS("a", "--count", "-1"), "--count wants a number from 1 to 100, not -1");
    refuses(WORDS("a", "--count", ""), "--count wants a whole number, not \"\"");
    refuses(WORDS("a", "--real", "nan"), "--real wants a number, not \"nan\"");
    refuses(WORDS("a", "--real", "inf"), "--real wants a number, not \"inf\"");
    refuses(WORDS("a", "--real", "1e999"), "--real wants a number, not \"1e999\"");
    refuses(WORDS("a", "--real", "0.5x"), "--real wants a number, not \"0.5x\"");
    refuses(WORDS("--flag"), "try wants FILE... (sparrow try --help explains)");
    refuses(WORDS("a", "b", "c", "d"), "try does not know what to do with \"d\"");
}
END_TEST

START_TEST(parse_help_needs_nothing_else)
{
    struct options_line line;
    ck_assert(parse(&line, WORDS("--help")));
    ck_assert(line.help);
    options_done(&command, &line);
    ck_assert(parse(&line, WORDS("-h", "--nonsense")));
    ck_assert(line.help);
    options_done(&command, &line);
}
END_TEST

START_TEST(help_names_every_option_within_80_columns)
{
    char *out = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&out, &size);
    options_help(&command, file);
    fclose(file);
    for (size_t i = 0; i < command.option_count; i++) {
        char name[64];
        snprintf(name, sizeof(name), "--%s", options[i].name);
        ck_assert_msg(strstr(out, name), "%s is missing in: %s", name, out);
    }
    ck_assert_msg(strstr(out, "a count (default 7)"), "no default in: %s", out);
    for (const char *at = out; *at;) {
        size_t n = strcspn(at, "\n");
        ck_assert_msg(n <= 80, "too long: %.*s", (int)n, at);
        at += n + (at[n] == '\n');
    }
    free(out);
}
END_TEST

START_TEST(fold_keeps_paragraphs_and_lines_that_begin_with_a_blank)
{
    char *out = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&out, &size);
    options_fold("one two\nthree\n\n  as it  is\n  second\n\n"
                 "012345678901234567890123456789012345678901234567890123456789012345678901234567 "
                 "word\n  end",
                 1, file);
    fclose(file);
    ck_assert_str_eq(
        out, " one two three\n\n   as it  is\n   second\n\n"
             " 012345678901234567890123456789012345678901234567890123456789012345678901234567\n"
             " word\n   end\n");
    free(out);
}
END_TEST

START_TEST(nearest_finds_slips_only)
{
    static const char *const names[] = {"recognize", "features", "scores", "info"};
    ck_assert_str_eq(options_nearest("recognise", names, 4), "recognize");
    ck_assert_str_eq(options_nearest("score", names, 4), "scores");
    ck_assert_ptr_null(options_nearest("something", names, 4));
    ck_assert_ptr_null(options_nearest("", names, 4));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *tc = tcase_create("options");
    tcase_add_test(tc, parse_every_form_is_understood);
    tcase_add_test(tc, parse_nothing_given_takes_fallbacks);
    tcase_add_test(tc, parse_last_of_two_wins);
    tcase_add_test(tc, parse_wrong_lines_are_refused_with_the_reason);
    tcase_add_test(tc, parse_help_needs_nothing_else);
    tcase_add_test(tc, help_names_every_option_within_80_columns);
    tcase_add_test(tc, fold_keeps_paragraphs_and_lines_that_begin_with_a_blank);
    tcase_add_test(tc, nearest_finds_slips_only);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
