/* target.c - the server that load goes to.
 * SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "clients/sparrow/target.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

static bool copy(char *to, size_t size, const char *from, size_t n)
{
    if (n >= size)
        return false;
    memcpy(to, from, n);
    to[n] = '\0';
    return true;
}

static bool parse_port(const char *text, size_t n)
{
    unsigned port = 0;
    if (n == 0 || n > 5)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    return port >= 1 && port <= 65535;
}

/* HOST, HOST:PORT, [V6] or [V6]:PORT. */
static bool parse_authority(const char *text, size_t n, struct target *target)
{
    const char *end = text + n, *host_end, *host = text;
    if (n && text[0] == '[') {
        host = text + 1;
        host_end = memchr(host, ']', n - 1);
        if (!host_end)
            return false;
        text = host_end + 1;
    } else {
        host_end = memchr(text, ':', n);
        if (!host_end)
            host_end = end;
        text = host_end;
    }
    if (host_end == host ||
        !copy(target->host, sizeof(target->host), host, (size_t)(host_end - host)))
        return false;
    if (text == end)
        return copy(target->port, sizeof(target->port), "80", 2);
    size_t digits = (size_t)(end - text) - 1;
    return *text == ':' && parse_port(text + 1, digits) &&
           copy(target->port, sizeof(target->port), text + 1, digits);
}

bool target_parse(const char *url, struct target *ret_target, char *ret_text, size_t text_size)
{
    struct target target = {0};
    if (strncmp(url, "https://", 8) == 0) {
        snprintf(ret_text, text_size,
                 "load speaks plain HTTP only: put it on a listener without TLS");
        return false;
    }
    const char *rest = strncmp(url, "http://", 7) == 0 ? url + 7 : "";
    size_t n = strcspn(rest, "/?#");
    size_t m = strlen(rest + n);
    while (m && rest[n + m - 1] == '/')
        m--;
    if (strpbrk(rest, " \r\n@") || strpbrk(rest + n, "?#") || !parse_authority(rest, n, &target) ||
        !copy(target.authority, sizeof(target.authority), rest, n) ||
        !copy(target.prefix, sizeof(target.prefix), rest + n, m)) {
        snprintf(ret_text, text_size, "\"%.200s\" is no URL of a server, as http://127.0.0.1:8770",
                 url);
        return false;
    }
    *ret_target = target;
    return true;
}

bool target_resolve(struct target *target, char *ret_text, size_t text_size)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list;
    int code = getaddrinfo(target->host, target->port, &hints, &list);
    if (code != 0) {
        snprintf(ret_text, text_size, "%s: %s", target->host, gai_strerror(code));
        return false;
    }
    memcpy(&target->address, list->ai_addr, list->ai_addrlen);
    target->address_size = list->ai_addrlen;
    freeaddrinfo(list);
    return true;
}
