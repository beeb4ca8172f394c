/* address.h - where to listen: "127.0.0.1:8770", "[::1]:8770", "localhost:0",
 * "unix:/run/sparrowd.sock".
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_DOOR_ADDRESS_H
#define DAEMON_DOOR_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "engine/sparrow.h"

struct address {
    struct sockaddr_storage sa;
    socklen_t len;
};

#define ADDRESS_TEXT 128 /* room for any of them as text */

/* The n bytes at text. A host name is looked up (the first address counts). Blocks on the resolver
 * for names only. Errors: SPARROW_CONFIG; the text quotes the word and says what is wrong with it.
 */
int address_parse(const char *text, size_t n, struct address *ret_address,
                  struct sparrow_error *err);

/* "127.0.0.1:8770", "[::1]:8770", "unix:/path", as address_parse reads it; always NUL-terminated.
 */
void address_print(const struct address *address, char *out, size_t cap);

/* True if only this machine can reach it: 127.0.0.0/8, ::1, the same mapped into IPv6, and Unix
 * sockets. */
bool address_is_local(const struct address *address);

#endif
