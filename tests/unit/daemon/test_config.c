/* test_config.c - every key at and beyond its bounds, from each place; the example is the defaults;
 * every error has its line.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config.h"

/* A load with its report. */
struct outcome {
    int status;
    struct config *config;
    char *report;
    size_t n;
    struct sparrow_error err;
};

static struct outcome load(const char *file, const char *const *overrides)
{
    struct outcome o = {0};
    FILE *report = open_memstream(&o.report, &o.n);
    o.status = config_load(file, overrides, report, &o.config, &o.err);
    fclose(report);
    return o;
}

static void done(struct outcome *o)
{
    if (o->status == 0)
        config_unref(o->config);
    free(o->report);
}

static char file_name[] = "test_config.XXXXXX";

static struct outcome load_text(const char *text, size_t n)
{
    memcpy(file_name, "test_config.XXXXXX", sizeof(file_name));
    int fd = mkstemp(file_name);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, n), (ssize_t)n);
    close(fd);
    struct outcome o = load(file_name, NULL);
    unlink(file_name);
    return o;
}

static struct outcome load_override(const char *override)
{
    const char *const overrides[] = {override, NULL};
    return load(NULL, overrides);
}

static char *value_of(const struct config *config, const struct config_key *k)
{
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    config_print_value(config, k, out);
    fclose(out);
    return text;
}

static size_t count_lines(const char *s)
{
    size_t n = 0;
    for (; *s != '\0'; s++)
        n += *s == '\n';
    return n;
}

static void expect_same(const struct config *a, const struct config *b)
{
    for (size_t i = 0; i < config_key_count; i++) {
        char *va = value_of(a, &config_keys[i]), *vb = value_of(b, &config_keys[i]);
        ck_assert_msg(strcmp(va, vb) == 0, "%s.%s: %s and %s", config_keys[i].section,
                      config_keys[i].key, va, vb);
        free(va);
        free(vb);
    }
}

START_TEST(defaults_load_and_are_within_their_own_bounds)
{
    struct outcome o = load(NULL, NULL);
    ck_assert_msg(o.status == 0, "%s", o.report);
    ck_assert_str_eq(o.report, "");
    ck_assert_str_eq(o.config->server_listen, "127.0.0.1:8770");
    ck_assert(!o.config->server_insecure);
    ck_assert(o.config->replicas_lane);
    ck_assert_uint_eq(o.config->server_max_body, 16777216);
    ck_assert_double_eq(o.config->server_idle_timeout, 75);
    ck_assert_str_eq(o.config->models_path, "");
    done(&o);
}
END_TEST

/* The key with value: must load, and read back as `want` (NULL: value itself), from the command
 * line, a file and the environment. */
static void expect_good(const struct config_key *k, const char *value, const char *want)
{
    char text[200], name[80];
    struct outcome o[3];
    snprintf(text, sizeof(text), "%s.%s=%s", k->section, k->key, value);
    o[0] = load_override(text);
    int n = snprintf(text, sizeof(text), "[%s]\n%s = %s\n", k->section, k->key, value);
    o[1] = load_text(text, (size_t)n);
    snprintf(name, sizeof(name), "SPARROWD_%s_%s", k->section, k->key);
    for (char *p = name; *p != '\0'; p++)
        *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
    setenv(name, value, 1);
    o[2] = load(NULL, NULL);
    unsetenv(name);
    for (int i = 0; i < 3; i++) {
        ck_assert_msg(o[i].status == 0, "%s.%s = %s, place %d: %s", k->section, k->key, value, i,
                      o[i].report);
        char *got = value_of(o[i].config, k);
        ck_assert_msg(strcmp(got, want) == 0, "%s.%s = %s, place %d: got %s, want %s", k->section,
                      k->key, value, i, got, want);
        free(got);
        done(&o[i]);
    }
}

/* Must be refused with one line that names the key and holds `word`. */
static void expect_bad(const struct config_key *k, const char *value, const char *word)
{
    char text[300];
    snprintf(text, sizeof(text), "%s.%s=%s", k->section, k->key, value);
    struct outcome o = load_override(text);
    snprintf(text, sizeof(text), "command line: %s.%s = ", k->section, k->key);
    ck_assert_msg(o.status == SPARROW_CONFIG, "%s.%s = %s was taken", k->section, k->key, value);
    ck_assert_msg(strncmp(o.report, text, strlen(text)) == 0 && count_lines(o.report) == 1, "%s",
                  o.report);
    ck_assert_msg(strstr(o.report, word) != NULL, "no \"%s\" in %s", word, o.report);
    ck_assert_int_eq(o.err.status, SPARROW_CONFIG);
    done(&o);
}

