/* test_metrics.c - counting on several threads, and an exposition that says one thing in both
 * formats. The exposition is parsed back: promtool notices neither series that come twice nor
 * buckets that go down.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/metrics.h"
#include "daemon/process.h"

static const struct {
    const char *name, *kind, *labels;
} table[METRIC_COUNT] = {
#define METRIC(id, kind, name, labels, help) [METRIC_##id] = {name, #kind, labels},
#include "daemon/metrics.def"
#undef METRIC
};

#define SERIES_MAX 1000
struct exposition {
    char *text; /* owned; NUL-terminated, lines cut by NULs */
    size_t lines;
    char *line[SERIES_MAX * 2];
};

static struct exposition render(struct metrics *m, bool openmetrics)
{
    struct text t = {0};
    struct exposition x = {0};
    metrics_render(m, openmetrics, &t);
    ck_assert(!t.bad);
    ck_assert_int_eq(t.data[t.len - 1], '\n');
    text_add(&t, "", 1);
    x.text = t.data;
    for (char *p = x.text; *p != '\0'; p += strlen(p) + 1) {
        ck_assert_uint_lt(x.lines, SERIES_MAX * 2);
        x.line[x.lines++] = p;
        p[strcspn(p, "\n")] = '\0';
    }
    return x;
}

/* The value of "name{labels}" as written; NAN if it is not there; twice is a failure. */
static double value(const struct exposition *x, const char *series)
{
    double v = NAN;
    unsigned found = 0;
    size_t n = strlen(series);
    for (size_t i = 0; i < x->lines; i++) {
        if (strncmp(x->line[i], series, n) == 0 && x->line[i][n] == ' ') {
            v = strtod(x->line[i] + n + 1, NULL);
            found++;
        }
    }
    ck_assert_msg(found <= 1, "%s is there %u times", series, found);
    return v;
}

START_TEST(label_indices_are_those_of_the_table)
{
    static const struct {
        enum metric id;
        unsigned count;
        const char *last;
    } want[] = {{METRIC_REQUESTS, OUTCOME_CANCELLED + 1, "|cancelled"},
                {METRIC_STAGE, STAGE_TOTAL + 1, "|total"},
                {METRIC_REFUSED, REFUSED_OTHER + 1, "|other"}};
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        unsigned n = 1;
        const char *labels = table[want[i].id].labels;
        for (const char *p = labels; *p != '\0'; p++)
            n += *p == '|';
        ck_assert_uint_eq(n, want[i].count);
        ck_assert_str_eq(labels + strlen(labels) - strlen(want[i].last), want[i].last);
    }
    struct metrics *m = metrics_new();
    struct metrics_block *b = metrics_block(m);
    metrics_count(b, METRIC_REFUSED, REFUSED_SLOW_CLIENT, 3);
    struct exposition x = render(m, false);
    ck_assert_double_eq(value(&x, "sparrow_refused_total{reason=\"slow_client\"}"), 3);
    ck_assert_double_eq(value(&x, "sparrow_refused_total{reason=\"malformed\"}"), 0);
    free(x.text);
    metrics_free(m);
}
END_TEST

START_TEST(counters_and_histograms_show_zeros_from_the_start)
{
    struct metrics *m = metrics_new();
    struct exposition x = render(m, false);
    size_t series = 0, comments = 0;
    for (size_t i = 0; i < x.lines; i++) {
        if (x.line[i][0] == '#')
            comments++;
        else
            ck_assert_msg(strcmp(strrchr(x.line[i], ' '), " 0") == 0, "%s", x.line[i]);
        series += x.line[i][0] != '#';
    }
    ck_assert_uint_eq(comments,
                      2 * METRIC_COUNT); /* HELP and TYPE also for what has no series yet */
    ck_assert_msg(series > 100, "%zu", series);
    ck_assert_double_eq(value(&x, "sparrow_words_total"), 0);
    ck_assert_double_eq(
        value(&x, "sparrow_stage_duration_seconds_bucket{stage=\"total\",le=\"+Inf\"}"), 0);
    ck_assert(isnan(value(&x, "sparrow_ready")));
    free(x.text);
    metrics_free(m);
}
END_TEST

