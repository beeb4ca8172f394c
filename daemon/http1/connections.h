/* connections.h - what a lane knows of each of its HTTP/1.1 connections: where it stands, until
 * when it may stand there, and, while its request is being worked on, whether the client is still
 * there. libmicrohttpd does none of this: its timeout counts idle time only, and it looks away from
 * a suspended connection.
 * Threads: the lane's.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_HTTP1_CONNECTIONS_H
#define DAEMON_HTTP1_CONNECTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "daemon/http1/wheel.h"
#include "daemon/loop/lane.h"

enum connection_state {
    CONNECTION_IDLE,   /* between requests: idle_ms; a head that trickles in is noticed and given
                          head_ms */
    CONNECTION_HEAD,   /* the request line is here: head_ms for the rest */
    CONNECTION_BODY,   /* body_ms */
    CONNECTION_WORK,   /* ours to answer: no deadline here, the request has its own */
    CONNECTION_ANSWER, /* the client reads its answer: body_ms */
    CONNECTION_CUT     /* shut down; it ends when libmicrohttpd has seen that */
};

struct connection {
    struct wheel_entry deadline;    /* first */
    struct connection *prev, *next; /* all of the lane's; or the free list */
    struct connections *all;
    int fd; /* libmicrohttpd's */
    enum connection_state state;
    bool used;    /* it has sent a request line */
    bool suspect; /* idle, but bytes came: somebody sends a request line slowly */
    bool hung_up; /* the client closed, or shut down its sending side: nothing more will come */
    uint64_t since_ms;
    void *waiting_for; /* what connections_wait() was told; NULL when it does not wait */
};

struct connections {
    struct lane *lane;
    struct wheel wheel;
    struct connection ring;   /* head */
    struct connection *spare; /* free list */
    unsigned count;
    uint64_t head_ms, body_ms, idle_ms;
    bool draining;
    uint64_t drain_ms;
    uv_timer_t tick;
    uv_poll_t watch;
    int watch_fd;                               /* an epoll of its own, for hang-ups only */
    void (*gone)(void *arg, void *waiting_for); /* the client of a waiting connection hung up (or
                                                   shut down its sending side) */
    void *arg;
};

int connections_init(struct connections *all, struct lane *lane,
                     void (*gone)(void *arg, void *waiting_for), void *arg,
                     struct sparrow_error *err);
/* Closes the handles; they are gone when the loop has turned. No connection is left. */
void connections_close(struct connections *all);
void connections_done(struct connections *all); /* after the loop ended */

void connections_set_timeouts(struct connections *all, double head_s, double body_s, double idle_s);

struct connection *connections_open(struct connections *all, int fd); /* NULL: no memory */
void connections_end(struct connection *c); /* before the descriptor is closed */
void connections_enter(struct connection *c, enum connection_state state);

/* The connection is suspended for `what`: gone() will be told it if the client hangs up (or did so
 * before). */
void connections_wait(struct connection *c, void *what);
void connections_wait_over(struct connection *c);

/* Shuts the connection down; libmicrohttpd then closes it. */
void connections_cut(struct connection *c);
/* From now on idle connections are closed after a short grace. */
void connections_drain(struct connections *all);

#endif