START_TEST(each_number_at_min_max_below_above_and_rubbish)
{
    static const char *const rubbish[] = {"",    "x", "-1",  "+1",  "1x", "0x10", "1e3", "nan",
                                          "inf", " ", "1 2", "1,5", "--", ".",    "1..2"};
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *k = &config_keys[i];
        bool real = k->type == CONFIG_REAL;
        char value[64], want[64], bounds[64];
        if (k->type != CONFIG_UINT && !real)
            continue;
        snprintf(bounds, sizeof(bounds), "between %.10g and %.10g", k->min, k->max);
        for (int end = 0; end < 2; end++) {
            double bound = end == 0 ? k->min : k->max;
            snprintf(value, sizeof(value), real ? "%.6f" : "%.0f", bound);
            snprintf(want, sizeof(want), real ? "%.9f" : "%.0f", bound);
            expect_good(k, value, want);
        }
        snprintf(value, sizeof(value), real ? "%.6f" : "%.0f", k->max + (real ? 0.001 : 1));
        expect_bad(k, value, bounds);
        if (k->min > 0) { /* below 0 there is only rubbish: no sign is read */
            snprintf(value, sizeof(value), real ? "%.6f" : "%.0f", real ? k->min / 2 : k->min - 1);
            expect_bad(k, value, bounds);
        }
        expect_bad(k, "99999999999999999999999999", bounds);
        for (size_t r = 0; r < sizeof(rubbish) / sizeof(rubbish[0]); r++)
            expect_bad(k, rubbish[r], bounds);
        if (!real)
            expect_bad(k, "1.5", bounds);
    }
}
END_TEST

START_TEST(each_word_key_takes_its_words_alone)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *k = &config_keys[i];
        if (k->type == CONFIG_BOOL) {
            static const char *const yes[] = {"yes", "true", "on", "1", "YES"}, *const no[] = {
                                                                                    "no", "false",
                                                                                    "off", "0",
                                                                                    "No"};
            for (size_t w = 0; w < 5; w++) {
                expect_good(k, yes[w], "yes");
                expect_good(k, no[w], "no");
            }
            expect_bad(k, "", "yes or no");
            expect_bad(k, "2", "yes or no");
            expect_bad(k, "y", "yes or no");
        } else if (k->type == CONFIG_CHOICE) {
            char words[128], *save = NULL;
            snprintf(words, sizeof(words), "%s", k->unit);
            for (char *w = strtok_r(words, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
                expect_good(k, w, w);
            expect_bad(k, "", "must be one of");
            expect_bad(k, "loud", "must be one of");
            expect_bad(k, k->unit, "must be one of"); /* the list itself is no word of it */
        } else if (k->type == CONFIG_STRING) {
            expect_good(k, "some:thing/else, 2", "some:thing/else, 2");
            expect_good(k, "", "");
        }
    }
}
END_TEST

START_TEST(bytes_take_suffixes_and_counts_do_not)
{
    const struct config_key *bytes = config_find("server", "max_body"),
                            *count = config_find("server", "lanes");
    expect_good(bytes, "1K", "1024");
    expect_good(bytes, "16m", "16777216");
    expect_good(bytes, "1G", "1073741824");
    expect_bad(bytes, "2G", "between 1024 and");
    expect_bad(bytes, "99999999999999999G", "between 1024 and");
    expect_bad(bytes, "1KK", "whole number");
    expect_bad(bytes, "K", "whole number");
    expect_bad(bytes, "1KB", "whole number");
    expect_bad(count, "1K", "whole number");
}
END_TEST

