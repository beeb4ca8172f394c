/* arrival.h - what the kernel knows of the bytes that came on a connection, read or not.
 * Threads: any.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_HTTP1_ARRIVAL_H
#define DAEMON_HTTP1_ARRIVAL_H

#include <stdbool.h>
#include <stdint.h>

struct arrival {
    uint64_t bytes;  /* since the connection was made; UINT64_MAX: the kernel does not say */
    uint64_t ago_ms; /* since the last of them; of none, since the connection was made */
};

/* False, and nothing is written, where the kernel does not count: a Unix socket. */
bool arrival_read(int fd, struct arrival *ret_arrival);

#endif
