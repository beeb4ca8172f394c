/* test_log.c - whole lines, both formats, hostile values, the journal's prefix, repeats.
 * The log writes to stderr, so each test puts a pipe or a file in its place; Check runs each test
 * in a process of its own.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/log.h"
#include "engine/sparrow.h"

static char captured[4 << 20];

/* stderr becomes a file; read_back() gives what was written so far. */
static int capture(void)
{
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(dup2(fileno(file), STDERR_FILENO), STDERR_FILENO);
    return fileno(file);
}

static char *read_back(int fd)
{
    ssize_t n = pread(fd, captured, sizeof(captured) - 1, 0);
    ck_assert_int_ge(n, 0);
    captured[n] = '\0';
    return captured;
}

static size_t count(const char *text, const char *word)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, word)) != NULL; p += strlen(word))
        n++;
    return n;
}

START_TEST(logfmt_quotes_what_needs_it)
{
    int fd = capture();
    struct log *log = log_new();
    log_event(log, LOG_INFO, "listening", "address", "127.0.0.1:8770", "empty", "", "blank", "a b",
              "equals", "a=b", "quote", "a\"b", "control", "a\nb\x1b[31m", "null", NULL, NULL);
    char *line = read_back(fd);
    int end = 0;
    ck_assert_msg(sscanf(line, "time=%*4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ %n", &end) == 0 &&
                      end == (int)strlen("time=2026-01-02T03:04:05.678Z "),
                  "%s", line);
    ck_assert_str_eq(
        line + end,
        "level=info event=listening address=127.0.0.1:8770 empty=\"\" blank=\"a b\" equals=\"a=b\" "
        "quote=\"a\\\"b\" control=\"a\\nb\\u001b[31m\" null=null\n");
    log_free(log);
}
END_TEST

START_TEST(json_is_read_back_exactly_where_it_is_text)
{
    int fd = capture();
    struct log *log = log_new();
    ck_assert_int_eq(log_set_format(log, "json"), 0);
    static const char *const values[] = {
        "",    "plain", "a\"b\\c", "line\nfeed\ttab\r", "\x01\x1f\x7f", "\xc3\xa9\xf0\x9f\x90\xa6",
        "}{,:"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        log_event(log, LOG_ERROR, "odd value", "v", values[i], "w", "\xff\xc0\x80", NULL);
    char *line = read_back(fd);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        json_error_t error;
        json_t *object = json_loadb(line, strcspn(line, "\n"), 0, &error);
        ck_assert_msg(object != NULL, "%s in %s", error.text, line);
        ck_assert_str_eq(json_string_value(json_object_get(object, "v")), values[i]);
        ck_assert_str_eq(json_string_value(json_object_get(object, "w")),
                         "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
        ck_assert_str_eq(json_string_value(json_object_get(object, "level")), "error");
        ck_assert_str_eq(json_string_value(json_object_get(object, "event")), "odd value");
        ck_assert_uint_eq(json_object_size(object), 5);
        json_decref(object);
        line += strcspn(line, "\n") + 1;
    }
    log_free(log);
}
END_TEST

START_TEST(levels_hide_what_is_below_them)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    static const enum log_level levels[] = {LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
    int fd = capture();
    struct log *log = log_new();
    ck_assert(log_wants(log, LOG_INFO) && !log_wants(log, LOG_DEBUG));
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(log_set_level(log, names[i]), 0);
        for (size_t j = 0; j < 4; j++) {
            ck_assert_int_eq(log_wants(log, levels[j]), j <= i);
            log_event(log, levels[j], "x", "at", names[i], NULL);
        }
    }
    char *text = read_back(fd);
    ck_assert_uint_eq(count(text, "\n"), 1 + 2 + 3 + 4);
    ck_assert_uint_eq(count(text, "level=debug"), 1);
    ck_assert_uint_eq(count(text, "level=error"), 4);
    ck_assert_int_eq(log_set_level(log, "loud"), SPARROW_CONFIG);
    ck_assert_int_eq(log_set_format(log, "xml"), SPARROW_CONFIG);
    ck_assert(!log_wants(NULL, LOG_ERROR));
    log_free(log);
    log_free(NULL);
}
END_TEST

START_TEST(journal_gets_a_priority_and_no_time)
{
    int fd = capture();
    struct stat st;
    char stream[64];
    ck_assert_int_eq(fstat(fd, &st), 0);
    snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    struct log *log = log_new();
    log_event(log, LOG_WARNING, "low", NULL);
    log_set_format(log, "json");
    log_event(log, LOG_DEBUG, "not said", NULL);
    log_event(log, LOG_INFO, "fine", NULL);
    ck_assert_str_eq(read_back(fd),
                     "<4>level=warning event=low\n<6>{\"level\":\"info\",\"event\":\"fine\"}\n");
    log_free(log);

    snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino + 1);
    setenv("JOURNAL_STREAM", stream, 1); /* stderr has gone elsewhere since */
    log = log_new();
    log_event(log, LOG_INFO, "elsewhere", NULL);
    ck_assert_ptr_nonnull(strstr(read_back(fd), "\ntime="));
    log_free(log);
}
END_TEST

START_TEST(long_values_are_cut_and_lines_stay_well_formed)
{
    int fd = capture();
    struct log *log = log_new();
    char *huge = malloc(100001);
    memset(huge, '"', 100000); /* every byte doubles */
    huge[100000] = '\0';
    for (int json = 0; json < 2; json++) {
        log_set_format(log, json ? "json" : "logfmt");
        log_event(log, LOG_INFO, "huge", "a", huge, "b", huge, "c", huge, "d", "short", NULL);
    }
    char *text = read_back(fd), *second = strchr(text, '\n') + 1;
    ck_assert_uint_eq(count(text, "\n"), 2);
    ck_assert_int_le(second - text, 4096);
    ck_assert_uint_le(strlen(second), 4096);
    json_t *object = json_loads(second, 0, NULL);
    ck_assert_msg(object != NULL, "%s", second);
    ck_assert_str_eq(json_string_value(json_object_get(object, "d")), "short");
    const char *a = json_string_value(json_object_get(object, "a"));
    ck_assert_str_eq(a + strlen(a) - 4, "\"...");
    json_decref(object);
    free(huge);
    log_free(log);
}
END_TEST