START_TEST(later_places_win)
{
    static const char text[] =
        "[server]\nlanes = 3\nmax_connections = 30\n[schedule]\nqueue_words = 33\n";
    memcpy(file_name, "test_config.XXXXXX", sizeof(file_name));
    int fd = mkstemp(file_name);
    ck_assert_int_eq(write(fd, text, sizeof(text) - 1), (ssize_t)sizeof(text) - 1);
    close(fd);
    setenv("SPARROWD_SERVER_MAX_CONNECTIONS", "40", 1);
    setenv("SPARROWD_SCHEDULE_QUEUE_WORDS", "44", 1);
    const char *const overrides[] = {"schedule.queue_words=55", "schedule.queue_words=56", NULL};
    struct outcome o = load(file_name, overrides);
    unlink(file_name);
    ck_assert_msg(o.status == 0, "%s", o.report);
    ck_assert_uint_eq(o.config->server_lanes, 3);
    ck_assert_uint_eq(o.config->server_max_connections, 40);
    ck_assert_uint_eq(o.config->schedule_queue_words, 56);
    done(&o);
}
END_TEST

START_TEST(every_error_of_a_file_is_listed_with_its_line)
{
    static const char text[] =
        "lanes = 1\n" /* 1: before the first section */
        "[server]\n"
        "listn = x\n"      /* 3: unknown, near listen */
        "max_body = 17x\n" /* 4: not a number */
        "lanes = 999\n"    /* 5: above */
        "lanes = 1\n"      /* 6: twice */
        "  level = info\n" /* 7: indented is no continuation; belongs to [log] */
        "; a comment\n"
        "# another\n"
        "\n"
        "no equals here\n" /* 11 */
        "[modles]\n"       /* 12 */
        "path = x\n"       /*     said at 12 */
        "[server\n"        /* 14 */
        "[log]\n"
        "level = loud ; why not\n" /* 16 */
        "= 3\n"                    /* 17: an empty name */
        "xyzzy = 1";               /* 18: unknown, near nothing; no newline at the end */
    static const struct {
        unsigned line;
        const char *word;
    } want[] = {{1, "before the first [section]"},
                {3, "did you mean server.listen?"},
                {4, "17x"},
                {5, "between 0 and 256"},
                {6, "first in line 5"},
                {7, "did you mean log.level?"},
                {11, "neither"},
                {12, "did you mean [models]?"},
                {14, "does not end with ]"},
                {16, "must be one of: error warning info debug"},
                {17, "unknown key log."},
                {18, "unknown key log.xyzzy\n"}};
    struct outcome o = load_text(text, sizeof(text) - 1);
    ck_assert_int_eq(o.status, SPARROW_CONFIG);
    const char *line = o.report;
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        char prefix[64];
        snprintf(prefix, sizeof(prefix), "%s:%u: ", file_name, want[i].line);
        const char *end = strchr(line, '\n');
        ck_assert_msg(end != NULL && strncmp(line, prefix, strlen(prefix)) == 0, "want %s in\n%s",
                      prefix, o.report);
        const char *found = strstr(line, want[i].word);
        ck_assert_msg(found != NULL && found <= end, "want %s at line %u in\n%s", want[i].word,
                      want[i].line, o.report);
        line = end + 1;
    }
    ck_assert_msg(*line == '\0', "more than expected: %s", line);
    ck_assert_msg(strstr(o.err.text, ":1: ") != NULL, "the first error is kept: %s", o.err.text);
    done(&o);
}
END_TEST

START_TEST(long_lines_nul_bytes_and_marks_are_handled)
{
    char text[1200];
    struct outcome o;
    int n = snprintf(text, sizeof(text), "[server]\nlisten = %0600d\nlanes = 2\n", 1);
    o = load_text(text, (size_t)n);
    ck_assert_int_eq(o.status, SPARROW_CONFIG);
    ck_assert_msg(strstr(o.report, ":2: the line is longer than ") != NULL &&
                      count_lines(o.report) == 1,
                  "%s", o.report);
    done(&o);

    o = load_text("[server]\nlanes = 2\0 3\n", 22);
    ck_assert_msg(o.status == SPARROW_CONFIG && strstr(o.report, ":2: a NUL byte") != NULL, "%s",
                  o.report);
    done(&o);

    static const char marked[] = "\xef\xbb\xbf[server]\r\nlanes = 2\r\n";
    o = load_text(marked, sizeof(marked) - 1);
    ck_assert_msg(o.status == 0, "%s", o.report);
    ck_assert_uint_eq(o.config->server_lanes, 2);
    done(&o);

    static const char controls[] = "[server]\n\x1b[31mred = 1\n";
    o = load_text(controls, sizeof(controls) - 1);
    ck_assert_int_eq(o.status, SPARROW_CONFIG);
    ck_assert_ptr_null(strchr(o.report, '\x1b'));
    done(&o);
}
END_TEST

