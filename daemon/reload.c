/* reload.c - a thread for each reload, which ends with it. What is under `busy` belongs to the
 * thread from its start to the message that it is done.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/reload.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATIENCE_MS 1000u

struct reload {
    struct reload_options options;
    uv_async_t done;
    pthread_t thread;
    atomic_bool ended; /* the thread touches nothing any more */
    bool busy, again;
    struct config *config; /* what came of it; NULL: it failed */
};

/* Logs each line of text as an event of its own. */
static void log_lines(struct log *log, char *text)
{
    char *rest = text;
    for (char *line = text ? strsep(&rest, "\n") : NULL; line; line = strsep(&rest, "\n"))
        if (*line)
            log_event(log, LOG_ERROR, "configuration not reloaded", "error", line, NULL);
}

static int load_config(const struct reload_options *o, struct config **ret_config)
{
    char *text = NULL;
    size_t size = 0;
    FILE *report = open_memstream(&text, &size);
    if (!report)
        return SPARROW_NO_MEMORY;
    int status = config_load(o->config_file, o->overrides, report, ret_config, NULL);
    fclose(report);
    log_lines(o->log, text);
    free(text);
    return status;
}

static void *load(void *arg)
{
    struct reload *r = arg;
    struct config *config = NULL;
    struct sparrow_error err = {0};
    r->config = NULL;
    if (load_config(&r->options, &config) == 0) {
        if (models_reload(r->options.models, config, &err) == 0) {
            r->config = config;
        } else {
            log_event(r->options.log, LOG_ERROR, "models not reloaded: those in use stay", "error",
                      err.text, NULL);
            config_unref(config);
        }
    }
    uv_async_send(&r->done);
    atomic_store(&r->ended, true);
    return NULL;
}

static void on_done(uv_async_t *async)
{
    struct reload *r = async->data;
    if (!r->busy)
        return;
    pthread_join(r->thread, NULL);
    r->busy = false;
    r->options.loaded(r->options.arg, r->config);
    if (r->again) {
        r->again = false;
        reload_start(r);
    }
}

int reload_new(const struct reload_options *options, struct reload **ret_reload)
{
    struct reload *r = calloc(1, sizeof *r);
    if (!r)
        return SPARROW_NO_MEMORY;
    r->options = *options;
    if (uv_async_init(options->loop, &r->done, on_done)) {
        free(r);
        return SPARROW_NO_MEMORY;
    }
    r->done.data = r;
    *ret_reload = r;
    return 0;
}

void reload_start(struct reload *r)
{
    if (r->busy) {
        r->again = true;
        return;
    }
    atomic_store(&r->ended, false);
    sigset_t all, before; /* signals are the main loop's */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&r->thread, NULL, load, r);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    r->busy = !failed;
    if (failed) {
        log_event(r->options.log, LOG_ERROR, "not reloaded: no thread", "error", strerror(failed),
                  NULL);
        r->options.loaded(r->options.arg, NULL);
        return;
    }
    pthread_setname_np(r->thread, "reload");
}

bool reload_close(struct reload *r)
{
    if (!r)
        return true;
    if (r->busy) {
        const struct timespec tick = {.tv_nsec = 1000000};
        for (unsigned i = 0; i < PATIENCE_MS && !atomic_load(&r->ended); i++)
            nanosleep(&tick, NULL);
        if (!atomic_load(&r->ended))
            return false;
        pthread_join(r->thread, NULL);
        r->busy = false;
        if (r->config)
            config_unref(r->config);
    }
    uv_close((uv_handle_t *)&r->done, NULL);
    return true;
}

void reload_free(struct reload *r)
{
    free(r);
}
