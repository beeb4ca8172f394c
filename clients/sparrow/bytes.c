/* bytes.c - whole files in memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clients/sparrow/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/sparrow/say.h"

bool bytes_reserve(struct bytes *bytes, size_t room)
{
    if (room <= bytes->room)
        return true;
    size_t larger = bytes->room > room / 2 ? bytes->room * 2 : room;
    uint8_t *data = realloc(bytes->data, larger);
    if (!data)
        return false;
    bytes->data = data;
    bytes->room = larger;
    return true;
}

static bool read_all(struct bytes *bytes, int fd, const char *name, size_t limit)
{
    struct stat st;
    size_t expected = 65536;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= 0 &&
        (uintmax_t)st.st_size <= limit)
        expected = (size_t)st.st_size + 1; /* one more, so that the end is seen without growing */
    for (;;) {
        if (!bytes_reserve(bytes, bytes->count + expected)) {
            say_error("%s: no memory", name);
            return false;
        }
        ssize_t n = read(fd, bytes->data + bytes->count, bytes->room - bytes->count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            say_error("%s: %s", name, strerror(errno));
            return false;
        }
        if (n == 0)
            return true;
        bytes->count += (size_t)n;
        if (bytes->count > limit) {
            say_error("%s: larger than %zu MiB", name, limit >> 20);
            return false;
        }
        expected = bytes->count == bytes->room ? 65536 : 0;
    }
}

bool bytes_read(struct bytes *bytes, const char *path, size_t limit)
{
    bytes->count = 0;
    if (strcmp(path, "-") == 0)
        return read_all(bytes, STDIN_FILENO, "standard input", limit);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        say_error("%s: %s", path, strerror(errno));
        return false;
    }
    bool ok = read_all(bytes, fd, path, limit);
    close(fd);
    return ok;
}

void bytes_done(struct bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct bytes){0};
}
