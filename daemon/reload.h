/* reload.h - a configuration and the models that it names, loaded again on a thread of its own, so
 * that the main loop goes on accepting meanwhile. Main thread only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include <uv.h>

#include "daemon/config.h"
#include "daemon/log.h"
#include "daemon/models.h"

struct reload;
struct reload_options { /* everything outlives the reload */
    uv_loop_t *loop;
    const char *config_file;
    const char *const *overrides;
    struct models *models;
    struct log *log;
    /* On the main loop: the models have been swapped, the configuration is the callee's to apply
     * and to unref. NULL: it failed, the log says why, and nothing has changed. */
    void (*loaded)(void *arg, struct config *config);
    void *arg;
};

/* SPARROW_NO_MEMORY. */
int reload_new(const struct reload_options *options, struct reload **ret_reload);
/* Begins to load; loaded() is called once it is done. While one is under way: loads again after
 * it. */
void reload_start(struct reload *r);
/* Closes the handle: loaded() is not called any more. Run the loop once more, then free. False: the
 * thread still waits for a file after a second; then free nothing, end the process. Takes NULL. */
bool reload_close(struct reload *r);
void reload_free(struct reload *r); /* takes NULL */

#endif
