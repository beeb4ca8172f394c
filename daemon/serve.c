/* serve.c - wires, nothing more.
 * Start: config -> log -> metrics -> energy -> models -> replicas -> decode pool -> lanes -> door
 * -> threads -> ready.
 * End: not ready -> (drain_delay) -> the door stops -> lanes answer what is open -> (drain_timeout:
 * connections are ended) -> lanes end -> everything is freed in the opposite order. What does not
 * end in LAST_MS after that is left to exit().
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/serve.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "daemon/decode/intake.h"
#include "daemon/door/door.h"
#include "daemon/energy.h"
#include "daemon/lane_kit.h"
#include "daemon/lifecycle.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/models.h"
#include "daemon/process.h"
#include "daemon/ready.h"
#include "daemon/reload.h"
#include "daemon/schedule/replicas.h"

#define LANES_MAX 256u
#define PULSE_MS  500u
#define STALLED_US                                                                                 \
    2000000u /* a lane that has not turned for so long is stuck: the watchdog is not fed */
#define LAST_MS 5000u

struct serve {
    const struct serve_options *options;
    struct config *config; /* the one in force */
    uv_loop_t loop;
    uv_async_t lane_ended;
    uv_timer_t pulse;       /* looks at the lanes' heartbeats */
    uv_timer_t end;         /* drain_delay, then drain_timeout, then LAST_MS */
    _Atomic unsigned ended; /* lanes; they count, the main loop looks */

    struct log *log;
    struct metrics *metrics;
    struct metrics_block *block;
    struct energy *energy;
    struct models *models;
    struct replicas *replicas;
    struct decode_pool *decode_pool;
    struct lifecycle *lifecycle;
    struct reload *reload;
    struct lane_kit *kits[LANES_MAX];
    unsigned kit_count;
    struct door *door;

    bool stalled[LANES_MAX]; /* said in the log */
    bool draining, stopping, running;
};

/* ---- the end ---- */

static void on_last(uv_timer_t *timer)
{
    struct serve *s = timer->data;
    log_event(s->log, LOG_ERROR, "a lane does not end: giving up on an orderly end", NULL);
    _exit(EXIT_FAILURE);
}

static void stop(void *arg)
{
    struct serve *s = arg;
    if (s->stopping)
        return;
    s->stopping = s->draining = true;
    lifecycle_set(s->lifecycle, LIFECYCLE_STOPPING);
    door_stop(s->door);
    for (unsigned i = 0; i < s->kit_count; i++)
        lane_kit_stop(s->kits[i]);
    uv_timer_start(&s->end, on_last, LAST_MS, 0);
}

static void on_drain_timeout(uv_timer_t *timer)
{
    struct serve *s = timer->data;
    log_event(s->log, LOG_WARNING, "server.drain_timeout is over: ending what is still open", NULL);
    stop(s);
}

static uint64_t to_ms(double seconds)
{
    return (uint64_t)(seconds * 1000.0 + 0.5);
}

static void on_drain_delay(uv_timer_t *timer)
{
    struct serve *s = timer->data;
    door_stop(s->door);
    for (unsigned i = 0; i < s->kit_count; i++)
        lane_kit_drain(s->kits[i]);
    uv_timer_start(&s->end, on_drain_timeout, to_ms(s->config->server_drain_timeout), 0);
}

static void drain(void *arg)
{
    struct serve *s = arg;
    if (s->draining)
        return;
    s->draining = true;
    lifecycle_set(s->lifecycle, LIFECYCLE_DRAINING);
    uv_timer_start(&s->end, on_drain_delay, to_ms(s->config->server_drain_delay), 0);
}

static void on_kit_ended(void *arg)
{
    struct serve *s = arg;
    atomic_fetch_add(&s->ended, 1);
    uv_async_send(&s->lane_ended);
}

static void on_lane_ended(uv_async_t *async)
{
    struct serve *s = async->data;
    if (atomic_load(&s->ended) == s->kit_count)
        uv_stop(&s->loop);
}

