/* energy.c - samples, windows and shares. energy.h states the rule.
 * The sampler (main thread) keeps the samples of one window in a ring and publishes what they give;
 * readers on other threads take it without a lock: `published` counts, its lowest bit names the
 * slot that is valid, and the next result goes into the other one. A reader whose count changed
 * meanwhile reads again. Fields are atomic (acquire, release), so that no fence is needed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/energy.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/energy_sensor.h"
#include "daemon/status.h"

#define RING        1024 /* samples; a window of 60 s at 10 Hz has 600 */
#define SAMPLES_MIN 3    /* in a window, besides the one it starts from */
#define LEARN_SHARE                                                                                \
    0.05 /* of one core: a window below it may teach the idle power; a later, lower one corrects   \
            it */
#define SHARE_MIN                                                                                  \
    0.01 /* of one core: below it our part drowns in the noise, and no shares come of the window   \
          */
#define OTHERS_MAX   0.5   /* of all busy time: beyond it nothing can be said of ours */
#define IDLE_LIFE_S  600.0 /* power at rest drifts with temperature and fans */
#define HOLD_WINDOWS 10.0

struct sample {
    uint64_t at_ns;
    uint64_t own_ns;  /* CPU time of our process */
    uint64_t all_ns;  /* CPU time of all processes */
    uint64_t busy_ns; /* our work, as reported by energy_busy() */
    uint64_t uj[ENERGY_SENSORS_MAX];
};

/* What readers see. joules_per_ns < 0: unknown. */
struct result {
    _Atomic double joules_per_ns, watts, window_s;
    _Atomic uint64_t at_ns;
};

/* What a scrape sees of one device. Negative: unknown. */
struct device_state {
    _Atomic double idle_w, active_w;
    _Atomic uint64_t idle_at_ns, total_uj;
};

struct cell {
    _Alignas(64) _Atomic uint64_t busy_ns;
    _Atomic double joules; /* given out in shares */
};

struct energy {
    struct cell cells[ENERGY_CELLS];
    _Alignas(64) _Atomic uint64_t published;
    struct result results[2];
    struct device_state states[ENERGY_SENSORS_MAX];

    /* main thread only */
    _Alignas(64) struct energy_sensor sensors[ENERGY_SENSORS_MAX];
    unsigned sensor_count;
    const char *source;
    char proc_stat[256];
    double tick_ns;
    double window_s, interval_s;
    struct sample ring[RING];
    unsigned first, count; /* the oldest sample, and how many there are */
    bool lost;             /* said in the log */
    bool blind;            /* /proc/stat cannot be read; said in the log */
    struct log *log;
    uv_timer_t *timer; /* on its own: it outlives us until its loop has closed it */
};

/* ---- readings ---- */

/* CPU time of all processes: user, nice, system, irq, softirq (not idle, iowait; steal is other
 * machines', guest is in user). */
static bool read_all_ns(const struct energy *e, uint64_t *ret_ns)
{
    unsigned long long user, nice, system, idle, iowait, irq, softirq;
    FILE *f = fopen(e->proc_stat, "re");
    if (f == NULL)
        return false;
    int n = fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle,
                   &iowait, &irq, &softirq);
    fclose(f);
    if (n != 7)
        return false;
    *ret_ns = (uint64_t)((double)(user + nice + system + irq + softirq) * e->tick_ns);
    return true;
}

static uint64_t sum_busy(struct energy *e)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < ENERGY_CELLS; i++)
        sum += atomic_load_explicit(&e->cells[i].busy_ns, memory_order_relaxed);
    return sum;
}

