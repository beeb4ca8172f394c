/* results.h - from scores to what is answered: one result for each clip (or window), alternatives
 * by confidence, keyword hits. watson.c and connect_out.c write it down.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_API_RESULTS_H
#define DAEMON_API_RESULTS_H

#include "daemon/api/call.h"
#include "daemon/api/media.h"

#define RESULTS_ACCEPT MEDIA_AUDIO

struct results_hit {
    size_t keyword; /* in params.keywords */
    float confidence;
    double start_s, end_s;
};

struct results_one {
    const char *clip;        /* NULL: it came without a name */
    double start_s, end_s;   /* where in the window speech is, from the clip's start */
    const size_t *labels;    /* `count` of them, the most confident first */
    const float *confidence; /* of each */
    size_t count;
    const struct results_hit *hits; /* by keyword, then by time */
    size_t hit_count;
};

struct results {
    const struct sparrow_model *model;
    const struct params *params;
    const char *request_id;
    const struct results_one *list;
    size_t count;
    struct request_latency latency;
    struct energy_share energy;
    unsigned replica;
    const char *backend, *device;
};

/* Writes the answer of a request that went well into call->x. 0, or call->problem.status. */
int results_write(struct api_call *call, const struct request *request);

/* watson.c: the reply of /v1/recognize. */
void watson_write(struct text *t, const struct results *r);
/* connect_out.c: both answers of the service are the same on the wire. 0 or SPARROW_NO_MEMORY. */
void connect_write_json(struct text *t, const struct results *r);
int connect_write_proto(struct text *t, const struct results *r, struct arena *arena);

#endif
