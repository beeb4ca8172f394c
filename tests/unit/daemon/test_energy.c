/* test_energy.c - attribution on a sysfs tree that the test supplies and advances, with a clock of
 * its own. The world: each package draws IDLE_W, and PER_CORE_W more for each core that is busy,
 * whoever keeps it so.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/energy.h"

#define IDLE_W     20.0
#define PER_CORE_W 30.0
#define STEP_S     0.1

struct world {
    char root[64];
    unsigned packages;
    uint64_t range_uj;
    double uj[4];           /* of each package, without wrapping */
    double own_s, others_s; /* CPU time so far */
    double now_s, step_s;   /* step_s: STEP_S unless a test changes it */
    bool is_power;          /* hwmon power1_input instead of RAPL */
    struct log *log;
    struct metrics *metrics;
    struct energy *energy;
};

static void write_file(const struct world *w, const char *content, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void write_file(const struct world *w, const char *content, const char *format, ...)
{
    char path[256], part[256];
    va_list args;
    int n = snprintf(path, sizeof(path), "%s/", w->root);
    va_start(args, format);
    vsnprintf(path + n, sizeof(path) - (size_t)n, format, args);
    va_end(args);
    for (char *p = strchr(path + n, '/'); p != NULL; p = strchr(p + 1, '/')) {
        snprintf(part, sizeof(part), "%.*s", (int)(p - path), path);
        mkdir(part, 0755);
    }
    FILE *f = fopen(path, "w");
    ck_assert_msg(f != NULL, "%s", path);
    fputs(content, f);
    fclose(f);
}

static void write_counters(const struct world *w, double busy_cores)
{
    char text[128];
    for (unsigned i = 0; i < w->packages; i++) {
        if (w->is_power)
            snprintf(text, sizeof(text), "%.0f\n", (IDLE_W + PER_CORE_W * busy_cores) * 1e6);
        else
            snprintf(text, sizeof(text), "%llu\n",
                     (unsigned long long)((uint64_t)w->uj[i] % w->range_uj));
        if (w->is_power)
            write_file(w, text, "class/hwmon/hwmon3/power1_input");
        else
            write_file(w, text, "class/powercap/intel-rapl:%u/energy_uj", i);
    }
    /* user nice system idle iowait irq softirq steal; in ticks, as the kernel has it */
    unsigned long long ticks =
        (unsigned long long)((w->own_s + w->others_s) * (double)sysconf(_SC_CLK_TCK));
    snprintf(text, sizeof(text),
             "cpu  %llu 0 %llu 99999 777 0 0 55 0 0\ncpu0 1 2 3 4 5 6 7 0 0 0\n", ticks - ticks / 3,
             ticks / 3);
    write_file(w, text, "proc/stat");
}

static void make_packages(struct world *w)
{
    char text[64];
    for (unsigned i = 0; i < w->packages; i++) {
        snprintf(text, sizeof(text), "package-%u\n", i);
        write_file(w, text, "class/powercap/intel-rapl:%u/name", i);
        snprintf(text, sizeof(text), "%llu\n", (unsigned long long)w->range_uj);
        write_file(w, text, "class/powercap/intel-rapl:%u/max_energy_range_uj", i);
        /* what must not be counted: sub-zones, and the same package by another door */
        snprintf(text, sizeof(text), "package-%u\n", i);
        write_file(w, "core\n", "class/powercap/intel-rapl:%u:0/name", i);
        write_file(w, "123456\n", "class/powercap/intel-rapl:%u:0/energy_uj", i);
        write_file(w, text, "class/powercap/intel-rapl-mmio:%u/name", i);
        write_file(w, "123456\n", "class/powercap/intel-rapl-mmio:%u/energy_uj", i);
    }
    write_file(w, "psys\n", "class/powercap/intel-rapl:%u/name", w->packages);
    write_file(w, "123456\n", "class/powercap/intel-rapl:%u/energy_uj", w->packages);
}

static void open_world(struct world *w, const char *hwmon, double window_s)
{
    char proc[128];
    struct sparrow_error err;
    snprintf(proc, sizeof(proc), "%s/proc", w->root);
    struct energy_options opt = {w->root, proc, hwmon, window_s, STEP_S};
    w->log = log_new();
    w->metrics = metrics_new();
    w->now_s = 1000;
    w->step_s = STEP_S;
    ck_assert_int_eq(energy_new(&opt, w->metrics, w->log, &w->energy, &err), 0);
}

static struct world rapl_world(unsigned packages, uint64_t range_uj)
{
    struct world w = {.root = "test_energy.XXXXXX", .packages = packages, .range_uj = range_uj};
    ck_assert_ptr_nonnull(mkdtemp(w.root));
    make_packages(&w);
    write_counters(&w, 0);
    open_world(&w, "", 1);
    return w;
}

static void close_world(struct world *w)
{
    char command[128];
    energy_free(w->energy);
    metrics_free(w->metrics);
    log_free(w->log);
    snprintf(command, sizeof(command), "rm -r %s", w->root);
    FILE *rm = popen(command, "r");
    ck_assert_int_eq(pclose(rm), 0);
}

static void sample(struct world *w)
{
    energy_sample(w->energy, (uint64_t)(w->now_s * 1e9), (uint64_t)(w->own_s * 1e9));
}

/* One step of time in which our process kept `own` cores busy (requests: `busy` of them), and
 * others `others`. */
static void step(struct world *w, double own, double busy, double others)
{
    w->now_s += w->step_s;
    w->own_s += own * w->step_s;
    w->others_s += others * w->step_s;
    for (unsigned i = 0; i < w->packages; i++)
        w->uj[i] += (IDLE_W + PER_CORE_W * (own + others) / w->packages) * w->step_s * 1e6;
    if (busy > 0)
        energy_busy(w->energy, 7, (uint64_t)(busy * w->step_s * 1e9));
    write_counters(w, own + others);
    sample(w);
}

static void steps(struct world *w, unsigned n, double own, double busy, double others)
{
    for (unsigned i = 0; i < n; i++)
        step(w, own, busy, others);
}

static struct energy_share share_of(struct world *w, double busy_s)
{
    struct energy_share share = {.known = true, .joules = -1, .watts = -1};
    energy_share(w->energy, 7, (uint64_t)(busy_s * 1e9), &share);
    return share;
}

static void expect_unknown(struct world *w, const char *source)
{
    struct energy_share share = share_of(w, 0.01);
    ck_assert_msg(!share.known, "%g J, %g W", share.joules, share.watts);
    ck_assert_str_eq(share.source, source);
}

static double metric(struct world *w, const char *series)
{
    struct text t = {0};
    metrics_render(w->metrics, false, &t);
    text_add(&t, "", 1);
    char line[256];
    snprintf(line, sizeof(line), "\n%s ", series);
    const char *p = strstr(t.data, line);
    double v = p != NULL ? strtod(p + strlen(line), NULL) : NAN;
    text_done(&t);
    return v;
}

static bool metric_mentions(struct world *w, const char *what)
{
    struct text t = {0};
    metrics_render(w->metrics, false, &t);
    text_add(&t, "", 1);
    bool found = strstr(t.data, what) != NULL;
    text_done(&t);
    return found;
}

#define HUGE_RANGE 1000000000000ULL

/* ---- the rule ---- */

START_TEST(shares_idle_and_others_add_up_to_the_counter)
{
    static const struct {
        unsigned packages;
        double own, busy, others;
    } loads[] = {{1, 1.0, 1.0, 0}, {1, 0.5, 0.3, 0.25}, {2, 3.0, 2.5, 1.5}, {4, 0.2, 0.01, 0.1}};
    for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
        struct world w = rapl_world(loads[i].packages, HUGE_RANGE);
        double own = loads[i].own, busy = loads[i].busy, others = loads[i].others;
        steps(&w, 20, 0, 0, 0);           /* learns the idle power */
        steps(&w, 20, own, busy, others); /* the window fills with load */
        double shares_j = 0, counter_j = 0;
        for (unsigned k = 0; k < w.packages; k++)
            counter_j -= w.uj[k] / 1e6;
        for (unsigned k = 0; k < 100; k++) {
            step(&w, own, busy, others);
            for (unsigned request = 0; request < 4;
                 request++) { /* four requests did the work of this step */
                struct energy_share share = share_of(&w, busy * STEP_S / 4);
                ck_assert_msg(share.known, "load %zu, step %u", i, k);
                ck_assert_str_eq(share.source, "rapl");
                ck_assert_double_eq_tol(share.window_s, 1.0, 0.001);
                ck_assert_double_eq_tol(share.watts, PER_CORE_W * (own + others), 0.01);
                shares_j += share.joules;
            }
        }
        for (unsigned k = 0; k < w.packages; k++)
            counter_j += w.uj[k] / 1e6;
        double span_s = 100 * STEP_S;
        double idle_j = IDLE_W * w.packages * span_s;
        double others_j = PER_CORE_W * (own + others) * span_s * others / (own + others);
        /* ticks of 10 ms in /proc/stat against a window of 1 s: 1 % of a core at most */
        ck_assert_double_eq_tol(shares_j + idle_j + others_j, counter_j, 0.012 * counter_j);
        ck_assert_double_gt(shares_j, 0);
        ck_assert_double_eq_tol(
            metric(&w, w.packages == 1
                           ? "sparrow_request_energy_joules_total{device=\"cpu0\",source=\"rapl\"}"
                           : "sparrow_request_energy_joules_total{device=\"cpu\",source=\"rapl\"}"),
            shares_j, 1e-6 * shares_j);
        close_world(&w);
    }
}
END_TEST

