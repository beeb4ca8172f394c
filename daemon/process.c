/* process.c - the process_* metrics, with the names that Prometheus' own clients use.
 * A value that cannot be read is left out, never shown as 0.
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/process.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void cpu_seconds(void *arg, struct metrics_writer *w)
{
    (void)arg;
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u) == 0)
        metrics_gauge(w, "",
                      (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                          (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
}

static void resident_bytes(void *arg, struct metrics_writer *w)
{
    (void)arg;
    unsigned long long total, resident;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f == NULL)
        return;
    if (fscanf(f, "%llu %llu", &total, &resident) == 2)
        metrics_gauge(w, "", (double)resident * (double)sysconf(_SC_PAGESIZE));
    fclose(f);
}

/* Linux 6.2 and later put the number into st_size; before that the entries are counted, which takes
 * a while with thousands. */
static void open_fds(void *arg, struct metrics_writer *w)
{
    (void)arg;
    struct stat st;
    if (stat("/proc/self/fd", &st) != 0)
        return;
    if (st.st_size > 0) {
        metrics_gauge(w, "", (double)st.st_size);
        return;
    }
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL)
        return;
    unsigned n = 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        n += e->d_name[0] != '.';
    closedir(dir);
    metrics_gauge(w, "", (double)n - 1); /* without the one that was counting */
}

static void max_fds(void *arg, struct metrics_writer *w)
{
    (void)arg;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        metrics_gauge(w, "",
                      limit.rlim_cur == RLIM_INFINITY ? __builtin_inf() : (double)limit.rlim_cur);
}

/* Field 22 of stat is the start in clock ticks since boot; the name in field 2 may hold blanks and
 * brackets, so it is counted from the last ')'. The time of boot is now minus the time since, which
 * needs no /proc/stat. */
static void start_time(void *arg, struct metrics_writer *w)
{
    (void)arg;
    char text[1024];
    unsigned long long ticks;
    struct timespec now, since_boot;
    FILE *f = fopen("/proc/self/stat", "re");
    if (f == NULL)
        return;
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[n] = '\0';
    const char *p = strrchr(text, ')');
    if (p == NULL ||
        sscanf(p + 1,
               " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &ticks) != 1)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    clock_gettime(CLOCK_BOOTTIME, &since_boot);
    double boot =
        (double)(now.tv_sec - since_boot.tv_sec) + (double)(now.tv_nsec - since_boot.tv_nsec) / 1e9;
    /* To the clock tick: more digits would differ from scrape to scrape. */
    double tick_hz = (double)sysconf(_SC_CLK_TCK);
    metrics_gauge(w, "",
                  (double)(unsigned long long)((boot + (double)ticks / tick_hz) * tick_hz + 0.5) /
                      tick_hz);
}

int process_add_metrics(struct metrics *m)
{
    static const struct {
        enum metric id;
        metrics_source_fn fn;
    } sources[] = {{METRIC_PROCESS_CPU, cpu_seconds},
                   {METRIC_PROCESS_RSS, resident_bytes},
                   {METRIC_PROCESS_FDS, open_fds},
                   {METRIC_PROCESS_MAX_FDS, max_fds},
                   {METRIC_PROCESS_START, start_time}};
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        int status = metrics_add_source(m, sources[i].id, sources[i].fn, NULL);
        if (status < 0)
            return status;
    }
    return 0;
}