/* ---- reload ---- */

static void say_what_waits_for_restart(struct serve *s, const struct config *next)
{
    char *text = NULL;
    size_t size = 0;
    FILE *report = open_memstream(&text, &size);
    if (!report)
        return;
    config_restart_needed(s->config, next, report);
    fclose(report);
    char *rest = text;
    for (char *line = text ? strsep(&rest, "\n") : NULL; line; line = strsep(&rest, "\n"))
        if (*line)
            log_event(s->log, LOG_WARNING, "changed key needs a restart", "key", line, NULL);
    free(text);
}

static void apply(struct serve *s, struct config *next)
{
    log_set_level(s->log, next->log_level);
    log_set_format(s->log, next->log_format);
    say_what_waits_for_restart(s, next);
    energy_set_window(s->energy, next->energy_window);
    replicas_set_config(s->replicas, next);
    decode_pool_set_config(s->decode_pool, next);
    for (unsigned i = 0; i < s->kit_count; i++)
        if (!lane_kit_set_config(s->kits[i], next))
            log_event(s->log, LOG_ERROR, "a lane goes on with the configuration it had: no memory",
                      NULL);
    config_unref(s->config);
    s->config = next;
}

static void on_loaded(void *arg, struct config *next)
{
    struct serve *s = arg;
    metrics_count(s->block, METRIC_RELOADS, next ? 0 : 1, 1);
    if (next)
        apply(s, next);
    if (next)
        log_event(s->log, LOG_INFO, "reloaded", NULL);
    if (!s->draining)
        lifecycle_reloading(s->lifecycle, false);
}

static void reload(void *arg)
{
    struct serve *s = arg;
    if (s->draining)
        return;
    lifecycle_reloading(s->lifecycle, true);
    reload_start(s->reload);
}

/* ---- being alive ---- */

static bool is_stalled(const struct serve *s, unsigned i, uint64_t now)
{
    uint64_t beat = lane_heartbeat_us(lane_kit_lane(s->kits[i]));
    return now > beat && now - beat > STALLED_US;
}

static bool alive(void *arg)
{
    struct serve *s = arg;
    uint64_t now = lane_clock_us();
    for (unsigned i = 0; i < s->kit_count && !s->draining; i++)
        if (is_stalled(s, i, now))
            return false;
    return replicas_healthy(s->replicas);
}

static void on_pulse(uv_timer_t *timer)
{
    struct serve *s = timer->data;
    uint64_t now = lane_clock_us();
    unsigned count = 0;
    for (unsigned i = 0; i < s->kit_count && !s->draining; i++) {
        bool stalled = is_stalled(s, i, now);
        char number[12];
        snprintf(number, sizeof number, "%u", i);
        if (stalled != s->stalled[i])
            log_event(s->log, stalled ? LOG_ERROR : LOG_INFO,
                      stalled ? "lane is stuck" : "lane turns again", "lane", number, NULL);
        s->stalled[i] = stalled;
        count += stalled;
    }
    lifecycle_set_stuck(s->lifecycle, count);
}

/* ---- metrics that only the whole knows ---- */

static void write_connections(void *arg, struct metrics_writer *w)
{
    struct serve *s = arg;
    for (unsigned i = 0; i < s->kit_count; i++) {
        char labels[24];
        snprintf(labels, sizeof labels, "lane=\"%u\"", i);
        metrics_gauge(w, labels, lane_connections(lane_kit_lane(s->kits[i])));
    }
}

static void write_ready(void *arg, struct metrics_writer *w)
{
    struct serve *s = arg;
    metrics_gauge(
        w, "", lifecycle_state(s->lifecycle) == LIFECYCLE_READY && replicas_healthy(s->replicas));
}

static void write_build_info(void *arg, struct metrics_writer *w)
{
    struct serve *s = arg;
    char kernels[64], labels[160];
    struct model_set *set = models_current(s->models);
    metrics_label(sparrow_model_cpu(model_set_at(set, 0)->model), kernels, sizeof kernels);
    model_set_unref(set);
    snprintf(labels, sizeof labels, "version=\"%s\",kernels=\"%s\"", sparrow_version(), kernels);
    metrics_gauge(w, labels, 1);
}