START_TEST(wrapping_counters_make_no_difference)
{
    /* 5 J is less than a tenth of a second's worth times two: the counter starts again every other
     * sample. */
    struct world plain = rapl_world(2, HUGE_RANGE), wraps = rapl_world(2, 5000000);
    steps(&plain, 20, 0, 0, 0);
    steps(&wraps, 20, 0, 0, 0);
    for (unsigned i = 0; i < 40; i++) {
        step(&plain, 1, 1, 0);
        step(&wraps, 1, 1, 0);
    }
    struct energy_share a = share_of(&plain, 0.1), b = share_of(&wraps, 0.1);
    ck_assert(a.known && b.known);
    ck_assert_double_eq_tol(a.joules, b.joules, 1e-4 * a.joules);
    double total =
        metric(&wraps, "sparrow_device_energy_joules_total{device=\"cpu1\",source=\"rapl\"}");
    ck_assert_double_eq_tol(total, wraps.uj[1] / 1e6 - IDLE_W * STEP_S,
                            0.01); /* since the first reading */
    close_world(&plain);
    close_world(&wraps);
}
END_TEST

START_TEST(metrics_keep_idle_and_active_apart)
{
    struct world w = rapl_world(1, HUGE_RANGE);
    steps(&w, 20, 0, 0, 0);
    ck_assert_double_eq_tol(
        metric(&w, "sparrow_device_power_watts{device=\"cpu0\",source=\"rapl\",state=\"idle\"}"),
        IDLE_W, 0.01);
    ck_assert_double_eq_tol(
        metric(&w, "sparrow_device_power_watts{device=\"cpu0\",source=\"rapl\",state=\"active\"}"),
        0, 0.01);
    steps(&w, 20, 1, 1, 0);
    ck_assert_double_eq_tol(
        metric(&w, "sparrow_device_power_watts{device=\"cpu0\",source=\"rapl\",state=\"idle\"}"),
        IDLE_W, 0.01);
    ck_assert_double_eq_tol(
        metric(&w, "sparrow_device_power_watts{device=\"cpu0\",source=\"rapl\",state=\"active\"}"),
        PER_CORE_W, 0.01);
    ck_assert(!isnan(
        metric(&w, "sparrow_device_idle_power_age_seconds{device=\"cpu0\",source=\"rapl\"}")));
    ck_assert(
        !metric_mentions(&w, "device=\"cpu1\"")); /* psys, sub-zones and mmio are not devices */
    close_world(&w);
}
END_TEST

