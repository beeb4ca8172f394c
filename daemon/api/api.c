/* api.c - the life of a call: begun with the head, finished with the body, answered once, let go
 * once.
 * A request that runs in the decode pool reads the exchange's body. When the client disappears
 * meanwhile, the codec's exchange may be freed: api_release() then moves the body into the call,
 * and the call lives on until the request's sink comes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/api/api.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/api/call.h"
#include "daemon/api/results.h"
#include "daemon/api/routes.h"
#include "daemon/status.h"

#define API_ARENA                                                                                  \
    ((size_t)64 << 10) /* for the head alone; finish raises it by what the body may need */
#define API_HOLD     ((size_t)64 << 10) /* bytes of chunks that are read only to be able to say no */
#define API_FREE_MAX 64                 /* calls kept for the next exchanges of the lane */

int api_new(const struct api_options *options, struct api **ret_api, struct sparrow_error *err)
{
    struct api *api = calloc(1, sizeof *api);
    if (!api || !identity_seed(&api->ids)) {
        free(api);
        if (err)
            *err = (struct sparrow_error){SPARROW_NO_MEMORY,
                                          "no memory, or no random seed, for the routes"};
        return SPARROW_NO_MEMORY;
    }
    api->o = *options;
    api->config = config_ref(options->config);
    api->block = lane_metrics(options->lane);
    *ret_api = api;
    return 0;
}

void api_set_config(struct api *api, struct config *config)
{
    config_ref(config);
    config_unref(api->config);
    api->config = config;
    /* a lane without requests lets go of the models of before, too */
    model_set_unref(models_follow(api->o.models, &api->models));
}

unsigned api_running(const struct api *api)
{
    return api->running;
}

void api_free(struct api *api)
{
    if (!api)
        return;
    assert(api->running == 0);
    while (api->free) {
        struct api_call *call = api->free;
        api->free = call->next;
        arena_done(&call->arena);
        free(call);
    }
    model_set_unref(api->models);
    config_unref(api->config);
    free(api);
}

/* ---- calls ---- */

static struct api_call *call_take(struct api *api, struct exchange *x)
{
    struct api_call *call = api->free;
    struct arena arena;
    if (call) {
        api->free = call->next;
        api->free_count--;
        arena = call->arena;
    } else {
        call = malloc(sizeof *call);
        if (!call)
            return NULL;
        arena_init(&arena, API_ARENA);
    }
    *call = (struct api_call){.api = api, .x = x, .arena = arena};
    arena_reset(&call->arena, API_ARENA);
    params_init(&call->params);
    return call;
}

/* Only when neither codec nor request know it any more. */
static void call_give(struct api_call *call)
{
    struct api *api = call->api;
    text_done(&call->kept);
    model_set_unref(call->models);
    call->models = NULL;
    if (api->free_count == API_FREE_MAX) {
        arena_done(&call->arena);
        free(call);
        return;
    }
    arena_reset(&call->arena, API_ARENA);
    call->next = api->free;
    api->free = call;
    api->free_count++;
}

/* The codec counts answers and bytes; here it is requests to recognise, and why they were refused.
 */
static void call_count(struct api_call *call)
{
    if (!call->counted)
        return;
    metrics_count(call->api->block, METRIC_REQUESTS, problem_outcome(call->problem.status), 1);
    if (call->problem.status)
        metrics_count(call->api->block, METRIC_REFUSED, problem_refused(call->problem.status), 1);
}

enum api_verdict call_answer(struct api_call *call)
{
    struct exchange *x = call->x;
    if (x->answer.bad) {
        text_done(&x->answer);
        if (call->problem.status ==
            SPARROW_NO_MEMORY) { /* not even the refusal fits: a bare status */
            x->status = 500;
            x->close = true;
        } else {
            call->problem = (struct problem){0};
            problem_set(&call->problem, SPARROW_NO_MEMORY, "no memory for the answer");
            return call_refuse(call);
        }
    }
    if (lifecycle_state(call->api->o.lifecycle) >= LIFECYCLE_DRAINING)
        x->close = true;
    call->answered = true;
    call_count(call);
    return API_ANSWER;
}

/* What is our own failure is a warning; what a client or the load brought about is counted, and
 * told on request only. */
