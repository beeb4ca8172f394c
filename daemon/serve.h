/* serve.h - the whole daemon: makes the rooms, opens the door, reloads, drains, takes everything
 * apart again.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_SERVE_H
#define DAEMON_SERVE_H

#include "daemon/config.h"

struct serve_options {
    struct config *config;        /* a reference is taken */
    const char *config_file;      /* read again on SIGHUP; NULL: none */
    const char *const *overrides; /* as config_load() wants them; outlive the call */
    const char
        *port_file; /* the bound addresses go there, one a line, once it serves; NULL: nowhere */
    int ready_fd;   /* and to this descriptor, which is then closed; -1: none */
};

/* Serves until it is told to stop. Returns the process's exit status: 0 after an orderly end, 1 if
 * it could not start or could not end in time. */
int serve_run(const struct serve_options *options);

#endif
