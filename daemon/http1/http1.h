/* http1.h - HTTP/1.1 on a lane: libmicrohttpd as a guest of the lane's loop.
 * Threads: the lane's, but for http1_new (before the lane starts) and http1_free (after it ended).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_HTTP1_HTTP1_H
#define DAEMON_HTTP1_HTTP1_H

#include <stdbool.h>
#include <sys/socket.h>

#include "daemon/api/exchange.h"
#include "daemon/config.h"
#include "daemon/loop/lane.h"

struct http1;

struct http1_options {
    struct lane *lane;
    struct api *api;
    const struct config *config; /* read now: server.max_connections and the timeouts */
    void (*drained)(void *arg);  /* called on the lane, once: http1_drain() was called and no
                                    connection is left */
    void *arg;
};

int http1_new(const struct http1_options *options, struct http1 **ret_http1,
              struct sparrow_error *err);
void http1_set_config(struct http1 *h,
                      const struct config *config); /* the timeouts, for what begins from now on */

/* Takes a connection: a door_take_fn (arg: the http1). Owns fd whatever happens. */
void http1_take(void *arg, struct lane *lane, int fd, const struct sockaddr_storage *address,
                socklen_t len);

/* From now on every answer closes its connection, and idle connections are closed after a short
 * grace. */
void http1_drain(struct http1 *h);

/* Ends all connections, those with requests under way too (api_gone), and closes the handles. A
 * second call does nothing. */
void http1_stop(struct http1 *h);
void http1_free(struct http1 *h); /* after http1_stop, when the loop has ended; takes NULL */

#endif
