/* ready.c - the port file and the ready descriptor.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/ready.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int write_addresses(const struct door *door, int fd)
{
    for (unsigned i = 0; i < door_count(door); i++)
        if (dprintf(fd, "%s\n", door_address(door, i)) < 0)
            return -1;
    return 0;
}

/* Under another name first, then renamed: a reader finds the whole file or none. */
static int write_file(const struct door *door, const char *port_file)
{
    char *part = NULL;
    int status = -1;
    if (asprintf(&part, "%s.part", port_file) < 0)
        return -1;
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd >= 0) {
        status = write_addresses(door, fd);
        status = close(fd) || status ? -1 : rename(part, port_file);
    }
    free(part);
    return status;
}

int ready_announce(const struct door *door, const char *port_file, int ready_fd,
                   struct sparrow_error *err)
{
    bool failed = port_file && write_file(door, port_file);
    if (ready_fd >= 0 && !failed) {
        failed = write_addresses(door, ready_fd) != 0;
        close(ready_fd);
    }
    if (!failed)
        return 0;
    if (err) {
        err->status = SPARROW_IO;
        snprintf(err->text, sizeof err->text, "cannot write the addresses to %.100s: %s",
                 port_file ? port_file : "--ready-fd", strerror(errno));
    }
    return SPARROW_IO;
}
