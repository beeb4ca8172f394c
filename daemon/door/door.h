/* door.h - listens, accepts, places each connection on the lane with the least to do.
 * Threads: all on the main loop's thread. A connection is handed over on its lane.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_DOOR_DOOR_H
#define DAEMON_DOOR_DOOR_H

#include <stdbool.h>
#include <sys/socket.h>
#include <uv.h>

#include "daemon/loop/lane.h"

struct door;

/* Takes a connection, on the lane: owns fd (non-blocking, close-on-exec) from now on. */
typedef void (*door_take_fn)(void *arg, struct lane *lane, int fd,
                             const struct sockaddr_storage *address, socklen_t len);

struct door_lane {
    struct lane *lane;
    void *arg; /* passed to take */
};

#define DOOR_LISTENERS 16 /* at most */

struct door_options {
    const char *listen; /* comma list as server.listen; not looked at if fd_count > 0 */
    const int *fds;     /* handed over by systemd; the door owns them on success */
    unsigned fd_count;
    bool insecure;                 /* allow addresses beyond loopback */
    unsigned max_connections;      /* over all lanes */
    const struct door_lane *lanes; /* copied */
    unsigned lane_count;
    door_take_fn take;
    struct metrics_block *metrics; /* the main thread's */
    struct log *log;
};

/* Whether server.listen says addresses that may be listened on; opens nothing. SPARROW_CONFIG if
 * not. */
int door_check(const char *listen, bool insecure, struct sparrow_error *err);

/* Binds and listens, but does not accept yet: door_start() does. Raises the limit of open files to
 * fit max_connections. Errors: SPARROW_CONFIG (an address that cannot be read, or one beyond
 * loopback without insecure), SPARROW_IO (bind), SPARROW_NO_MEMORY. */
int door_open(uv_loop_t *loop, const struct door_options *options, struct door **ret_door,
              struct sparrow_error *err);
void door_start(struct door *door);

unsigned door_count(const struct door *door);
const char *door_address(const struct door *door, unsigned index); /* as bound: "127.0.0.1:40123" */

/* Takes what the kernel has accepted already, then closes the listening sockets. A second call does
 * nothing. */
void door_stop(struct door *door);
/* Its handles close on the loop: run it once more; the memory goes with the last of them.
 * No connection may be on its way to a lane any more: call it after the lanes have ended. */
void door_free(struct door *door);

#endif