START_TEST(idle_power_is_the_least_seen)
{
    struct world w = rapl_world(1, HUGE_RANGE);
    steps(&w, 20, 0, 0, 0.5); /* we are quiet, somebody else is not: too high */
    steps(&w, 20, 0, 0, 0);   /* now it is right */
    steps(&w, 20, 0, 0, 0.5); /* and stays so */
    steps(&w, 20, 1, 1, 0);
    struct energy_share share = share_of(&w, 1);
    ck_assert(share.known);
    ck_assert_double_eq_tol(share.watts, PER_CORE_W, 0.01);
    close_world(&w);
}
END_TEST

START_TEST(idle_power_is_learned_again_after_ten_minutes)
{
    struct world w = rapl_world(1, HUGE_RANGE);
    steps(&w, 20, 0, 0, 0);
    steps(&w, 100, 0, 0, 0.5); /* the machine is warmer now: as if it drew 15 W more at rest */
    steps(&w, 20, 1, 1, 0.5);
    ck_assert_double_eq_tol(share_of(&w, 1).watts, 1.5 * PER_CORE_W, 0.01);
    w.step_s = 0.3;
    steps(&w, 2000, 0, 0, 0.5);
    steps(&w, 20, 1, 1, 0.5);
    ck_assert_double_eq_tol(share_of(&w, 1).watts, PER_CORE_W, 0.5);
    close_world(&w);
}
END_TEST