/* False if a sensor is lost; says so once, and once when all are back. */
static bool read_sensors(struct energy *e, struct sample *s)
{
    bool fine = true;
    for (unsigned i = 0; i < e->sensor_count; i++) {
        struct energy_sensor *sensor = &e->sensors[i];
        bool ok = energy_sensor_read(sensor, s->at_ns);
        s->uj[i] = sensor->total_uj;
        atomic_store_explicit(&e->states[i].total_uj, sensor->total_uj, memory_order_relaxed);
        if (!ok && !e->lost)
            log_event(e->log, LOG_WARNING, "energy source lost; energy is unknown", "device",
                      sensor->device, "path", sensor->path, NULL);
        fine = fine && ok;
        e->lost = e->lost || !ok;
    }
    if (fine && e->lost) {
        e->lost = false;
        log_event(e->log, LOG_INFO, "energy source is back", "source", e->source, NULL);
    }
    return fine;
}

/* ---- the window ---- */

static struct sample *sample_at(struct energy *e, unsigned i)
{
    return &e->ring[(e->first + i) % RING];
}

/* Adds s and drops what the window no longer needs: it starts at the youngest sample that is at
 * least window_s old. */
static void push(struct energy *e, const struct sample *s)
{
    if (e->count == RING) {
        e->first = (e->first + 1) % RING;
        e->count--;
    }
    *sample_at(e, e->count++) = *s;
    /* A hair less than the window: a timer's ticks jitter by some microseconds. */
    uint64_t window_ns = (uint64_t)(e->window_s * 0.999 * 1e9);
    while (e->count > 2 && s->at_ns - sample_at(e, 1)->at_ns >= window_ns) {
        e->first = (e->first + 1) % RING;
        e->count--;
    }
}

static void publish(struct energy *e, double joules_per_ns, double watts, double window_s,
                    uint64_t at_ns)
{
    uint64_t next = atomic_load_explicit(&e->published, memory_order_relaxed) + 1;
    struct result *r = &e->results[next & 1];
    atomic_store_explicit(&r->joules_per_ns, joules_per_ns, memory_order_release);
    atomic_store_explicit(&r->watts, watts, memory_order_release);
    atomic_store_explicit(&r->window_s, window_s, memory_order_release);
    atomic_store_explicit(&r->at_ns, at_ns, memory_order_release);
    atomic_store_explicit(&e->published, next, memory_order_release);
}

static void publish_unknown(struct energy *e, uint64_t now_ns)
{
    publish(e, -1, 0, e->window_s, now_ns);
}

/* Active power of one device over the window; learns its idle power by the way. Negative: idle is
 * not known yet. */
static double device_active_w(struct device_state *d, double power_w, bool learn, uint64_t now_ns)
{
    double idle_w = atomic_load_explicit(&d->idle_w, memory_order_relaxed);
    uint64_t idle_at = atomic_load_explicit(&d->idle_at_ns, memory_order_relaxed);
    bool old = (double)(now_ns - idle_at) / 1e9 > IDLE_LIFE_S;
    /* Less power than "idle" is proof of a lower idle, whoever was busy. */
    if ((learn && (idle_w < 0 || old)) || (idle_w >= 0 && power_w <= idle_w)) {
        idle_w = power_w;
        atomic_store_explicit(&d->idle_w, idle_w, memory_order_relaxed);
        atomic_store_explicit(&d->idle_at_ns, now_ns, memory_order_relaxed);
    }
    double active_w = idle_w < 0 ? -1 : power_w - idle_w;
    atomic_store_explicit(&d->active_w, active_w, memory_order_relaxed);
    return active_w;
}

/* Sum over the devices, or negative if the idle power of one is not known. */
static double active_power(struct energy *e, const struct sample *from, const struct sample *to,
                           double span_s, bool learn)
{
    double sum_w = 0;
    bool known = true;
    for (unsigned i = 0; i < e->sensor_count; i++) {
        double power_w = (double)(to->uj[i] - from->uj[i]) / 1e6 / span_s;
        double active_w = device_active_w(&e->states[i], power_w, learn, to->at_ns);
        known = known && active_w >= 0;
        sum_w += active_w;
    }
    return known ? sum_w : -1;
}