static void call_log_refusal(struct api_call *call)
{
    int status = call->problem.status;
    bool ours =
        status == SPARROW_BACKEND || status == SPARROW_INTERNAL || status == SPARROW_NO_MEMORY;
    enum log_level level = ours ? LOG_WARNING : LOG_DEBUG;
    if (log_wants(call->api->o.log, level))
        log_event(call->api->o.log, level, ours ? "request failed" : "request refused",
                  "request_id", call->id, "problem", status_row((enum sparrow_status)status)->type,
                  "detail", call->problem.detail, NULL);
}

static bool call_holds(const struct api_call *call)
{
    const struct exchange *x = call->x;
    return call->at_head && x->chunked && !x->header(x, "Expect") &&
           !status_row((enum sparrow_status)call->problem.status)->close;
}

enum api_verdict call_refuse(struct api_call *call)
{
    if (call_holds(call)) {
        call->held = true;
        call->x->body_limit = API_HOLD;
        return API_READ_BODY;
    }
    call_log_refusal(call);
    if (call->form == CALL_PLAIN)
        problem_answer(call->x, &call->problem, call->id);
    else
        problem_connect(call->x, &call->problem, call->id);
    return call_answer(call);
}

int call_find_model(struct api_call *call)
{
    struct problem *problem = &call->problem;
    if (!call->models)
        call->models = models_follow(call->api->o.models, &call->api->models);
    call->model = model_set_find(call->models, call->params.model);
    if (!call->model) {
        problem->parameter = "model";
        return problem_set(problem, SPARROW_UNKNOWN_MODEL,
                           "there is no model \"%.128s\"; /v1/models lists what there is",
                           call->params.model ? call->params.model : "");
    }
    return params_resolve(&call->params, call->model->model, problem);
}

int call_add_clip(struct api_call *call, const struct call_clip *clip)
{
    uint64_t max = call->api->config->audio_max_clips;
    if (call->clip_count >= max) {
        call->problem.limit = max;
        return problem_set(&call->problem, SPARROW_TOO_LARGE, "more than %llu clips in one request",
                           (unsigned long long)max);
    }
    if (call->clip_count == call->clip_room) {
        size_t room = call->clip_room ? call->clip_room * 2 : 4;
        struct call_clip *grown = arena_array(&call->arena, room, sizeof *grown);
        if (!grown)
            return problem_set(&call->problem, SPARROW_NO_MEMORY, "no memory for the clips");
        if (call->clip_count)
            memcpy(grown, call->clips, call->clip_count * sizeof *grown);
        call->clips = grown;
        call->clip_room = room;
    }
    call->clips[call->clip_count++] = *clip;
    return 0;
}

/* ---- requests ---- */

static void call_problem_of_request(struct api_call *call, const struct request *request)
{
    struct problem *p = &call->problem;
    problem_set(p, request->status, "%s",
                request->error.text[0] ? request->error.text
                                       : status_row((enum sparrow_status)request->status)->title);
    p->retry_ms = request->retry_ms;
    p->limit_s = request->limit_s;
    if (request->failed_clip < call->clip_count)
        p->clip = call->clips[request->failed_clip].name;
    if (request->status == SPARROW_UNSUPPORTED_MEDIA && call->form == CALL_PLAIN) {
        p->advice_name = "Accept";
        p->advice = RESULTS_ACCEPT;
    }
}

static void call_write(struct api_call *call, struct request *request)
{
    struct api *api = call->api;
    request->latency.receive_us = request->body_end_us - request->born_us - request->held_us;
    request->latency.total_us = lane_clock_us() - request->born_us;
    metrics_time(api->block, METRIC_STAGE, STAGE_TOTAL, request->latency.total_us);
    int rc = request->status;
    if (rc == 0)
        rc = results_write(call, request);
    else
        call_problem_of_request(call, request);
    if (rc == 0)
        (void)call_answer(call);
    else
        (void)call_refuse(call);
}

static void call_sink(struct request *request, void *arg)
{
    struct api_call *call = arg;
    struct api *api = call->api;
    call->request = NULL;
    api->running--;
    if (call->gone) {
        metrics_count(api->block, METRIC_REQUESTS, OUTCOME_CANCELLED, 1);
        request_free(request);
        if (!call->x)
            call_give(call);
        return;
    }
    call_write(call, request);
    request_free(request);
    if (!call->submitting)
        call->x->done(call->x);
}

/* How long the audio may be at most, by its bytes: 8 bits at 8 kHz is the leanest plain coding;
 * compressed clips may be anything. */
