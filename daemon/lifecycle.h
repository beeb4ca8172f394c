/* lifecycle.h - the process's life as an operator and systemd see it: ready, reloading, draining,
 * stopping, watchdog. Main thread only, but for lifecycle_state() and lifecycle_stuck(), which any
 * thread may call.
 * Without systemd ($NOTIFY_SOCKET, $WATCHDOG_USEC, $LISTEN_FDS unset) the notifications go nowhere
 * and all else is the same.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_LIFECYCLE_H
#define DAEMON_LIFECYCLE_H

#include <stdbool.h>
#include <uv.h>

#include "daemon/log.h"

enum lifecycle_state {
    LIFECYCLE_STARTING,
    LIFECYCLE_READY,
    LIFECYCLE_DRAINING,
    LIFECYCLE_STOPPING
};

struct lifecycle;
struct lifecycle_calls {       /* what main.c does when told to; arg is passed on */
    void (*reload)(void *arg); /* SIGHUP */
    void (*drain)(void *arg);  /* SIGTERM, SIGINT: the first */
    void (*stop)(void *arg);   /* the second signal; the third one ends the process at once */
    bool (*alive)(void *arg);  /* asked before each WATCHDOG=1: every lane turned and a replica
                                  answered lately */
    void *arg;
};

/* Takes over SIGHUP, SIGTERM and SIGINT, ignores SIGPIPE, and has log_flush() called once a second.
 * SPARROW_NO_MEMORY, SPARROW_IO. */
int lifecycle_new(uv_loop_t *loop, struct log *log, const struct lifecycle_calls *calls,
                  struct lifecycle **ret_lifecycle);
void lifecycle_free(struct lifecycle *l); /* closes its handles; run the loop once more */
enum lifecycle_state lifecycle_state(const struct lifecycle *l);
/* How many lanes stand still, as far as the main loop knows: /healthz fails while there are any.
 * lifecycle_stuck(): any thread. */
void lifecycle_set_stuck(struct lifecycle *l, unsigned lanes);
unsigned lifecycle_stuck(const struct lifecycle *l);
void lifecycle_set(struct lifecycle *l,
                   enum lifecycle_state state); /* tells systemd READY=1, STOPPING=1 */
void lifecycle_reloading(struct lifecycle *l,
                         bool begin); /* RELOADING=1 + MONOTONIC_USEC, then READY=1 */
void lifecycle_status(struct lifecycle *l, const char *status); /* STATUS= */

/* Sockets handed over by systemd: fills fds (at most max) with those that are listening stream
 * sockets, returns how many. Already non-blocking, close-on-exec. */
unsigned lifecycle_listen_fds(int *fds, unsigned max);

#endif