START_TEST(time_lands_in_the_bucket_that_holds_it)
{
    static const struct {
        uint64_t us;
        const char *le;
    } edges[] = {{5, "5e-06"},     {10, "1e-05"},    {25, "2.5e-05"},  {50, "5e-05"},
                 {100, "0.0001"},  {250, "0.00025"}, {500, "0.0005"},  {1000, "0.001"},
                 {2500, "0.0025"}, {5000, "0.005"},  {10000, "0.01"},  {25000, "0.025"},
                 {50000, "0.05"},  {100000, "0.1"},  {250000, "0.25"}, {500000, "0.5"},
                 {1000000, "1.0"}};
    size_t n = sizeof(edges) / sizeof(edges[0]);
    struct metrics *m = metrics_new();
    struct metrics_block *b = metrics_block(m);
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) { /* one on the edge (it belongs below), one just beyond */
        metrics_time(b, METRIC_STAGE, STAGE_DECODE, edges[i].us);
        metrics_time(b, METRIC_STAGE, STAGE_DECODE, edges[i].us + 1);
        sum += 2 * edges[i].us + 1;
    }
    struct exposition x = render(m, false);
    for (size_t i = 0; i < n; i++) {
        char series[128];
        snprintf(series, sizeof(series),
                 "sparrow_stage_duration_seconds_bucket{stage=\"decode\",le=\"%s\"}", edges[i].le);
        ck_assert_msg(fabs(strtod(edges[i].le, NULL) * 1e6 - (double)edges[i].us) < 1e-9, "%s",
                      edges[i].le);
        ck_assert_msg(value(&x, series) == (double)(2 * i + 1), "%s: %g, want %zu", series,
                      value(&x, series), 2 * i + 1);
    }
    ck_assert_double_eq(
        value(&x, "sparrow_stage_duration_seconds_bucket{stage=\"decode\",le=\"+Inf\"}"),
        (double)(2 * n));
    ck_assert_double_eq(value(&x, "sparrow_stage_duration_seconds_count{stage=\"decode\"}"),
                        (double)(2 * n));
    ck_assert_double_eq_tol(value(&x, "sparrow_stage_duration_seconds_sum{stage=\"decode\"}"),
                            (double)sum / 1e6, 1e-12);
    ck_assert_double_eq(value(&x, "sparrow_stage_duration_seconds_count{stage=\"queue\"}"), 0);
    free(x.text);
    metrics_free(m);
}
END_TEST

START_TEST(label_escapes_and_cuts_between_characters)
{
    char out[64];
    metrics_label("a\"b\\c\nd", out, sizeof(out));
    ck_assert_str_eq(out, "a\\\"b\\\\c\\nd");
    metrics_label("\xff"
                  "a",
                  out, sizeof(out));
    ck_assert_str_eq(out, "\xef\xbf\xbd"
                          "a");
    for (size_t cap = 1; cap < 16; cap++) { /* never half an escape or half a character */
        memset(out, 'x', sizeof(out));
        metrics_label("\"\"\xc3\xa9\xe2\x82\xac", out, cap);
        size_t n = strlen(out);
        ck_assert_uint_lt(n, cap);
        ck_assert_msg(n == 0 || n == 2 || n == 4 || n == 6 || n == 9, "cap %zu: %zu", cap, n);
    }
    metrics_label("x", out, 0);
}
END_TEST

static void keywords(void *arg, struct metrics_writer *w)
{
    char label[64], labels[128];
    (void)arg;
    metrics_label("we\"ird\\one\n", label, sizeof(label));
    snprintf(labels, sizeof(labels), "model=\"m\",keyword=\"%s\"", label);
    metrics_gauge(w, labels, 12);
}

static void odd_values(void *arg, struct metrics_writer *w)
{
    (void)arg;
    metrics_gauge(w, "queue=\"a\"", 0.1);
    metrics_gauge(w, "queue=\"b\"", 1.0 / 3);
    metrics_gauge(w, "queue=\"c\"", 9007199254740993.0);
    metrics_gauge(w, "queue=\"d\"", INFINITY);
    metrics_gauge(w, "queue=\"e\"", -1e-9);
}

static struct metrics *full_metrics(void)
{
    struct metrics *m = metrics_new();
    struct metrics_block *a = metrics_block(m), *b = metrics_block(m);
    metrics_count(a, METRIC_WORDS, 0, 7);
    metrics_count(b, METRIC_WORDS, 0, 8);
    for (uint64_t us = 1; us < 3000000; us = us * 5 / 3 + 1)
        metrics_time(us % 2 ? a : b, METRIC_STAGE, STAGE_TOTAL, us);
    ck_assert_int_eq(metrics_add_source(m, METRIC_KEYWORDS, keywords, NULL), 0);
    ck_assert_int_eq(metrics_add_source(m, METRIC_QUEUE_LENGTH, odd_values, NULL), 0);
    ck_assert_int_eq(process_add_metrics(m), 0);
    return m;
}