static double call_seconds(const struct api_call *call)
{
    double seconds = 0, longest = call->api->config->audio_max_seconds;
    for (size_t i = 0; i < call->clip_count; i++) {
        const char *type = call->clips[i].media_type;
        bool plain = type && (strncasecmp(type, "audio/l16", 9) == 0 ||
                              strncasecmp(type, "audio/basic", 11) == 0);
        double s = plain ? (double)call->clips[i].size / 8000 : longest;
        seconds += s < longest ? s : longest;
    }
    return seconds;
}

static void call_deadline(const struct api_call *call, struct request *request)
{
    double max_wait = call->api->config->schedule_max_wait;
    uint64_t wait_us = (uint64_t)(max_wait * 1e6);
    if (call->params.timeout_us) {
        uint64_t most_us = (uint64_t)(max_wait * (1 + call_seconds(call) / 10) * 1e6);
        request->timeout_given = true;
        wait_us = call->params.timeout_us < most_us ? call->params.timeout_us : most_us;
    }
    request->deadline_us = request->body_end_us - call->x->held_us + wait_us;
}

static struct request *call_make_request(struct api_call *call)
{
    struct request *request = request_new(call->api->o.pool, call->clip_count);
    if (!request)
        return NULL;
    request->models = call->models; /* the reference goes along */
    call->models = NULL;
    request->model = call->model;
    memcpy(request->id, call->id, sizeof request->id);
    request->born_us = call->x->born_us;
    request->body_end_us = call->x->body_end_us;
    request->held_us = call->x->held_us;
    request->hop_ms = call->params.hop_ms;
    for (size_t i = 0; i < call->clip_count; i++) {
        const struct call_clip *clip = &call->clips[i];
        request->clips[i].name = clip->name;
        request->clips[i].media_type = clip->media_type;
        request->clips[i].bytes = clip->bytes;
        request->clips[i].size = clip->size;
        request->clips[i].is_features = clip->is_features;
    }
    call_deadline(call, request);
    request->sink = call_sink;
    request->sink_arg = call;
    return request;
}

enum api_verdict call_submit(struct api_call *call)
{
    struct api *api = call->api;
    metrics_count(api->block, METRIC_CLIPS, 0, call->clip_count);
    struct request *request = call_make_request(call);
    if (!request) {
        problem_set(&call->problem, SPARROW_NO_MEMORY, "no memory for the request");
        return call_refuse(call);
    }
    call->request = request;
    call->submitting = true;
    api->running++;
    int rc = intake_submit(api->o.intake, request);
    call->submitting = false;
    if (rc < 0) {
        api->running--;
        call->request = NULL;
        request->status = rc;
        call_problem_of_request(call, request);
        request_free(request);
        return call_refuse(call);
    }
    if (call->answered)
        return API_ANSWER;
    call->x->soon = request->soon;
    call->x->spent = request->decoded && call->clips[0].bytes == call->x->body.data;
    return API_LATER;
}

/* ---- what the codec calls ---- */

static bool api_known_method(const char *method)
{
    static const char *const known[] = {"GET",     "HEAD",  "POST",  "PUT",    "DELETE",
                                        "OPTIONS", "PATCH", "TRACE", "CONNECT"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(method, known[i]) == 0)
            return true;
    return false;
}

static enum api_verdict api_options(struct api_call *call)
{
    exchange_add_header(call->x, "Allow", routes_allow(call->route));
    call->x->status = 204;
    call->x->content_type = NULL;
    return call_answer(call);
}

