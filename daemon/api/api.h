/* api.h - what each route does, whatever the wire: parameters in, JSON, protobuf and problem+json
 * out.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_API_API_H
#define DAEMON_API_API_H

#include "daemon/api/exchange.h"
#include "daemon/config.h"
#include "daemon/decode/intake.h"
#include "daemon/lifecycle.h"
#include "daemon/models.h"
#include "daemon/schedule/schedule.h"

struct api_options { /* everything outlives the api */
    struct lane *lane;
    struct intake *intake;
    struct request_pool *pool;
    struct models *models;
    struct replicas *replicas;
    struct energy *energy;
    struct metrics *metrics;
    struct log *log;
    const struct lifecycle *lifecycle;
    struct config *config; /* a reference is taken */
};

int api_new(const struct api_options *options, struct api **ret_api, struct sparrow_error *err);
void api_set_config(struct api *api,
                    struct config *config);  /* on the lane, after a reload; takes a reference */
unsigned api_running(const struct api *api); /* requests under way */
void api_free(struct api *api);              /* nothing under way any more */

#endif