START_TEST(lines_of_any_length_fill_the_buffer_without_breaking)
{
    /* Many pairs: the last ones do not fit, at every possible offset. */
    int fd = capture();
    struct log *log = log_new();
    log_set_format(log, "json");
    char value[768];
    for (int n = 0; n < 700; n++) {
        memset(value, 'v', sizeof(value));
        value[n] = '\0';
        log_event(log, LOG_INFO, "fill", "a", value, "b", value, "c", value, "d", value, "e", value,
                  "f", value, "g", value, NULL);
    }
    char *line = read_back(fd);
    for (int n = 0; n < 700; n++) {
        size_t len = strcspn(line, "\n");
        ck_assert_uint_le(len + 1, 4096);
        json_t *object = json_loadb(line, len, 0, NULL);
        ck_assert_msg(object != NULL, "n %d: %.*s", n, (int)len, line);
        json_decref(object);
        line += len + 1;
    }
    ck_assert_int_eq(*line, '\0');
    log_free(log);
}
END_TEST

START_TEST(repeats_are_counted_and_reported)
{
    int fd = capture();
    struct log *log = log_new();
    for (int i = 0; i < 500; i++) {
        log_event(log, LOG_WARNING, "slow client", "i", "x", NULL);
        log_event(log, LOG_INFO, "not limited", NULL);
    }
    log_event(log, LOG_WARNING, "another", NULL);
    char *text = read_back(fd);
    size_t said = count(text, "event=\"slow client\"");
    /* 10 a second; a slow machine may have begun another second on the way */
    ck_assert_msg(said >= 10 && said <= 40, "said %zu", said);
    ck_assert_uint_eq(count(text, "event=\"not limited\""), 500);
    ck_assert_uint_eq(count(text, "event=another"), 1);
    usleep(1100000);
    log_flush(log);
    log_flush(log);
    text = read_back(fd);
    unsigned suppressed = 0;
    for (char *p = text; (p = strstr(p, " suppressed=")) != NULL; p++)
        suppressed += (unsigned)strtoul(p + 12, NULL, 10);
    ck_assert_uint_eq(suppressed + count(text, "i=x"), 500); /* nothing is lost without a word */
    log_event(log, LOG_WARNING, "slow client", "i", "x", NULL);
    ck_assert_uint_eq(count(read_back(fd), "i=x"), 500 - suppressed + 1);
    log_free(log);
}
END_TEST

START_TEST(more_kinds_of_repeats_than_slots_are_all_accounted_for)
{
    int fd = capture();
    struct log *log = log_new();
    static char events[100][24];
    for (int i = 0; i < 100; i++)
        snprintf(events[i], sizeof(events[i]), "event%d", i);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 100; i++)
            log_event(log, LOG_ERROR, events[i], "i", "x", NULL);
    }
    log_free(log);
    char *text = read_back(fd);
    unsigned suppressed = 0;
    for (char *p = text; (p = strstr(p, " suppressed=")) != NULL; p++)
        suppressed += (unsigned)strtoul(p + 12, NULL, 10);
    ck_assert_uint_eq(suppressed + count(text, "i=x"), 2000);
}
END_TEST

#define WRITERS 4
#define LINES   2000

static void *write_lines(void *arg)
{
    for (int i = 0; i < LINES; i++) {
        log_event(arg, LOG_INFO, "many", "value",
                  "something of a certain length, to be torn apart if it can be", NULL);
        if (i % 100 == 0)
            log_set_format(arg, i % 200 == 0 ? "json" : "logfmt");
        log_event(arg, LOG_WARNING, "limited", NULL);
    }
    return NULL;
}

START_TEST(lines_of_threads_never_mix)
{
    int fd = capture();
    struct log *log = log_new();
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_APPEND), 0);
    pthread_t threads[WRITERS];
    for (int i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_lines, log), 0);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    log_free(log);
    char *line = read_back(fd);
    size_t many = 0;
    for (; *line != '\0'; line += strcspn(line, "\n") + 1) {
        bool json = line[0] == '{';
        ck_assert_msg(json || strncmp(line, "time=", 5) == 0, "%.80s", line);
        if (strncmp(strstr(line, "event") + (json ? 8 : 6), "many", 4) != 0)
            continue;
        many++;
        const char *end = line + strcspn(line, "\n");
        ck_assert_msg(memcmp(end - (json ? 4 : 3), json ? "be\"}" : "be\"", json ? 4 : 3) == 0,
                      "%.200s", line);
    }
    ck_assert_uint_eq(many, WRITERS * LINES);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *cases = tcase_create("log");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, logfmt_quotes_what_needs_it);
    tcase_add_test(cases, json_is_read_back_exactly_where_it_is_text);
    tcase_add_test(cases, levels_hide_what_is_below_them);
    tcase_add_test(cases, journal_gets_a_priority_and_no_time);
    tcase_add_test(cases, long_values_are_cut_and_lines_stay_well_formed);
    tcase_add_test(cases, lines_of_any_length_fill_the_buffer_without_breaking);
    tcase_add_test(cases, repeats_are_counted_and_reported);
    tcase_add_test(cases, more_kinds_of_repeats_than_slots_are_all_accounted_for);
    tcase_add_test(cases, lines_of_threads_never_mix);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