START_TEST(idle_power_is_learned_under_a_light_load_and_corrected_at_rest)
{
    struct world w = rapl_world(1, HUGE_RANGE);
    steps(&w, 20, 0.04, 0.04, 0);
    ck_assert_double_eq_tol(
        metric(&w, "sparrow_device_power_watts{device=\"cpu0\",source=\"rapl\",state=\"idle\"}"),
        IDLE_W + 0.04 * PER_CORE_W, 0.01);
    expect_unknown(&w, "rapl"); /* all of that counts as idle now: not 0 J, but not known */
    steps(&w, 20, 0, 0, 0);
    steps(&w, 20, 0.04, 0.04, 0);
    struct energy_share share = share_of(&w, 0.01);
    ck_assert(share.known);
    ck_assert_double_eq_tol(share.watts, 0.04 * PER_CORE_W, 0.01);
    close_world(&w);
}
END_TEST

START_TEST(hwmon_power_is_integrated)
{
    struct world w = {
        .root = "test_energy.XXXXXX", .packages = 1, .range_uj = HUGE_RANGE, .is_power = true};
    ck_assert_ptr_nonnull(mkdtemp(w.root));
    write_file(&w, "other\n", "class/hwmon/hwmon0/name");
    write_file(&w, "1\n", "class/hwmon/hwmon0/power1_input");
    write_file(&w, "psu\n", "class/hwmon/hwmon3/name");
    write_file(&w, "power total\n", "class/hwmon/hwmon3/power1_label");
    write_file(&w, "power other\n", "class/hwmon/hwmon3/power2_label");
    write_file(&w, "77\n", "class/hwmon/hwmon3/power2_input");
    write_counters(&w, 0);
    open_world(&w, "psu/power total", 1);
    steps(&w, 20, 0, 0, 0);
    steps(&w, 30, 1, 0.5, 0);
    struct energy_share share = share_of(&w, 0.5);
    ck_assert(share.known);
    ck_assert_str_eq(share.source, "hwmon");
    ck_assert_double_eq_tol(share.watts, PER_CORE_W, 0.01);
    ck_assert_double_eq_tol(share.joules, PER_CORE_W,
                            0.5); /* 0.5 s busy of 0.5 busy cores = 1 s of ours */
    ck_assert(
        !isnan(metric(&w, "sparrow_device_energy_joules_total{device=\"psu\",source=\"hwmon\"}")));
    close_world(&w);
}
END_TEST

