/* listener.h - one listening socket: bound by us, or handed over by systemd.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_DOOR_LISTENER_H
#define DAEMON_DOOR_LISTENER_H

#include <stdbool.h>

#include "daemon/door/address.h"

struct listener {
    int fd;         /* non-blocking, close-on-exec; -1 when closed */
    bool inherited; /* systemd's: closed but never unlinked, its queue goes to the next instance */
    struct address address; /* as bound: the port is known */
};

/* Binds and listens. A Unix socket that nobody listens on any more is replaced. Errors: SPARROW_IO
 * with the address and errno's text. */
int listener_bind(const struct address *address, struct listener *ret_listener,
                  struct sparrow_error *err);
/* Takes a descriptor from systemd. Errors: SPARROW_CONFIG if it is not a listening stream socket;
 * the caller still owns fd then. */
int listener_adopt(int fd, struct listener *ret_listener, struct sparrow_error *err);
void listener_close(struct listener *listener);

#endif
