/* notify.h - what systemd and a service say to each other: a datagram socket and a few environment
 * variables. The protocol is stable and small (sd_notify(3), sd_listen_fds(3)), so no library is
 * needed for it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* Sends "A=1\nB=2" to $NOTIFY_SOCKET. True if it went out or nobody listens (the variable is
 * unset). Any thread;
 * waits up to 2 s if systemd is behind. */
bool notify_send(const char *state);

/* How often WATCHDOG=1 is expected, from $WATCHDOG_USEC and $WATCHDOG_PID; 0: not at all. */
uint64_t notify_watchdog_us(void);

/* The listening stream sockets among those that were handed over ($LISTEN_FDS, $LISTEN_PID); see
 * lifecycle_listen_fds(). */
unsigned notify_listen_fds(int *fds, unsigned max);

#endif