static enum api_verdict api_route(struct api_call *call)
{
    struct exchange *x = call->x;
    struct problem *p = &call->problem;
    if (!api_known_method(x->method)) {
        problem_set(p, SPARROW_METHOD_UNKNOWN, "the method is not one of HTTP's");
        return call_refuse(call);
    }
    call->route = routes_find(x->path, &call->rest);
    if (!call->route) {
        problem_set(p, SPARROW_NOT_FOUND, "there is nothing at this path; / lists what there is");
        return call_refuse(call);
    }
    if (strcmp(x->method, "OPTIONS") == 0)
        return api_options(call);
    bool get = strcmp(x->method, "GET") == 0 || strcmp(x->method, "HEAD") == 0;
    if (call->route->post ? strcmp(x->method, "POST") != 0 : !get) {
        p->advice_name = "Allow";
        p->advice = routes_allow(call->route);
        problem_set(p, SPARROW_METHOD_NOT_ALLOWED, "%s takes %s", call->route->path, p->advice);
        return call_refuse(call);
    }
    call->form = call->route->form;
    if (call->route->post && call->route->finish) {
        call->counted = true;
        if (!x->has_length && !x->chunked) {
            problem_set(p, SPARROW_LENGTH_REQUIRED, "a POST needs a Content-Length, or chunks");
            return call_refuse(call);
        }
        x->body_limit = call->api->config->server_max_body;
        if (x->has_length && x->content_length > x->body_limit) {
            p->limit = x->body_limit;
            problem_set(p, SPARROW_TOO_LARGE, "the body is larger than %zu bytes", x->body_limit);
            return call_refuse(call);
        }
    }
    if (x->refuse) {
        p->retry_ms = schedule_retry_ms(intake_schedule(call->api->o.intake));
        problem_set(p, SPARROW_BUSY, "the queue is too long to answer before the deadline");
        return call_refuse(call);
    }
    return call->route->begin(call);
}

bool api_may_read(struct api *api)
{
    return schedule_may_read(intake_schedule(api->o.intake));
}

enum api_held api_next_held(struct api *api, uint64_t oldest_us)
{
    static const enum api_held held[] = {[SCHEDULE_NONE] = API_HOLD_ON,
                                         [SCHEDULE_ADMIT_NEWEST] = API_ADMIT_NEWEST,
                                         [SCHEDULE_REFUSE_OLDEST] = API_REFUSE_OLDEST};
    return held[schedule_next_held(intake_schedule(api->o.intake), oldest_us)];
}

enum api_verdict api_begin(struct api *api, struct exchange *x)
{
    char trace[IDENTITY_TRACE];
    struct api_call *call = call_take(api, x);
    if (!call) {
        x->status = 500;
        x->content_type = NULL;
        x->close = true;
        return API_ANSWER;
    }
    x->call = call;
    identity_request(&api->ids, x->header(x, "X-Request-ID"), call->id);
    exchange_add_header(x, "X-Request-ID", call->id);
    if (identity_trace(&api->ids, x->header(x, "traceparent"), trace))
        exchange_add_header(x, "traceparent", trace);
    call->at_head = true;
    enum api_verdict verdict = api_route(call);
    call->at_head = false;
    return verdict;
}

enum api_verdict api_finish(struct api *api, struct exchange *x)
{
    struct api_call *call = x->call;
    metrics_time(api->block, METRIC_STAGE, STAGE_RECEIVE, x->body_end_us - x->born_us - x->held_us);
    return call->held ? call_refuse(call) : call->route->finish(call);
}

void api_gone(struct api *api, struct exchange *x)
{
    struct api_call *call = x->call;
    (void)api;
    if (!call || call->gone)
        return;
    call->gone = true;
    if (call->request)
        request_cancel(call->request);
}

void api_release(struct api *api, struct exchange *x)
{
    struct api_call *call = x->call;
    if (!call)
        return;
    x->call = NULL;
    if (!call->request) {
        if (!call->answered && call->counted && !call->gone) /* lost before the body was complete */
            metrics_count(api->block, METRIC_REQUESTS, OUTCOME_CANCELLED, 1);
        call->x = NULL;
        call_give(call);
        return;
    }
    call->kept = x->body;
    x->body = (struct text){0};
    call->x = NULL;
    if (!call->gone) {
        call->gone = true;
        request_cancel(call->request);
    }
}

void api_refuse(struct api *api, struct exchange *x, int status, const char *detail)
{
    struct api_call *call = x->call ? x->call : call_take(api, x);
    x->close = true;
    if (!call) {
        x->status = status_row((enum sparrow_status)status)->http;
        x->content_type = NULL;
        return;
    }
    if (!x->call) {
        x->call = call;
        identity_request(&api->ids, NULL, call->id);
        exchange_add_header(x, "X-Request-ID", call->id);
    }
    if (!call->counted) /* whatever it wanted: its path was not looked at */
        metrics_count(api->block, METRIC_REFUSED, problem_refused(status), 1);
    if (status == SPARROW_TOO_LARGE && !call->held)
        call->problem.limit = x->body_limit;
    problem_set(&call->problem, status, "%s", detail);
    (void)call_refuse(call);
}
