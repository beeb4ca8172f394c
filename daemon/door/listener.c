/* listener.c - makes a listening socket.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/door/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096 /* the kernel cuts it to net.core.somaxconn */

static int fail(struct sparrow_error *err, const struct address *address, const char *what)
{
    int error = errno;
    if (err) {
        char text[ADDRESS_TEXT];
        address_print(address, text, sizeof text);
        err->status = SPARROW_IO;
        snprintf(err->text, sizeof err->text, "cannot %s %.100s: %s", what, text, strerror(error));
    }
    return SPARROW_IO;
}

/* A socket file left by a process that died would make bind() fail for ever; one that somebody
 * answers on is not ours to take. */
static void remove_stale(const struct address *address)
{
    const struct sockaddr_un *un = (const struct sockaddr_un *)&address->sa;
    struct stat st;
    if (lstat(un->sun_path, &st) || !S_ISSOCK(st.st_mode))
        return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)&address->sa, address->len) && errno == ECONNREFUSED)
        unlink(un->sun_path);
    close(fd);
}

int listener_bind(const struct address *address, struct listener *ret_listener,
                  struct sparrow_error *err)
{
    int on = 1, status;
    int fd = socket(address->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(err, address, "make a socket for");
    if (address->sa.ss_family == AF_UNIX)
        remove_stale(address);
    else
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->sa.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
                   sizeof on); /* [::] beside 0.0.0.0, not instead of it */
    if (bind(fd, (const struct sockaddr *)&address->sa, address->len)) {
        status = fail(err, address, "bind");
        goto fail_fd;
    }
    if (listen(fd, BACKLOG)) {
        status = fail(err, address, "listen on");
        goto fail_fd;
    }
    struct listener listener = {.fd = fd, .address = *address};
    listener.address.len = sizeof listener.address.sa;
    if (getsockname(fd, (struct sockaddr *)&listener.address.sa, &listener.address.len)) {
        status = fail(err, address, "ask the address of");
        goto fail_fd;
    }
    *ret_listener = listener;
    return 0;

fail_fd:
    close(fd);
    return status;
}

int listener_adopt(int fd, struct listener *ret_listener, struct sparrow_error *err)
{
    int type = 0, listening = 0;
    socklen_t len = sizeof type, listening_len = sizeof listening;
    struct listener listener = {
        .fd = fd, .inherited = true, .address.len = sizeof listener.address.sa};
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) || type != SOCK_STREAM ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &listening_len) || !listening ||
        getsockname(fd, (struct sockaddr *)&listener.address.sa, &listener.address.len)) {
        if (err) {
            err->status = SPARROW_CONFIG;
            snprintf(
                err->text, sizeof err->text,
                "descriptor %d from systemd is not a listening stream socket (Accept= must be no)",
                fd);
        }
        return SPARROW_CONFIG;
    }
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0)
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    *ret_listener = listener;
    return 0;
}

void listener_close(struct listener *listener)
{
    if (listener->fd < 0)
        return;
    if (listener->address.sa.ss_family == AF_UNIX && !listener->inherited)
        unlink(((const struct sockaddr_un *)&listener->address.sa)->sun_path);
    close(listener->fd);
    listener->fd = -1;
}
