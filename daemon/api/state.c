/* state.c - GET /healthz, /readyz, /metrics: answered at once on the lane, never behind work.
 * Health is proven, not assumed: a replica must have computed its known word lately. Overload alone
 * does not make it fail.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/api/put.h"
#include "daemon/api/media.h"
#include "daemon/api/routes.h"

static void state_no_store(struct api_call *call)
{
    exchange_add_header(call->x, "Cache-Control", "no-store");
}

/* Seconds since the known word last came out right; null: never. */
static void state_age(struct text *t, uint64_t now_us, uint64_t selftest_us)
{
    if (selftest_us)
        put_fixed(t, now_us > selftest_us ? (double)(now_us - selftest_us) / 1e6 : 0, 3);
    else
        text_puts(t, "null");
}

static void state_replica(struct text *t, uint64_t now_us, const struct replica_info *info)
{
    text_puts(t, "{\"id\":");
    put_uint(t, info->id);
    text_puts(t, ",\"backend\":");
    put_string(t, info->backend);
    text_puts(t, ",\"device\":");
    put_string(t, info->device);
    text_puts(t, ",\"state\":");
    put_string(t, replica_state_name(info->state));
    text_puts(t, ",\"words\":");
    put_uint(t, info->words);
    text_puts(t, ",\"selftest_age_s\":");
    state_age(t, now_us, info->selftest_us);
    text_puts(t, "}");
}

static void state_replicas(struct text *t, const struct replicas *replicas)
{
    unsigned count = replicas_count(replicas), by_state[REPLICA_STATE_COUNT] = {0};
    uint64_t now_us = lane_clock_us(), latest_us = 0;
    struct replica_info info;
    for (unsigned i = 0; i < count; i++) {
        replicas_info(replicas, i, &info);
        by_state[info.state]++;
        if (info.state == REPLICA_UP && info.selftest_us > latest_us)
            latest_us = info.selftest_us;
    }
    text_puts(t, ",\"selftest_age_s\":");
    state_age(t, now_us, latest_us);
    text_puts(t, ",\"replicas\":{\"total\":");
    put_uint(t, count);
    for (unsigned s = 0; s < REPLICA_STATE_COUNT; s++) {
        text_puts(t, ",");
        put_string(t, replica_state_name((enum replica_state)s));
        text_puts(t, ":");
        put_uint(t, by_state[s]);
    }
    text_puts(t, "},\"list\":[");
    for (unsigned i = 0; i < count; i++) {
        replicas_info(replicas, i, &info);
        text_puts(t, i ? "," : "");
        state_replica(t, now_us, &info);
    }
    text_puts(t, "]");
}

enum api_verdict state_health(struct api_call *call)
{
    struct exchange *x = call->x;
    struct replicas *replicas = call->api->o.replicas;
    unsigned stuck = lifecycle_stuck(call->api->o.lifecycle);
    bool healthy = replicas_healthy(replicas) && stuck == 0;
    state_no_store(call);
    text_clear(&x->answer);
    text_puts(&x->answer, healthy ? "{\"status\":\"ok\"" : "{\"status\":\"failing\"");
    text_puts(&x->answer, ",\"stuck_lanes\":");
    put_uint(&x->answer, stuck);
    state_replicas(&x->answer, replicas);
    text_puts(&x->answer, "}\n");
    x->status = healthy ? 200 : 503;
    x->content_type = "application/json";
    if (!healthy)
        exchange_add_header(x, "Retry-After", "1");
    return call_answer(call);
}

enum api_verdict state_ready(struct api_call *call)
{
    struct exchange *x = call->x;
    enum lifecycle_state state = lifecycle_state(call->api->o.lifecycle);
    state_no_store(call);
    if (state == LIFECYCLE_STARTING)
        problem_set(&call->problem, SPARROW_NO_REPLICA, "the daemon is starting");
    else if (state != LIFECYCLE_READY)
        problem_set(&call->problem, SPARROW_DRAINING, "the daemon is going down");
    else if (!replicas_healthy(call->api->o.replicas))
        problem_set(&call->problem, SPARROW_NO_REPLICA,
                    "no replica computed its known word lately; /healthz says more");
    if (call->problem.status)
        return call_refuse(call);
    text_clear(&x->answer);
    text_puts(&x->answer, "{\"status\":\"ready\"}\n");
    x->status = 200;
    x->content_type = "application/json";
    return call_answer(call);
}

/* OpenMetrics for whoever names it and wants it no less than plain text (Prometheus does), else the
 * text format. */
enum api_verdict state_metrics(struct api_call *call)
{
    struct exchange *x = call->x;
    const char *accept = x->header(x, "Accept");
    bool named = accept && media_names(accept, "application/openmetrics-text");
    bool openmetrics = named && media_quality(accept, "application/openmetrics-text") >=
                                    media_quality(accept, "text/plain");
    text_clear(&x->answer);
    metrics_render(call->api->o.metrics, openmetrics, &x->answer);
    x->status = 200;
    x->content_type = openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                  : "text/plain; version=0.0.4; charset=utf-8";
    exchange_add_header(x, "Vary", "Accept");
    state_no_store(call);
    return call_answer(call);
}
