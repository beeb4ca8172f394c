/* lifecycle.c - signals, notifications and the watchdog, all on the main loop.
 * The handles live in an allocation of their own: uv_close() is answered on the loop after
 * lifecycle_free() has returned, and the last answer frees them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/lifecycle.h"

#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/notify.h"
#include "engine/sparrow.h"

struct handles {
    uv_signal_t hangup, terminate, interrupt;
    uv_timer_t second, watchdog;
    unsigned open; /* those that are not closed yet */
};

struct lifecycle {
    struct log *log;
    struct lifecycle_calls calls;
    struct handles *handles;
    _Atomic int state;
    _Atomic unsigned stuck; /* lanes that stand still */
    unsigned stop_signals;
    bool said_stopping; /* STOPPING=1 went out */
    bool starved;       /* alive() said no; said in the log */
};

static void tell(struct lifecycle *l, const char *state)
{
    if (!notify_send(state))
        log_event(l->log, LOG_WARNING, "systemd could not be told", "state", state, NULL);
}

/* ---- signals ---- */

static void on_hangup(uv_signal_t *handle, int number)
{
    struct lifecycle *l = handle->data;
    (void)number;
    log_event(l->log, LOG_INFO, "signal", "name", "SIGHUP", "does", "reload", NULL);
    l->calls.reload(l->calls.arg);
}

/* First drain, then stop. The third signal finds no handler of ours any more: whatever hangs, it
 * ends the process. */
static void on_stop(uv_signal_t *handle, int number)
{
    struct lifecycle *l = handle->data;
    bool first = ++l->stop_signals == 1;
    log_event(l->log, LOG_INFO, "signal", "name", number == SIGTERM ? "SIGTERM" : "SIGINT", "does",
              first ? "drain" : "stop", NULL);
    if (first) {
        l->calls.drain(l->calls.arg);
        return;
    }
    uv_signal_stop(&l->handles->terminate);
    uv_signal_stop(&l->handles->interrupt);
    l->calls.stop(l->calls.arg);
}

/* ---- timers ---- */

static void on_second(uv_timer_t *handle)
{
    struct lifecycle *l = handle->data;
    log_flush(l->log);
}

static void on_watchdog(uv_timer_t *handle)
{
    struct lifecycle *l = handle->data;
    bool alive = l->calls.alive(l->calls.arg);
    if (alive)
        tell(l, "WATCHDOG=1");
    if (!alive && !l->starved)
        log_event(l->log, LOG_ERROR, "watchdog not fed: a lane is stuck or no replica answers",
                  NULL);
    else if (alive && l->starved)
        log_event(l->log, LOG_INFO, "watchdog fed again", NULL);
    l->starved = !alive;
}

/* ---- life ---- */

static void on_closed(uv_handle_t *handle)
{
    struct handles *h = handle->data;
    if (--h->open == 0)
        free(h);
}

static void close_handle(struct handles *h, uv_handle_t *handle)
{
    handle->data = h;
    uv_close(handle, on_closed);
}

static int start_handles(struct lifecycle *l, uint64_t watchdog_us)
{
    struct handles *h = l->handles;
    int status = uv_signal_start(&h->hangup, on_hangup, SIGHUP);
    if (status == 0)
        status = uv_signal_start(&h->terminate, on_stop, SIGTERM);
    if (status == 0)
        status = uv_signal_start(&h->interrupt, on_stop, SIGINT);
    if (status == 0)
        status = uv_timer_start(&h->second, on_second, 1000, 1000);
    if (status == 0 && watchdog_us > 0) {
        uint64_t half_ms = watchdog_us / 2000 > 0 ? watchdog_us / 2000 : 1;
        status = uv_timer_start(&h->watchdog, on_watchdog, half_ms, half_ms);
    }
    return status;
}

int lifecycle_new(uv_loop_t *loop, struct log *log, const struct lifecycle_calls *calls,
                  struct lifecycle **ret_lifecycle)
{
    struct lifecycle *l = calloc(1, sizeof(*l));
    struct handles *h = calloc(1, sizeof(*h));
    if (l == NULL || h == NULL) {
        free(l);
        free(h);
        return SPARROW_NO_MEMORY;
    }
    l->log = log;
    l->calls = *calls;
    l->handles = h;
    uv_signal_t *signals[] = {&h->hangup, &h->terminate, &h->interrupt};
    for (size_t i = 0; i < 3; i++) {
        if (uv_signal_init(loop, signals[i]) != 0)
            abort(); /* the loop has had a signal pipe since uv_loop_init(); there is nothing else
                        to fail */
        signals[i]->data = l;
    }
    uv_timer_init(loop, &h->second);
    uv_timer_init(loop, &h->watchdog);
    h->second.data = h->watchdog.data = l;
    h->open = 5;
    signal(SIGPIPE, SIG_IGN);
    if (start_handles(l, notify_watchdog_us()) != 0) {
        lifecycle_free(l);
        return SPARROW_IO;
    }
    *ret_lifecycle = l;
    return 0;
}

void lifecycle_free(struct lifecycle *l)
{
    if (l == NULL)
        return;
    struct handles *h = l->handles;
    close_handle(h, (uv_handle_t *)&h->hangup);
    close_handle(h, (uv_handle_t *)&h->terminate);
    close_handle(h, (uv_handle_t *)&h->interrupt);
    close_handle(h, (uv_handle_t *)&h->second);
    close_handle(h, (uv_handle_t *)&h->watchdog);
    free(l);
}

/* ---- state ---- */

enum lifecycle_state lifecycle_state(const struct lifecycle *l)
{
    return (enum lifecycle_state)atomic_load_explicit(&l->state, memory_order_relaxed);
}

void lifecycle_set_stuck(struct lifecycle *l, unsigned lanes)
{
    atomic_store_explicit(&l->stuck, lanes, memory_order_relaxed);
}

unsigned lifecycle_stuck(const struct lifecycle *l)
{
    return atomic_load_explicit(&l->stuck, memory_order_relaxed);
}

void lifecycle_set(struct lifecycle *l, enum lifecycle_state state)
{
    atomic_store_explicit(&l->state, state, memory_order_relaxed);
    if (state == LIFECYCLE_READY)
        tell(l, "READY=1\nSTATUS=Ready.");
    if (state >= LIFECYCLE_DRAINING && !l->said_stopping) {
        l->said_stopping = true;
        tell(l, "STOPPING=1\nSTATUS=Draining.");
    }
}

/* systemd 253 and later match RELOADING=1 and READY=1 by the time in the same datagram; earlier
 * ones ignore it. */
void lifecycle_reloading(struct lifecycle *l, bool begin)
{
    struct timespec now;
    char state[96];
    if (!begin) {
        tell(l, "READY=1\nSTATUS=Ready.");
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=Reloading.",
             (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u);
    tell(l, state);
}

/* One line: a newline would begin another assignment. */
void lifecycle_status(struct lifecycle *l, const char *status)
{
    char state[256];
    snprintf(state, sizeof(state), "STATUS=%.*s", (int)strcspn(status, "\n"), status);
    tell(l, state);
}

unsigned lifecycle_listen_fds(int *fds, unsigned max)
{
    return notify_listen_fds(fds, max);
}