/* After a window in which we hardly ran: what was published before stands, until it is too old. */
static void expire(struct energy *e, uint64_t now_ns)
{
    const struct result *r =
        &e->results[atomic_load_explicit(&e->published, memory_order_relaxed) & 1];
    double age_s = (double)(now_ns - atomic_load_explicit(&r->at_ns, memory_order_relaxed)) / 1e9;
    if (atomic_load_explicit(&r->joules_per_ns, memory_order_relaxed) >= 0 &&
        age_s > HOLD_WINDOWS * e->window_s)
        publish_unknown(e, now_ns);
}

static void conclude(struct energy *e)
{
    const struct sample *from = sample_at(e, 0), *to = sample_at(e, e->count - 1);
    double span_s = (double)(to->at_ns - from->at_ns) / 1e9;
    if (e->count < SAMPLES_MIN + 1 || span_s < e->window_s * 0.999)
        return;
    double own_s = (double)(to->own_ns - from->own_ns) / 1e9;
    double all_s = (double)(to->all_ns - from->all_ns) / 1e9;
    double busy_ns = (double)(to->busy_ns - from->busy_ns);
    bool learn = own_s <= LEARN_SHARE * span_s;
    double active_w = active_power(e, from, to, span_s, learn);
    if (own_s <= SHARE_MIN * span_s) {
        expire(e, to->at_ns);
        return;
    }
    double others_s = all_s > own_s
                          ? all_s - own_s
                          : 0; /* the kernel counts in ticks: ours may seem more than all */
    if (active_w <= 0 || busy_ns <= 0 || others_s > OTHERS_MAX * (own_s + others_s)) {
        publish_unknown(e, to->at_ns);
        return;
    }
    double ours_j = active_w * span_s * own_s / (own_s + others_s);
    publish(e, ours_j / busy_ns, active_w, span_s, to->at_ns);
}

/* Starts the window afresh: the samples so far no longer belong together. */
static void forget(struct energy *e, uint64_t now_ns)
{
    e->first = e->count = 0;
    for (unsigned i = 0; i < e->sensor_count; i++)
        atomic_store_explicit(&e->states[i].active_w, -1.0, memory_order_relaxed);
    publish_unknown(e, now_ns);
}

void energy_sample(struct energy *e, uint64_t now_ns, uint64_t own_cpu_ns)
{
    struct sample s = {.at_ns = now_ns, .own_ns = own_cpu_ns, .busy_ns = sum_busy(e)};
    if (e->sensor_count == 0)
        return;
    if (!read_sensors(e, &s)) {
        forget(e, now_ns);
        return;
    }
    if (!read_all_ns(e, &s.all_ns)) {
        if (!e->blind)
            log_event(e->log, LOG_WARNING,
                      "CPU time of other processes is unknown, so energy is too", "path",
                      e->proc_stat, NULL);
        e->blind = true;
        forget(e, now_ns);
        return;
    }
    e->blind = false;
    push(e, &s);
    conclude(e);
}

/* ---- what others call ---- */

static void add_busy(struct cell *c, uint64_t ns)
{
    atomic_store_explicit(&c->busy_ns, atomic_load_explicit(&c->busy_ns, memory_order_relaxed) + ns,
                          memory_order_relaxed);
}