static int add_metrics(struct serve *s)
{
    if (metrics_add_source(s->metrics, METRIC_CONNECTIONS, write_connections, s) ||
        metrics_add_source(s->metrics, METRIC_READY, write_ready, s) ||
        metrics_add_source(s->metrics, METRIC_BUILD_INFO, write_build_info, s))
        return SPARROW_NO_MEMORY;
    return process_add_metrics(s->metrics);
}

/* ---- the start ---- */

static unsigned lane_count(const struct config *config)
{
    if (config->server_lanes)
        return (unsigned)config->server_lanes;
    unsigned cores = lane_cores();
    return cores > LANES_MAX ? LANES_MAX : cores;
}

static int make_rooms(struct serve *s, struct sparrow_error *err)
{
    int status;
    const struct config *c = s->config;
    struct energy_options energy = {.sysfs = c->energy_sysfs,
                                    .proc = c->energy_proc,
                                    .hwmon = c->energy_hwmon,
                                    .window_s = c->energy_window,
                                    .interval_s = 0.1};
    if ((status = energy_new(&energy, s->metrics, s->log, &s->energy, err)))
        return status;
    if ((status = models_new(c, s->log, s->metrics, &s->models, err)))
        return status;
    struct replicas_options replicas = {.lanes = lane_count(c),
                                        .models = s->models,
                                        .energy = s->energy,
                                        .metrics = s->metrics,
                                        .log = s->log,
                                        .config = s->config};
    if ((status = replicas_new(&replicas, &s->replicas, err)))
        return status;
    if ((status = decode_pool_new(s->config, s->metrics, s->log, &s->decode_pool, err)))
        return status;
    return add_metrics(s);
}

static int make_lanes(struct serve *s, struct sparrow_error *err)
{
    struct lane_kit_options o = {
        .config = s->config,
        .models = s->models,
        .replicas = s->replicas,
        .decode_pool = s->decode_pool,
        .energy = s->energy,
        .metrics = s->metrics,
        .log = s->log,
        .lifecycle = s->lifecycle,
        .ended = on_kit_ended,
        .arg = s,
    };
    for (unsigned n = lane_count(s->config); s->kit_count < n; s->kit_count++) {
        o.index = s->kit_count;
        int status = lane_kit_new(&o, &s->kits[s->kit_count], err);
        if (status)
            return status;
    }
    return 0;
}

static int open_door(struct serve *s, struct sparrow_error *err)
{
    int fds[DOOR_LISTENERS];
    struct door_lane places[LANES_MAX];
    for (unsigned i = 0; i < s->kit_count; i++)
        places[i] = lane_kit_place(s->kits[i]);
    struct door_options o = {
        .listen = s->config->server_listen,
        .fds = fds,
        .fd_count = lifecycle_listen_fds(fds, DOOR_LISTENERS),
        .insecure = s->config->server_insecure,
        .max_connections = (unsigned)s->config->server_max_connections,
        .lanes = places,
        .lane_count = s->kit_count,
        .take = lane_kit_take,
        .metrics = s->block,
        .log = s->log,
    };
    return door_open(&s->loop, &o, &s->door, err);
}

static int start_threads(struct serve *s, struct sparrow_error *err)
{
    int status = replicas_start(s->replicas, err);
    if (status)
        return status;
    s->running = true;
    for (unsigned i = 0; i < s->kit_count; i++)
        if ((status = lane_kit_start(s->kits[i], err)))
            return status;
    return energy_start(s->energy, &s->loop);
}

static int make_reload(struct serve *s)
{
    struct reload_options o = {.loop = &s->loop,
                               .config_file = s->options->config_file,
                               .overrides = s->options->overrides,
                               .models = s->models,
                               .log = s->log,
                               .loaded = on_loaded,
                               .arg = s};
    return reload_new(&o, &s->reload);
}