START_TEST(a_file_that_is_not_there_or_is_a_folder_says_so)
{
    struct outcome o = load("no/such/file.conf", NULL);
    ck_assert_int_eq(o.status, SPARROW_CONFIG);
    ck_assert_str_eq(o.report, "no/such/file.conf: No such file or directory\n");
    done(&o);
    o = load("/", NULL);
    ck_assert_int_eq(o.status, SPARROW_CONFIG);
    done(&o);
}
END_TEST

START_TEST(environment_slips_are_errors_and_strangers_are_not)
{
    static const char *const strangers[] = {"SPARROWD_SERVICE_HOST",
                                            "SPARROWD_SERVICE_PORT",
                                            "SPARROWD_SERVICE_PORT_HTTP",
                                            "SPARROWD_PORT",
                                            "SPARROWD_PORT_8770_TCP",
                                            "SPARROWD_PORT_8770_TCP_ADDR",
                                            "SPARROWD_",
                                            "SPARROWD",
                                            "SPARROW_CPU"};
    for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++)
        setenv(strangers[i], "tcp://10.0.0.1:8770", 1);
    struct outcome o = load(NULL, NULL);
    ck_assert_msg(o.status == 0, "%s", o.report);
    done(&o);
    setenv("SPARROWD_SERVER_LISTENN", "x", 1);
    setenv("SPARROWD_SEVER_LISTEN", "x", 1);
    setenv("SPARROWD_SERVER_LANES", "x", 1);
    o = load(NULL, NULL);
    ck_assert_int_eq(o.status, SPARROW_CONFIG);
    ck_assert_uint_eq(count_lines(o.report), 3);
    ck_assert_ptr_nonnull(strstr(o.report, "environment SPARROWD_SEVER_LISTEN: unknown key "
                                           "sever.listen; did you mean server.listen?"));
    done(&o);
}
END_TEST

START_TEST(overrides_that_are_no_assignment_are_errors)
{
    static const char *const bad[] = {
        "",   "=",         "server",   "server.lanes",     "lanes=1",         "server=1.2",
        ".=", "server.=1", ".lanes=1", "server.lanes.x=1", "nothing.at_all=1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct outcome o = load_override(bad[i]);
        ck_assert_msg(o.status == SPARROW_CONFIG && count_lines(o.report) == 1, "%s: %s", bad[i],
                      o.report);
        done(&o);
    }
}
END_TEST

/* The example with every key switched on: "#key = value" loses its '#', prose ("# ...") stays. */
static size_t uncomment(char *text)
{
    size_t keys = 0;
    char *to = text;
    for (char *p = text; *p != '\0'; p++) {
        if (*p == '#' && (p == text || p[-1] == '\n') && p[1] >= 'a' && p[1] <= 'z') {
            keys++;
            continue;
        }
        *to++ = *p;
    }
    *to = '\0';
    return keys;
}

START_TEST(example_is_the_defaults_commented_or_not)
{
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    config_print_example(out);
    fclose(out);
    struct outcome defaults = load(NULL, NULL), commented = load_text(text, n);
    ck_assert_msg(commented.status == 0, "%s", commented.report);
    expect_same(defaults.config, commented.config);
    ck_assert_uint_eq(uncomment(text), config_key_count);
    struct outcome full = load_text(text, strlen(text));
    ck_assert_msg(full.status == 0, "%s", full.report);
    expect_same(defaults.config, full.config);
    done(&defaults);
    done(&commented);
    done(&full);
    free(text);
}
END_TEST

