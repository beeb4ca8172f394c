/* notify.c - the service's side of sd_notify(3) and sd_listen_fds(3).
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_FDS_START 3

bool notify_send(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path == NULL || path[0] == '\0')
        return true;
    size_t n = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || n >= sizeof(address.sun_path))
        return false;
    memcpy(address.sun_path, path, n);
    if (path[0] ==
        '@') /* Linux' abstract names begin with a NUL and have no other end than the length */
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    /* systemd's queue holds some ten messages; READY=1 must not be lost because it is full, nor may
     * a systemd that is stuck hold us up for ever. */
    struct timeval patience = {.tv_sec = 2};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, len);
    close(fd);
    return sent >= 0;
}

static bool read_number(const char *name, uint64_t *ret_value)
{
    const char *text = getenv(name);
    char *end;
    if (text == NULL || text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0')
        return false;
    *ret_value = value;
    return true;
}

/* Variables meant for a parent of ours are not for us. */
static bool is_for_us(const char *name)
{
    uint64_t pid;
    return read_number(name, &pid) && pid == (uint64_t)getpid();
}

uint64_t notify_watchdog_us(void)
{
    uint64_t us;
    if (!read_number("WATCHDOG_USEC", &us) ||
        (getenv("WATCHDOG_PID") != NULL && !is_for_us("WATCHDOG_PID")))
        return 0;
    return us;
}

static bool is_listening_stream(int fd)
{
    int type = 0, listening = 0;
    socklen_t len = sizeof(type);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0 || type != SOCK_STREAM)
        return false;
    len = sizeof(listening);
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && listening != 0;
}

unsigned notify_listen_fds(int *fds, unsigned max)
{
    uint64_t count;
    unsigned n = 0;
    if (!is_for_us("LISTEN_PID") || !read_number("LISTEN_FDS", &count) || count > 4096)
        return 0;
    for (int fd = LISTEN_FDS_START; fd < LISTEN_FDS_START + (int)count && n < max; fd++) {
        int flags = fcntl(fd, F_GETFL);
        if (!is_listening_stream(fd) || flags < 0)
            continue;
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0)
            fds[n++] = fd;
    }
    return n;
}