void energy_busy(struct energy *e, unsigned cell, uint64_t busy_ns)
{
    assert(cell < ENERGY_CELLS);
    add_busy(&e->cells[cell], busy_ns);
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The valid slot changes ten times a second; four readings that all collide with that mean a thread
 * that hardly runs. */
static bool take_result(struct energy *e, double *ret_joules_per_ns, struct energy_share *share)
{
    for (int tries = 0; tries < 4; tries++) {
        uint64_t before = atomic_load_explicit(&e->published, memory_order_acquire);
        struct result *r = &e->results[before & 1];
        *ret_joules_per_ns = atomic_load_explicit(&r->joules_per_ns, memory_order_acquire);
        share->watts = atomic_load_explicit(&r->watts, memory_order_acquire);
        share->window_s = atomic_load_explicit(&r->window_s, memory_order_acquire);
        if (atomic_load_explicit(&e->published, memory_order_relaxed) == before)
            return true;
    }
    return false;
}

void energy_share(struct energy *e, unsigned cell, uint64_t busy_ns, struct energy_share *ret_share)
{
    assert(cell < ENERGY_CELLS);
    double joules_per_ns;
    struct energy_share share = {.source = e->source};
    if (e->sensor_count > 0 && take_result(e, &joules_per_ns, &share) && joules_per_ns >= 0) {
        struct cell *c = &e->cells[cell];
        share.known = true;
        share.joules = joules_per_ns * (double)busy_ns;
        double before = atomic_load_explicit(&c->joules, memory_order_relaxed);
        atomic_store_explicit(&c->joules, before + share.joules, memory_order_relaxed);
    } else {
        share.watts = 0;
    }
    *ret_share = share;
}

/* ---- metrics ---- */

static void labels_of(const struct energy *e, unsigned i, const char *state, char *out, size_t cap)
{
    char device[96];
    metrics_label(e->sensors[i].device, device, sizeof(device));
    snprintf(out, cap, "device=\"%s\",source=\"%s\"%s%s%s", device, e->source,
             state[0] != '\0' ? ",state=\"" : "", state, state[0] != '\0' ? "\"" : "");
}

static void power_source(void *arg, struct metrics_writer *w)
{
    struct energy *e = arg;
    char labels[192];
    for (unsigned i = 0; i < e->sensor_count; i++) {
        double idle_w = atomic_load_explicit(&e->states[i].idle_w, memory_order_relaxed);
        double active_w = atomic_load_explicit(&e->states[i].active_w, memory_order_relaxed);
        if (active_w < 0 || idle_w < 0)
            continue;
        labels_of(e, i, "idle", labels, sizeof(labels));
        metrics_gauge(w, labels, idle_w);
        labels_of(e, i, "active", labels, sizeof(labels));
        metrics_gauge(w, labels, active_w);
    }
}

static void idle_age_source(void *arg, struct metrics_writer *w)
{
    struct energy *e = arg;
    char labels[192];
    uint64_t now = clock_ns(CLOCK_MONOTONIC);
    for (unsigned i = 0; i < e->sensor_count; i++) {
        uint64_t at = atomic_load_explicit(&e->states[i].idle_at_ns, memory_order_relaxed);
        if (at == 0)
            continue;
        labels_of(e, i, "", labels, sizeof(labels));
        metrics_gauge(w, labels, now > at ? (double)(now - at) / 1e9 : 0);
    }
}

static void energy_source(void *arg, struct metrics_writer *w)
{
    struct energy *e = arg;
    char labels[192];
    for (unsigned i = 0; i < e->sensor_count; i++) {
        labels_of(e, i, "", labels, sizeof(labels));
        metrics_gauge(w, labels,
                      (double)atomic_load_explicit(&e->states[i].total_uj, memory_order_relaxed) /
                          1e6);
    }
}

/* One series: a request's share is of all packages together. */
static void request_source(void *arg, struct metrics_writer *w)
{
    struct energy *e = arg;
    char labels[192];
    double joules = 0;
    if (e->sensor_count == 0)
        return;
    for (size_t i = 0; i < ENERGY_CELLS; i++)
        joules += atomic_load_explicit(&e->cells[i].joules, memory_order_relaxed);
    if (e->sensor_count == 1)
        labels_of(e, 0, "", labels, sizeof(labels));
    else
        snprintf(labels, sizeof(labels), "device=\"cpu\",source=\"%s\"", e->source);
    metrics_gauge(w, labels, joules);
}

static int add_sources(struct energy *e, struct metrics *m)
{
    static const struct {
        enum metric id;
        metrics_source_fn fn;
    } sources[] = {{METRIC_DEVICE_POWER, power_source},
                   {METRIC_DEVICE_IDLE_AGE, idle_age_source},
                   {METRIC_DEVICE_ENERGY, energy_source},
                   {METRIC_REQUEST_ENERGY, request_source}};
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        int status = metrics_add_source(m, sources[i].id, sources[i].fn, e);
        if (status < 0)
            return status;
    }
    return 0;
}