START_TEST(what_is_printed_reads_back_the_same)
{
    /* Every key away from its default, printed as a file, loaded again. */
    char *overrides[128] = {0};
    char *text;
    size_t n;
    ck_assert_uint_lt(config_key_count, 127);
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *k = &config_keys[i];
        char value[64] = "other";
        if (k->type == CONFIG_BOOL)
            snprintf(value, sizeof(value), "%s", strcmp(k->def, "yes") == 0 ? "no" : "yes");
        else if (k->type == CONFIG_CHOICE)
            snprintf(value, sizeof(value), "%s", strrchr(k->unit, ' ') + 1);
        else if (k->type == CONFIG_UINT)
            snprintf(value, sizeof(value), "%.0f", k->max - 1);
        else if (k->type == CONFIG_REAL)
            snprintf(value, sizeof(value), "%.3f", k->max / 3);
        overrides[i] = malloc(160);
        snprintf(overrides[i], 160, "%s.%s=%s", k->section, k->key, value);
    }
    struct outcome a = load(NULL, (const char *const *)overrides);
    ck_assert_msg(a.status == 0, "%s", a.report);
    FILE *out = open_memstream(&text, &n);
    for (size_t i = 0; i < config_key_count; i++) {
        fprintf(out, "[%s]\n%s = ", config_keys[i].section, config_keys[i].key);
        config_print_value(a.config, &config_keys[i], out);
        fputc('\n', out);
        free(overrides[i]);
    }
    fclose(out);
    struct outcome b = load_text(text, n);
    ck_assert_msg(b.status == 0, "%s", b.report);
    expect_same(a.config, b.config);

    /* and every key that only a restart applies is named, no other */
    struct outcome defaults = load(NULL, NULL);
    char *names;
    size_t restart = 0;
    out = open_memstream(&names, &n);
    size_t counted = config_restart_needed(defaults.config, a.config, out);
    fclose(out);
    for (size_t i = 0; i < config_key_count; i++) {
        char name[80];
        snprintf(name, sizeof(name), "%s.%s\n", config_keys[i].section, config_keys[i].key);
        restart += !config_keys[i].reload;
        ck_assert_msg((strstr(names, name) != NULL) == !config_keys[i].reload, "%s in\n%s", name,
                      names);
    }
    ck_assert_uint_eq(counted, restart);
    ck_assert_uint_eq(config_restart_needed(a.config, b.config, NULL), 0);
    free(names);
    free(text);
    done(&a);
    done(&b);
    done(&defaults);
}
END_TEST

START_TEST(texts_name_every_key)
{
    void (*const printers[])(FILE *) = {config_print_example, config_print_man, config_print_help,
                                        config_print_markdown};
    for (size_t p = 0; p < 4; p++) {
        char *text;
        size_t n;
        FILE *out = open_memstream(&text, &n);
        printers[p](out);
        fclose(out);
        for (size_t i = 0; i < config_key_count; i++)
            ck_assert_msg(strstr(text, config_keys[i].key) != NULL, "text %zu lacks %s", p,
                          config_keys[i].key);
        free(text);
    }
}
END_TEST

START_TEST(table_is_in_order)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *k = &config_keys[i];
        ck_assert_ptr_eq(config_find(k->section, k->key), k); /* no name twice */
        ck_assert_msg(strchr(k->section, '_') == NULL, "%s: the environment splits at the first _",
                      k->section);
        ck_assert_msg(k->min <= k->max && k->sentence[0] != '\0', "%s", k->key);
        ck_assert_uint_lt(strlen(k->section) + strlen(k->key), 50);
    }
}
END_TEST

START_TEST(references_keep_a_config)
{
    struct outcome o = load(NULL, NULL);
    struct config *other = config_ref(o.config);
    config_unref(o.config);
    ck_assert_str_eq(other->log_level, "info");
    config_unref(other);
    config_unref(NULL);
    free(o.report);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *cases = tcase_create("config");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, defaults_load_and_are_within_their_own_bounds);
    tcase_add_test(cases, each_number_at_min_max_below_above_and_rubbish);
    tcase_add_test(cases, each_word_key_takes_its_words_alone);
    tcase_add_test(cases, bytes_take_suffixes_and_counts_do_not);
    tcase_add_test(cases, later_places_win);
    tcase_add_test(cases, every_error_of_a_file_is_listed_with_its_line);
    tcase_add_test(cases, long_lines_nul_bytes_and_marks_are_handled);
    tcase_add_test(cases, a_file_that_is_not_there_or_is_a_folder_says_so);
    tcase_add_test(cases, environment_slips_are_errors_and_strangers_are_not);
    tcase_add_test(cases, overrides_that_are_no_assignment_are_errors);
    tcase_add_test(cases, example_is_the_defaults_commented_or_not);
    tcase_add_test(cases, what_is_printed_reads_back_the_same);
    tcase_add_test(cases, texts_name_every_key);
    tcase_add_test(cases, table_is_in_order);
    tcase_add_test(cases, references_keep_a_config);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