START_TEST(sources_are_written_exactly)
{
    struct metrics *m = full_metrics();
    struct exposition x = render(m, false);
    ck_assert_uint_eq(metrics_value(m, METRIC_WORDS, 0), 15);
    ck_assert_double_eq(value(&x, "sparrow_words_total"), 15);
    ck_assert_double_eq(
        value(&x, "sparrow_keywords_total{model=\"m\",keyword=\"we\\\"ird\\\\one\\n\"}"), 12);
    ck_assert_double_eq(value(&x, "sparrow_queue_length{queue=\"a\"}"), 0.1);
    ck_assert_double_eq(value(&x, "sparrow_queue_length{queue=\"b\"}"), 1.0 / 3);
    ck_assert_double_eq(value(&x, "sparrow_queue_length{queue=\"c\"}"), 9007199254740993.0);
    ck_assert(isinf(value(&x, "sparrow_queue_length{queue=\"d\"}")));
    ck_assert_double_eq(value(&x, "sparrow_queue_length{queue=\"e\"}"), -1e-9);
    ck_assert_double_gt(value(&x, "process_resident_memory_bytes"), 100000);
    ck_assert_double_ge(value(&x, "process_open_fds"), 3);
    ck_assert_double_ge(value(&x, "process_max_fds"), value(&x, "process_open_fds"));
    ck_assert_double_ge(value(&x, "process_cpu_seconds_total"), 0);
    double age = (double)time(NULL) - value(&x, "process_start_time_seconds");
    ck_assert_msg(age > -2 && age < 600, "started %g s ago", age);
    free(x.text);
    metrics_free(m);
}
END_TEST

/* Cumulative buckets, +Inf == _count, no series twice, every sample under its own TYPE. */
static void check_exposition(const struct exposition *x, bool openmetrics)
{
    char family[128] = "", type[32] = "";
    double last = 0, inf = 0;
    for (size_t i = 0; i < x->lines; i++) {
        char *line = x->line[i];
        if (sscanf(line, "# TYPE %127s %31s", family, type) == 2 || line[0] == '#')
            continue;
        ck_assert_msg(strncmp(line, family, strlen(family)) == 0, "%s under %s", line, family);
        const char *rest = line + strlen(family);
        if (strcmp(type, "counter") == 0 && openmetrics)
            ck_assert_msg(strncmp(rest, "_total", 6) == 0, "%s", line);
        else if (strcmp(type, "histogram") != 0)
            ck_assert_msg(rest[0] == '{' || rest[0] == ' ', "%s", line);
        for (size_t j = 0; j < i; j++) {
            size_t n = (size_t)(strrchr(line, ' ') - line);
            ck_assert_msg(strncmp(line, x->line[j], n + 1) != 0, "twice: %s", line);
        }
        if (strncmp(rest, "_bucket", 7) == 0) {
            double v = strtod(strrchr(line, ' '), NULL);
            if (strstr(line, "le=\"5e-06\"") != NULL)
                last = 0;
            ck_assert_msg(v >= last, "goes down: %s", line);
            last = inf = v;
        } else if (strncmp(rest, "_count", 6) == 0) {
            ck_assert_double_eq(strtod(strrchr(line, ' '), NULL), inf);
        }
    }
}

START_TEST(both_formats_parse_back_and_agree)
{
    struct metrics *m = full_metrics();
    struct exposition plain = render(m, false), open = render(m, true);
    check_exposition(&plain, false);
    check_exposition(&open, true);
    ck_assert_str_eq(open.line[open.lines - 1], "# EOF");
    size_t compared = 0;
    for (size_t i = 0; i < plain.lines; i++) {
        char *blank = strrchr(plain.line[i], ' ');
        if (plain.line[i][0] == '#' || strncmp(plain.line[i], "process_", 8) == 0)
            continue;
        *blank = '\0';
        double other = value(&open, plain.line[i]);
        ck_assert_msg(other == strtod(blank + 1, NULL), "%s: %s and %g", plain.line[i], blank + 1,
                      other);
        *blank = ' ';
        compared++;
    }
    ck_assert_msg(compared > 100, "%zu", compared);
    free(plain.text);
    free(open.text);
    metrics_free(m);
}
END_TEST

