/* target.h - the server that load goes to: its URL taken apart and its address looked up.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_TARGET_H
#define CLIENTS_SPARROW_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct target {
    char host[256];      /* without brackets */
    char authority[300]; /* what stands in the Host header */
    char port[8];
    char prefix[512]; /* of every path, without '/' at its end */
    struct sockaddr_storage address;
    socklen_t address_size;
};

/* Takes "http://HOST[:PORT][/PREFIX]" apart (port 80 if it has none; an IPv6 address in brackets).
 * On failure `ret_text` says why, and false comes back. */
bool target_parse(const char *url, struct target *ret_target, char *ret_text, size_t text_size);

/* Looks the address up; blocks. The same words about failure. */
bool target_resolve(struct target *target, char *ret_text, size_t text_size);

#endif