START_TEST(hwmon_prefers_energy_and_takes_the_label_it_is_told)
{
    struct world w = {.root = "test_energy.XXXXXX", .packages = 0, .range_uj = HUGE_RANGE};
    ck_assert_ptr_nonnull(mkdtemp(w.root));
    write_file(&w, "card\n", "class/hwmon/hwmon1/name");
    write_file(&w, "1000000\n", "class/hwmon/hwmon1/power1_input");
    write_file(&w, "5000000\n", "class/hwmon/hwmon1/energy2_input");
    write_file(&w, "cpu  0 0 0 0 0 0 0\n", "proc/stat");
    open_world(&w, "card", 1);
    sample(&w);
    write_file(&w, "8000000\n", "class/hwmon/hwmon1/energy2_input");
    w.now_s += 1;
    sample(&w);
    ck_assert_double_eq_tol(
        metric(&w, "sparrow_device_energy_joules_total{device=\"card\",source=\"hwmon\"}"), 3,
        1e-9);
    energy_free(w.energy);
    metrics_free(w.metrics);
    log_free(w.log);
    open_world(&w, "card/no such label", 1);
    expect_unknown(&w, "none");
    close_world(&w);
}
END_TEST

/* ---- unknown, never zero ---- */

START_TEST(without_a_sensor_all_is_unknown_and_absent)
{
    struct world w = {.root = "test_energy.XXXXXX", .packages = 0, .range_uj = HUGE_RANGE};
    ck_assert_ptr_nonnull(mkdtemp(w.root));
    open_world(&w, "nothing/here", 1);
    steps(&w, 50, 1, 1, 0);
    expect_unknown(&w, "none");
    static const char *const names[] = {
        "sparrow_device_power_watts", "sparrow_device_energy_joules_total",
        "sparrow_request_energy_joules_total", "sparrow_device_idle_power_age_seconds"};
    for (size_t i = 0; i < 4; i++) {
        char line[128];
        snprintf(line, sizeof(line), "# TYPE %s ", names[i]);
        ck_assert_msg(metric_mentions(&w, line), "%s", line);
        snprintf(line, sizeof(line), "\n%s{", names[i]);
        ck_assert_msg(!metric_mentions(&w, line), "%s", line);
    }
    close_world(&w);
}
END_TEST

START_TEST(before_the_window_is_full_and_idle_is_known_it_is_unknown)
{
    struct world w = rapl_world(1, HUGE_RANGE);
    expect_unknown(&w, "rapl");
    steps(&w, 100, 1, 1, 0); /* busy from the start: idle power never seen */
    expect_unknown(&w, "rapl");
    ck_assert(isnan(
        metric(&w, "sparrow_device_power_watts{device=\"cpu0\",source=\"rapl\",state=\"idle\"}")));
    ck_assert(isnan(metric(
        &w, "sparrow_device_power_watts{device=\"cpu0\",source=\"rapl\",state=\"active\"}")));
    ck_assert_double_gt(
        metric(&w, "sparrow_device_energy_joules_total{device=\"cpu0\",source=\"rapl\"}"), 400);
    steps(&w, 20, 0, 0, 0);
    expect_unknown(&w, "rapl"); /* idle is known, but nothing was done since */
    steps(&w, 5, 1, 1, 0);
    ck_assert(share_of(&w, 0.1).known);
    close_world(&w);
}
END_TEST

START_TEST(too_few_samples_are_unknown)
{
    struct world w = rapl_world(1, HUGE_RANGE);
    steps(&w, 20, 0, 0, 0);
    steps(&w, 3, 1, 1, 0);
    ck_assert(share_of(&w, 0.1).known);
    for (unsigned i = 0; i < 4; i++) { /* the sampler hardly runs: two readings in each window */
        w.now_s += 0.6 - STEP_S;
        step(&w, 1, 1, 0);
    }
    /* what is taken is still the last whole window; a fresh sampler with such gaps has none */
    struct world sparse = rapl_world(1, HUGE_RANGE);
    for (unsigned i = 0; i < 40; i++) {
        sparse.now_s += 0.6 - STEP_S;
        step(&sparse, i < 20 ? 0 : 1, i < 20 ? 0 : 1, 0);
    }
    expect_unknown(&sparse, "rapl");
    close_world(&w);
    close_world(&sparse);
}
END_TEST

START_TEST(others_beyond_half_make_it_unknown)
{
    struct world w = rapl_world(1, HUGE_RANGE);
    steps(&w, 20, 0, 0, 0);
    steps(&w, 20, 1, 1, 0.9);
    ck_assert(share_of(&w, 0.1).known);
    steps(&w, 20, 1, 1, 1.2);
    expect_unknown(&w, "rapl");
    steps(&w, 20, 1, 1, 0.9);
    ck_assert(share_of(&w, 0.1).known);
    close_world(&w);
}
END_TEST