START_TEST(types_and_units_follow_the_names)
{
    struct metrics *m = metrics_new();
    struct text t = {0};
    metrics_render(m, false, &t);
    text_add(&t, "", 1);
    ck_assert_ptr_nonnull(strstr(t.data, "\n# TYPE sparrow_keywords_total counter\n"));
    ck_assert_ptr_nonnull(strstr(t.data, "\n# TYPE sparrow_ready gauge\n"));
    ck_assert_ptr_nonnull(strstr(t.data, "\n# TYPE sparrow_stage_duration_seconds histogram\n"));
    ck_assert_ptr_null(strstr(t.data, "# UNIT"));
    ck_assert_ptr_null(strstr(t.data, "# EOF"));
    text_clear(&t);
    metrics_render(m, true, &t);
    text_add(&t, "", 1);
    ck_assert_ptr_nonnull(strstr(t.data, "\n# TYPE sparrow_keywords counter\n"));
    ck_assert_ptr_nonnull(strstr(t.data, "\n# UNIT sparrow_stage_duration_seconds seconds\n"));
    ck_assert_ptr_nonnull(strstr(t.data, "\n# UNIT sparrow_device_energy_joules joules\n"));
    text_done(&t);
    metrics_free(m);
}
END_TEST

START_TEST(promtool_has_nothing_to_say)
{
    if (access("/usr/bin/promtool", X_OK) != 0)
        return;
    struct metrics *m = full_metrics();
    struct text t = {0};
    metrics_render(m, false, &t);
    FILE *tool = popen("/usr/bin/promtool check metrics", "w");
    ck_assert_ptr_nonnull(tool);
    ck_assert_uint_eq(fwrite(t.data, 1, t.len, tool), t.len);
    int status = pclose(tool);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "promtool: %d", status);
    text_done(&t);
    metrics_free(m);
}
END_TEST

#define WRITERS 4
#define ROUNDS  50000u
struct writer {
    struct metrics_block *block;
};
static _Atomic unsigned running;

static void *count_all(void *arg)
{
    struct writer *w = arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        metrics_count(w->block, METRIC_WORDS, 0, 1);
        metrics_time(w->block, METRIC_STAGE, STAGE_TOTAL, i);
    }
    atomic_fetch_sub(&running, 1);
    return NULL;
}

START_TEST(scrapes_while_threads_count_are_consistent_and_lose_nothing)
{
    struct metrics *m = metrics_new();
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    running = WRITERS;
    for (size_t i = 0; i < WRITERS; i++)
        writers[i].block = metrics_block(m);
    for (size_t i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count_all, &writers[i]), 0);
    double before = 0;
    while (atomic_load(&running) > 0) {
        struct exposition x = render(m, false);
        double words = value(&x, "sparrow_words_total");
        ck_assert_msg(words >= before, "%g after %g", words, before);
        before = words;
        check_exposition(&x, false);
        free(x.text);
    }
    for (size_t i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    struct exposition x = render(m, false);
    ck_assert_double_eq(value(&x, "sparrow_words_total"), WRITERS * ROUNDS);
    ck_assert_double_eq(value(&x, "sparrow_stage_duration_seconds_count{stage=\"total\"}"),
                        WRITERS * ROUNDS);
    free(x.text);
    metrics_free(m);
}
END_TEST

START_TEST(markdown_lists_every_metric)
{
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    metrics_print_markdown(out);
    fclose(out);
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        char want[128];
        snprintf(want, sizeof(want), "\n| `%s` | ", table[i].name);
        ck_assert_msg(strstr(text, want) != NULL, "no line %s", want);
    }
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics");
    TCase *cases = tcase_create("metrics");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, label_indices_are_those_of_the_table);
    tcase_add_test(cases, counters_and_histograms_show_zeros_from_the_start);
    tcase_add_test(cases, time_lands_in_the_bucket_that_holds_it);
    tcase_add_test(cases, label_escapes_and_cuts_between_characters);
    tcase_add_test(cases, sources_are_written_exactly);
    tcase_add_test(cases, both_formats_parse_back_and_agree);
    tcase_add_test(cases, types_and_units_follow_the_names);
    tcase_add_test(cases, promtool_has_nothing_to_say);
    tcase_add_test(cases, scrapes_while_threads_count_are_consistent_and_lose_nothing);
    tcase_add_test(cases, markdown_lists_every_metric);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
