/* ready.h - tells whoever started us where we listen, once we do.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_READY_H
#define DAEMON_READY_H

#include "daemon/door/door.h"

/* Writes the door's addresses, one a line: into port_file (whole or not at all; NULL: none), and to
 * ready_fd, which is then closed (-1: none). Errors: SPARROW_IO. */
int ready_announce(const struct door *door, const char *port_file, int ready_fd,
                   struct sparrow_error *err);

#endif