START_TEST(lost_sensor_is_unknown_until_it_has_been_back_for_a_window)
{
    struct world w = rapl_world(2, HUGE_RANGE);
    char from[128], to[128];
    steps(&w, 20, 0, 0, 0);
    steps(&w, 20, 1, 1, 0);
    ck_assert(share_of(&w, 0.1).known);
    snprintf(from, sizeof(from), "%s/class/powercap/intel-rapl:1", w.root);
    snprintf(to, sizeof(to), "%s/away", w.root);
    ck_assert_int_eq(rename(from, to), 0);
    sample(&w);
    expect_unknown(&w, "rapl");
    ck_assert(isnan(metric(
        &w, "sparrow_device_power_watts{device=\"cpu0\",source=\"rapl\",state=\"active\"}")));
    ck_assert(
        !isnan(metric(&w, "sparrow_device_energy_joules_total{device=\"cpu1\",source=\"rapl\"}")));
    ck_assert_int_eq(rename(to, from), 0);
    steps(&w, 5, 1, 1, 0);
    expect_unknown(&w, "rapl");
    steps(&w, 10, 1, 1, 0);
    ck_assert(share_of(&w, 0.1).known);
    write_file(&w, "not a number\n", "class/powercap/intel-rapl:0/energy_uj");
    sample(&w);
    expect_unknown(&w, "rapl");
    close_world(&w);
}
END_TEST

START_TEST(hidden_proc_stat_is_unknown)
{
    struct world w = rapl_world(1, HUGE_RANGE);
    char path[128];
    steps(&w, 20, 0, 0, 0);
    steps(&w, 20, 1, 1, 0);
    ck_assert(share_of(&w, 0.1).known);
    snprintf(path, sizeof(path), "%s/proc/stat", w.root);
    unlink(path);
    w.now_s += STEP_S;
    sample(&w);
    expect_unknown(&w, "rapl");
    write_file(&w, "cpu  1 2 3\n", "proc/stat");
    w.now_s += STEP_S;
    sample(&w);
    expect_unknown(&w, "rapl");
    close_world(&w);
}
END_TEST

START_TEST(last_known_share_is_held_for_ten_windows)
{
    struct world w = rapl_world(1, HUGE_RANGE);
    steps(&w, 20, 0, 0, 0);
    steps(&w, 20, 1, 1, 0);
    double joules = share_of(&w, 0.1).joules;
    steps(&w, 90, 0, 0, 0);
    struct energy_share held = share_of(&w, 0.1);
    ck_assert(held.known);
    ck_assert_double_eq_tol(held.joules, joules, 0.2 * joules);
    steps(&w, 30, 0, 0, 0);
    expect_unknown(&w, "rapl");
    close_world(&w);
}
END_TEST

START_TEST(unreadable_counter_is_no_sensor)
{
    if (geteuid() == 0 && setuid(65534) != 0)
        return; /* root reads everything */
    struct world w = {.root = "/tmp/test_energy.XXXXXX", .packages = 1, .range_uj = HUGE_RANGE};
    ck_assert_ptr_nonnull(mkdtemp(w.root));
    make_packages(&w);
    write_counters(&w, 0);
    char path[128];
    snprintf(path, sizeof(path), "%s/class/powercap/intel-rapl:0/energy_uj", w.root);
    ck_assert_int_eq(chmod(path, 0), 0);
    open_world(&w, "", 1);
    steps(&w, 0, 0, 0, 0);
    expect_unknown(&w, "none");
    ck_assert_int_eq(chmod(path, 0600), 0);
    close_world(&w);
}
END_TEST

START_TEST(reset_counter_adds_nothing_impossible)
{
    struct world w = rapl_world(1, 1000000000000000ULL);
    steps(&w, 20, 0, 0, 0);
    double before =
        metric(&w, "sparrow_device_energy_joules_total{device=\"cpu0\",source=\"rapl\"}");
    w.uj[0] = 0; /* looks like a wrap of a gigajoule */
    step(&w, 0, 0, 0);
    double after =
        metric(&w, "sparrow_device_energy_joules_total{device=\"cpu0\",source=\"rapl\"}");
    ck_assert_double_eq_tol(after, before, 1e-9);
    close_world(&w);
}
END_TEST