static int start(struct serve *s, struct sparrow_error *err)
{
    struct lifecycle_calls calls = {
        .reload = reload, .drain = drain, .stop = stop, .alive = alive, .arg = s};
    int status = lifecycle_new(&s->loop, s->log, &calls, &s->lifecycle);
    if (status || (status = make_rooms(s, err)) || (status = make_reload(s)) ||
        (status = make_lanes(s, err)) || (status = open_door(s, err)) ||
        (status = start_threads(s, err)))
        return status;
    uv_timer_start(&s->pulse, on_pulse, PULSE_MS, PULSE_MS);
    door_start(s->door);
    lifecycle_set(s->lifecycle, LIFECYCLE_READY);
    return ready_announce(s->door, s->options->port_file, s->options->ready_fd, err);
}

/* ---- taking apart ---- */

static void take_apart(struct serve *s)
{
    for (unsigned i = 0; i < s->kit_count; i++)
        lane_kit_join(s->kits[i]);
    if (!reload_close(s->reload)) {
        log_event(s->log, LOG_ERROR, "a reload still waits for its files: leaving it behind", NULL);
        _exit(EXIT_SUCCESS);
    }
    decode_pool_free(s->decode_pool);
    if (s->replicas && !replicas_stop(s->replicas)) {
        log_event(s->log, LOG_ERROR,
                  "a replica hangs: leaving its memory to the end of the process", NULL);
        _exit(EXIT_SUCCESS); /* every request was answered; only the thread is stuck */
    }
    for (unsigned i = 0; i < s->kit_count; i++)
        lane_kit_free(s->kits[i]);
    replicas_free(s->replicas);
    door_free(s->door);
    if (s->energy)
        energy_stop(s->energy);
    lifecycle_free(s->lifecycle);
    uv_close((uv_handle_t *)&s->lane_ended, NULL);
    uv_close((uv_handle_t *)&s->pulse, NULL);
    uv_close((uv_handle_t *)&s->end, NULL);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    uv_loop_close(&s->loop);
    reload_free(s->reload);
    models_free(s->models);
    energy_free(s->energy);
    metrics_free(s->metrics);
    log_free(s->log);
    config_unref(s->config);
}

static int init(struct serve *s, const struct serve_options *options)
{
    s->options = options;
    s->config = config_ref(options->config);
    s->log = log_new();
    s->metrics = s->log ? metrics_new() : NULL;
    s->block = s->metrics ? metrics_block(s->metrics) : NULL;
    if (!s->block || uv_loop_init(&s->loop)) {
        metrics_free(s->metrics);
        log_free(s->log);
        config_unref(s->config);
        return SPARROW_NO_MEMORY;
    }
    log_set_level(s->log, s->config->log_level);
    log_set_format(s->log, s->config->log_format);
    uv_async_init(&s->loop, &s->lane_ended, on_lane_ended);
    uv_timer_init(&s->loop, &s->pulse);
    uv_timer_init(&s->loop, &s->end);
    s->lane_ended.data = s->pulse.data = s->end.data = s;
    return 0;
}

int serve_run(const struct serve_options *options)
{
    struct serve *s = calloc(1, sizeof *s);
    struct sparrow_error err = {.text = "no memory"};
    if (!s || init(s, options)) {
        fprintf(stderr, "sparrowd: no memory\n");
        free(s);
        return EXIT_FAILURE;
    }
    int status = start(s, &err);
    if (status) {
        log_event(s->log, LOG_ERROR, "cannot start", "error", err.text, NULL);
        if (s->running)
            _exit(EXIT_FAILURE); /* threads run already and nobody was served: nothing to be tidy
                                    about */
    } else {
        uv_run(&s->loop, UV_RUN_DEFAULT);
        log_event(s->log, LOG_INFO, "stopped", NULL);
    }
    take_apart(s);
    free(s);
    return status ? EXIT_FAILURE : EXIT_SUCCESS;
}