/* ---- life ---- */

static void say_sources(struct energy *e, const char *hwmon, const char *unreadable)
{
    for (unsigned i = 0; i < e->sensor_count; i++)
        log_event(e->log, LOG_INFO, "energy source", "source", e->source, "device",
                  e->sensors[i].device, "path", e->sensors[i].path, NULL);
    if (unreadable[0] != '\0')
        log_event(e->log, LOG_WARNING, "energy counter may not be read", "path", unreadable,
                  "advice", "give the daemon's group read access", NULL);
    else if (e->sensor_count == 0 && hwmon[0] != '\0')
        log_event(e->log, LOG_WARNING, "no such energy sensor", "hwmon", hwmon, NULL);
    if (e->sensor_count == 0)
        log_event(e->log, LOG_INFO, "no energy source: energy is unknown and shown as null", NULL);
}

int energy_new(const struct energy_options *opt, struct metrics *metrics, struct log *log,
               struct energy **ret_energy, struct sparrow_error *err)
{
    char unreadable[256];
    struct energy *e = aligned_alloc(64, (sizeof(struct energy) + 63) / 64 * 64);
    if (e == NULL)
        return status_fail(err, SPARROW_NO_MEMORY, "no memory for the energy sampler");
    memset(e, 0, sizeof(*e));
    e->log = log;
    e->window_s = opt->window_s < 1 ? 1 : opt->window_s;
    e->interval_s = opt->interval_s;
    e->tick_ns = 1e9 / (double)sysconf(_SC_CLK_TCK);
    snprintf(e->proc_stat, sizeof(e->proc_stat), "%s/stat",
             opt->proc != NULL ? opt->proc : "/proc");
    e->sensor_count = energy_sensor_find(opt->sysfs, opt->hwmon, e->sensors, unreadable);
    e->source = e->sensor_count > 0 ? e->sensors[0].source : "none";
    for (size_t i = 0; i < ENERGY_SENSORS_MAX; i++)
        e->states[i].idle_w = e->states[i].active_w = -1;
    e->results[0].joules_per_ns = -1;
    e->results[0].window_s = e->window_s;
    if (add_sources(e, metrics) < 0) {
        free(e); /* metrics may keep a source of ours: it is of no use any more to a caller who has
                    no memory */
        return status_fail(err, SPARROW_NO_MEMORY, "no memory for the energy metrics");
    }
    say_sources(e, opt->hwmon, unreadable);
    *ret_energy = e;
    return 0;
}

void energy_set_window(struct energy *e, double window_s)
{
    e->window_s = window_s < 1 ? 1 : window_s;
}

static void tick(uv_timer_t *timer)
{
    energy_sample(timer->data, clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_PROCESS_CPUTIME_ID));
}

int energy_start(struct energy *e, uv_loop_t *loop)
{
    uint64_t interval_ms = (uint64_t)(e->interval_s * 1000);
    if (e->sensor_count == 0)
        return 0;
    e->timer = calloc(1, sizeof(*e->timer));
    if (e->timer == NULL)
        return SPARROW_NO_MEMORY;
    uv_timer_init(loop, e->timer);
    e->timer->data = e;
    uv_timer_start(e->timer, tick, 0, interval_ms > 0 ? interval_ms : 100);
    return 0;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

void energy_stop(struct energy *e)
{
    if (e->timer == NULL)
        return;
    uv_close((uv_handle_t *)e->timer, free_handle);
    e->timer = NULL;
}

void energy_free(struct energy *e)
{
    free(e);
}
