/* preflight.c - everything that would keep the daemon from starting and can be known without
 * starting it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/preflight.h"

#include "daemon/door/door.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/models.h"
#include "daemon/schedule/replicas.h"

static int check_listen(const struct config *config, struct sparrow_error *err)
{
    return door_check(config->server_listen, config->server_insecure, err);
}

/* Which model files there are, whether each loads and computes, and whether this machine has the
 * kernels. */
static int check_models(const struct config *config, struct sparrow_error *err)
{
    struct models *models = NULL;
    struct log *log = log_new();
    struct metrics *metrics = metrics_new();
    int status = SPARROW_NO_MEMORY;
    if (log && metrics) {
        log_set_level(log, "warning");
        status = models_new(config, log, metrics, &models, err);
    } else {
        snprintf(err->text, sizeof err->text, "out of memory");
    }
    models_free(models);
    metrics_free(metrics);
    log_free(log);
    return status;
}

unsigned preflight(const struct config *config, FILE *report)
{
    static int (*const checks[])(const struct config *config, struct sparrow_error *err) = {
        check_listen,
        check_models,
        replicas_check,
    };
    unsigned faults = 0;
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        struct sparrow_error err = {0};
        if (checks[i](config, &err)) {
            fprintf(report, "%s\n", err.text);
            faults++;
        }
    }
    return faults;
}
