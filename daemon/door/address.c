/* address.c - text to socket address and back.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/door/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static int bad(struct sparrow_error *err, const char *text, size_t n, const char *why)
{
    if (err) {
        err->status = SPARROW_CONFIG;
        snprintf(err->text, sizeof err->text, "server.listen: \"%.*s\": %s", (int)(n < 80 ? n : 80),
                 text, why);
    }
    return SPARROW_CONFIG;
}

static int parse_unix(const char *path, size_t n, struct address *a)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&a->sa;
    if (n == 0 || n >= sizeof un->sun_path || path[0] != '/' || memchr(path, 0, n))
        return -1;
    memset(a, 0, sizeof *a);
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, n);
    a->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
    return 0;
}

/* Splits host:port; the host of an IPv6 address stands in brackets. Returns a reason, or NULL. */
static const char *split(const char *text, size_t n, char host[256], char port[8])
{
    const char *colon = memrchr(text, ':', n);
    if (!colon)
        return "a port is missing (address:port)";
    size_t host_len = (size_t)(colon - text), port_len = n - host_len - 1;
    if (port_len == 0 || port_len > 5 || strspn(colon + 1, "0123456789") < port_len)
        return "the port must be a number of at most five digits";
    if (host_len >= 2 && text[0] == '[' && text[host_len - 1] == ']') {
        text++;
        host_len -= 2;
    } else if (memchr(text, ':', host_len)) {
        return "an IPv6 address must stand in brackets";
    }
    if (host_len == 0)
        return "an address is missing (0.0.0.0 and [::] are all there are)";
    if (host_len >= 256)
        return "the address is too long";
    memcpy(host, text, host_len);
    host[host_len] = 0;
    memcpy(port, colon + 1, port_len);
    port[port_len] = 0;
    return NULL;
}

int address_parse(const char *text, size_t n, struct address *ret_address,
                  struct sparrow_error *err)
{
    if (n > 5 && memcmp(text, "unix:", 5) == 0) {
        if (parse_unix(text + 5, n - 5, ret_address))
            return bad(err, text, n, "a Unix socket needs an absolute path of at most 107 bytes");
        return 0;
    }
    char host[256], port[8];
    const char *why = split(text, n, host, port);
    if (why)
        return bad(err, text, n, why);
    unsigned number = 0;
    for (const char *p = port; *p; p++)
        number = number * 10 + (unsigned)(*p - '0');
    if (number > 65535)
        return bad(err, text, n, "the port is above 65535");

    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(host, port, &hints, &found);
    if (failed)
        return bad(err, text, n, gai_strerror(failed));
    memset(ret_address, 0, sizeof *ret_address);
    memcpy(&ret_address->sa, found->ai_addr, found->ai_addrlen);
    ret_address->len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

void address_print(const struct address *address, char *out, size_t cap)
{
    char host[INET6_ADDRSTRLEN] = "?";
    switch (address->sa.ss_family) {
    case AF_INET: {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&address->sa;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(out, cap, "%s:%u", host, ntohs(in->sin_port));
        return;
    }
    case AF_INET6: {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->sa;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        snprintf(out, cap, "[%s]:%u", host, ntohs(in6->sin6_port));
        return;
    }
    case AF_UNIX: {
        const struct sockaddr_un *un = (const struct sockaddr_un *)&address->sa;
        size_t room = address->len > offsetof(struct sockaddr_un, sun_path)
                          ? address->len - offsetof(struct sockaddr_un, sun_path)
                          : 0;
        snprintf(out, cap, "unix:%.*s", (int)strnlen(un->sun_path, room), un->sun_path);
        return;
    }
    default:
        snprintf(out, cap, "family %d", address->sa.ss_family);
    }
}

bool address_is_local(const struct address *address)
{
    if (address->sa.ss_family == AF_UNIX)
        return true;
    if (address->sa.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&address->sa;
        return ntohl(in->sin_addr.s_addr) >> 24 == 127;
    }
    if (address->sa.ss_family == AF_INET6) {
        const struct in6_addr *ip = &((const struct sockaddr_in6 *)&address->sa)->sin6_addr;
        return IN6_IS_ADDR_LOOPBACK(ip) || (IN6_IS_ADDR_V4MAPPED(ip) && ip->s6_addr[12] == 127);
    }
    return false;
}