/* ---- threads and the timer ---- */

static _Atomic bool stop_readers;

static void *read_shares(void *arg)
{
    struct world *w = arg;
    while (!atomic_load(&stop_readers)) {
        struct energy_share share;
        energy_busy(w->energy, 9, 1000);
        energy_share(w->energy, 9, 1000000, &share);
        /* the two kinds of window that are published: 1 core, or 2 cores; a mixture would be torn
         */
        if (share.known && fabs(share.watts - 30) > 8 && fabs(share.watts - 60) > 8 &&
            share.watts > 0 && share.window_s < 0.9)
            return (void *)1;
    }
    return NULL;
}

START_TEST(readers_never_wait_and_never_see_half_a_result)
{
    struct world w = rapl_world(1, HUGE_RANGE);
    pthread_t thread;
    void *torn;
    steps(&w, 20, 0, 0, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, read_shares, &w), 0);
    for (unsigned i = 0; i < 50; i++)
        steps(&w, 12, 1 + i % 2, 1, 0);
    atomic_store(&stop_readers, true);
    pthread_join(thread, &torn);
    ck_assert_ptr_null(torn);
    close_world(&w);
}
END_TEST

static void stop_soon(uv_timer_t *timer)
{
    struct world *w = timer->data;
    energy_stop(w->energy);
    uv_close((uv_handle_t *)timer, NULL);
}

START_TEST(timer_samples_and_leaves_the_loop_empty)
{
    struct world w = rapl_world(1, HUGE_RANGE);
    uv_loop_t loop;
    uv_timer_t timer;
    uv_loop_init(&loop);
    uv_timer_init(&loop, &timer);
    timer.data = &w;
    w.uj[0] = 5e6;
    write_counters(&w, 0);
    ck_assert_int_eq(energy_start(w.energy, &loop), 0);
    uv_run(&loop, UV_RUN_NOWAIT);
    w.uj[0] += 100000;
    write_counters(&w, 0);
    uv_timer_start(&timer, stop_soon, 450, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    ck_assert_double_eq_tol(
        metric(&w, "sparrow_device_energy_joules_total{device=\"cpu0\",source=\"rapl\"}"), 0.1,
        1e-9);
    energy_stop(w.energy); /* again: nothing to do */
    close_world(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("energy");
    TCase *cases = tcase_create("energy");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, shares_idle_and_others_add_up_to_the_counter);
    tcase_add_test(cases, wrapping_counters_make_no_difference);
    tcase_add_test(cases, metrics_keep_idle_and_active_apart);
    tcase_add_test(cases, idle_power_is_the_least_seen);
    tcase_add_test(cases, idle_power_is_learned_again_after_ten_minutes);
    tcase_add_test(cases, idle_power_is_learned_under_a_light_load_and_corrected_at_rest);
    tcase_add_test(cases, hwmon_power_is_integrated);
    tcase_add_test(cases, hwmon_prefers_energy_and_takes_the_label_it_is_told);
    tcase_add_test(cases, without_a_sensor_all_is_unknown_and_absent);
    tcase_add_test(cases, before_the_window_is_full_and_idle_is_known_it_is_unknown);
    tcase_add_test(cases, too_few_samples_are_unknown);
    tcase_add_test(cases, others_beyond_half_make_it_unknown);
    tcase_add_test(cases, lost_sensor_is_unknown_until_it_has_been_back_for_a_window);
    tcase_add_test(cases, hidden_proc_stat_is_unknown);
    tcase_add_test(cases, last_known_share_is_held_for_ten_windows);
    tcase_add_test(cases, unreadable_counter_is_no_sensor);
    tcase_add_test(cases, reset_counter_adds_nothing_impossible);
    tcase_add_test(cases, readers_never_wait_and_never_see_half_a_result);
    tcase_add_test(cases, timer_samples_and_leaves_the_loop_empty);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
