/* handler.c - the life of an exchange on libmicrohttpd.
 *
 *   uri     the request line: an exchange is taken from the free list, the raw target kept
 *   first   headers only. What is refused here closes the connection, because MHD closes after
 *           an answer that is queued in the first call; so an answer that should not close waits
 *           for the last call, with the body thrown away
 *   held    the lane is behind: suspended before the body is read, until api lets it go on
 *   data    body pieces: kept, or thrown away when the answer is known already or the body grew
 *           too large
 *   last    api_finish: the answer is queued at once (the normal case), or the connection is
 *           suspended until done(); not so if the answer is due in this turn of the loop, since
 *           suspending costs more than asking again: MHD makes the last call in each run until it
 *           is answered
 *   again   after done(): the answer is queued
 *   end     completed: api lets go, the exchange goes back to the free list
 *
 * The answer's bytes stay in the exchange while MHD sends them (persistent buffer): nothing is
 * copied, and the free list keeps the memory, so a steady state allocates nothing here. A body
 * that is decoded by the time api_finish() returns gives its memory to the next one. Calls in
 * which nothing progresses would spin: each call takes all its data, answers, suspends or ends the
 * connection, or has done nothing for the ASKED_MOST-th time and suspends.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/http1/handler.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/http1/framing.h"

#define KEEP_BODY                                                                                  \
    (1u << 20) /* memory that a spare exchange keeps for the next body, answer and target */
#define KEEP_ANSWER (256u << 10)
#define KEEP_TARGET (8u << 10)
#define ASKED_MOST  4u /* a turn of the loop runs MHD three times at most (timer, idle, poll) */
#define DISCARD_MAX (64u << 10) /* announced bytes worth reading only to keep the connection */
#define OVERRUN_MAX                                                                                \
    (1u << 20) /* unannounced bytes beyond the limit that are read so that the client can be told  \
                */

enum stage {
    STAGE_HEAD,    /* before the first call */
    STAGE_HELD,    /* suspended before the body is read */
    STAGE_ON,      /* was held, may go on */
    STAGE_BODY,    /* the body is kept */
    STAGE_DISCARD, /* the answer is ready, the body is thrown away */
    STAGE_LATER,   /* until done() */
    STAGE_READY,   /* done() was called */
    STAGE_GONE,    /* the client went away meanwhile */
    STAGE_ANSWERED
};

struct handler_exchange {
    struct exchange x; /* first */
    struct handler *handler;
    struct connection *connection;
    struct MHD_Connection *mhd;
    struct handler_exchange *next, *before; /* next: in the free list or the ready list; both:
                                               among those that are held */
    enum stage stage;
    bool begun; /* counted as load */
    bool known; /* api has seen it */
    bool waits; /* the client sends its body when it is told to */
    uint64_t held_since_us;
    bool suspended;     /* MHD does not ask for it */
    bool listed;        /* in the ready list */
    unsigned asked;     /* how often MHD asked since it is LATER */
    struct text target; /* raw, NUL-terminated; path and query point into it */
    size_t discarded, discard_max;
};

void handler_init(struct handler *h, struct lane *lane, struct api *api, void (*kick)(void *),
                  void *kick_arg)
{
    *h = (struct handler){.lane = lane, .api = api, .kick = kick, .kick_arg = kick_arg};
    h->ready_tail = &h->ready;
}

void handler_done(struct handler *h)
{
    while (h->spare) {
        struct handler_exchange *e = h->spare;
        h->spare = e->next;
        text_done(&e->x.body);
        text_done(&e->x.answer);
        text_done(&e->target);
        free(e);
    }
    text_done(&h->body);
}

/* ---- the exchange's memory ---- */

static const char *header(const struct exchange *x, const char *name)
{
    const struct handler_exchange *e = (const struct handler_exchange *)x;
    return MHD_lookup_connection_value(e->mhd, MHD_HEADER_KIND, name);
}

static void done(struct exchange *x);

static struct handler_exchange *take(struct handler *h)
{
    struct handler_exchange *e = h->spare;
    if (e)
        h->spare = e->next;
    else if (!(e = calloc(1, sizeof *e)))
        return NULL;
    *e = (struct handler_exchange){
        .handler = h,
        .target = e->target,
        .x = {.lane = h->lane,
              .header = header,
              .done = done,
              .body = e->x.body,
              .answer = e->x.answer},
    };
    return e;
}

static void keep_at_most(struct text *t, size_t limit)
{
    if (t->cap > limit || t->bad)
        text_done(t);
    text_clear(t);
}

static void put_back_body(struct handler_exchange *e)
{
    struct handler *h = e->handler;
    keep_at_most(&e->x.body, KEEP_BODY);
    if (h->body.data)
        return;
    h->body = e->x.body;
    e->x.body = (struct text){0};
}

static void put_back(struct handler_exchange *e)
{
    struct handler *h = e->handler;
    put_back_body(e);
    keep_at_most(&e->x.answer, KEEP_ANSWER);
    keep_at_most(&e->target, KEEP_TARGET);
    e->next = h->spare;
    h->spare = e;
}

/* ---- answering ---- */

static void count_received(const struct handler_exchange *e, size_t bytes)
{
    metrics_count(lane_metrics(e->handler->lane), METRIC_RECEIVED_BYTES, 0, bytes);
}

/* Of any route. */
static void count_answer(const struct handler_exchange *e, unsigned status, size_t bytes)
{
    struct metrics_block *metrics = lane_metrics(e->handler->lane);
    metrics_count(metrics, METRIC_HTTP_ANSWERS, status / 100 - 1, 1);
    if (strcmp(e->x.method, MHD_HTTP_METHOD_HEAD) != 0)
        metrics_count(metrics, METRIC_SENT_BYTES, 0, bytes);
}

/* Queues what api put into the exchange. MHD_NO ends the connection. */
static enum MHD_Result answer(struct handler_exchange *e)
{
    static char nothing[1];
    struct exchange *x = &e->x;
    if (x->answer.bad || x->status < 200 || x->status > 599)
        return MHD_NO;
    struct MHD_Response *response = MHD_create_response_from_buffer(
        x->answer.len, x->answer.data ? x->answer.data : nothing, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    if (x->content_type)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, x->content_type);
    for (unsigned i = 0; i < x->header_count; i++)
        MHD_add_response_header(response, x->headers[i].name, x->headers[i].value);
    if (x->close || e->handler->draining)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result queued = MHD_queue_response(e->mhd, x->status, response);
    MHD_destroy_response(response);
    if (queued == MHD_YES)
        count_answer(e, x->status, x->answer.len);
    e->stage = STAGE_ANSWERED;
    connections_enter(e->connection, CONNECTION_ANSWER);
    return queued;
}

/* ---- the head ---- */

void *handler_uri(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    struct handler *h = cls;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct connection *c = info ? info->socket_context : NULL;
    struct handler_exchange *e = c ? take(h) : NULL;
    if (!e)
        return NULL; /* handler_request() ends the connection */
    e->connection = c;
    e->mhd = mhd;
    e->x.born_us = lane_clock_us();
    text_add(&e->target, uri, strlen(uri) + 1);
    connections_enter(c, CONNECTION_HEAD);
    return e;
}

static enum MHD_Result each_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                   size_t name_len, const char *value, size_t value_len)
{
    (void)kind;
    framing_header(cls, name, name_len, value ? value : "", value ? value_len : 0);
    return MHD_YES;
}

/* Splits the raw target at '?'. An absolute form ("http://host/path") must be understood (RFC
 * 9112 3.2.2): what is before its path is dropped. */
static void split_target(struct handler_exchange *e)
{
    char *path = e->target.data;
    if (path[0] != '/' && path[0] != '*') {
        char *host = strstr(path, "://");
        path = host ? host + 3 + strcspn(host + 3, "/?") : path;
    }
    char *query = strchr(path, '?');
    if (query)
        *query++ = 0;
    e->x.path = *path ? path : "/";
    e->x.query = query;
}

static enum MHD_Result refuse(struct handler_exchange *e, int status, const char *detail)
{
    e->known = true;
    api_refuse(e->handler->api, &e->x, status, detail);
    e->x.close = true;
    return answer(e);
}

static bool is_small(const struct exchange *x)
{
    return !x->chunked && x->content_length <= DISCARD_MAX;
}

/* The answer is known before the body was read. Queued now it closes the connection: so it waits
 * for the end of the body when there is none, or one that is small and on its way already. */
static enum MHD_Result answer_early(struct handler_exchange *e)
{
    if (e->x.close || !is_small(&e->x) || e->waits)
        return answer(e);
    e->stage = STAGE_DISCARD;
    e->discard_max = DISCARD_MAX;
    return MHD_YES;
}

static void suspend(struct handler_exchange *e)
{
    e->suspended = true;
    MHD_suspend_connection(e->mhd);
}

static void hold(struct handler_exchange *e)
{
    struct handler *h = e->handler;
    e->stage = STAGE_HELD;
    e->held_since_us = lane_clock_us();
    e->next = NULL;
    e->before = h->held_last;
    *(e->before ? &e->before->next : &h->held_first) = e;
    h->held_last = e;
    suspend(e);
    connections_wait(e->connection, e);
}

static enum MHD_Result read_on(struct handler_exchange *e)
{
    struct exchange *x = &e->x;
    e->known = true;
    if (api_begin(e->handler->api, x) != API_READ_BODY)
        return answer_early(e);
    if (x->has_length && x->content_length > x->body_limit)
        return refuse(e, SPARROW_TOO_LARGE, "the body is larger than server.max_body");
    e->stage = STAGE_BODY;
    return MHD_YES;
}

static enum MHD_Result begin(struct handler_exchange *e, const char *method, const char *version)
{
    struct handler *h = e->handler;
    struct exchange *x = &e->x;
    struct framing f = {0};
    connections_enter(e->connection, CONNECTION_BODY);
    if (e->target.bad)
        return MHD_NO;
    e->begun = true;
    lane_load_add(h->lane, 0, 1);
    x->method = method;
    x->path = e->target.data;
    MHD_get_connection_values_n(e->mhd, MHD_HEADER_KIND, each_header, &f);
    framing_end(&f, method, e->target.data, version);
    if (f.status)
        return refuse(e, f.status, f.detail);
    split_target(e);
    x->has_length = f.lengths > 0;
    x->chunked = f.chunked;
    x->content_length = f.content_length;
    e->waits = f.expects_continue && framing_has_body(&f);
    if (framing_has_body(&f) && !f.expects_continue && !h->draining &&
        (h->held_first || !api_may_read(h->api))) {
        hold(e);
        return MHD_YES;
    }
    enum MHD_Result result = read_on(e);
    if (e->waits && e->stage == STAGE_BODY && strcmp(version, MHD_HTTP_VERSION_1_1) == 0)
        count_answer(e, 100, 0); /* MHD now sends 100 Continue */
    return result;
}

static enum MHD_Result go_on(struct handler_exchange *e)
{
    e->x.held_us = lane_clock_us() - e->held_since_us;
    connections_enter(e->connection, CONNECTION_BODY);
    return read_on(e);
}

/* ---- the body ---- */

static enum MHD_Result body(struct handler_exchange *e, const char *data, size_t n)
{
    struct handler *h = e->handler;
    count_received(e, n);
    if (!e->x.body.data) {
        e->x.body = h->body;
        h->body = (struct text){0};
    }
    int status = exchange_append(&e->x, data, n);
    if (status == 0)
        return MHD_YES;
    if (status != SPARROW_TOO_LARGE)
        return MHD_NO;
    /* In the middle of a body MHD can neither answer nor close in an orderly way: read on for a
     * while, then answer. */
    api_refuse(h->api, &e->x, SPARROW_TOO_LARGE, "the body is larger than server.max_body");
    e->x.close = true;
    e->stage = STAGE_DISCARD;
    e->discarded = n;
    e->discard_max = OVERRUN_MAX;
    return MHD_YES;
}

static enum MHD_Result discard(struct handler_exchange *e, size_t n)
{
    count_received(e, n);
    e->discarded += n;
    return e->discarded > e->discard_max ? MHD_NO : MHD_YES;
}

static enum MHD_Result finish(struct handler_exchange *e)
{
    struct handler *h = e->handler;
    e->x.body_end_us = lane_clock_us();
    e->stage = STAGE_LATER; /* before the call: done() may come while it runs */
    if (api_finish(h->api, &e->x) == API_ANSWER)
        return answer(e);
    if (e->x.spent)
        put_back_body(e);
    connections_wait(e->connection, e);
    if (!e->x.soon)
        suspend(e);
    return MHD_YES;
}

static enum MHD_Result ask_again(struct handler_exchange *e)
{
    if (++e->asked == ASKED_MOST)
        suspend(e);
    return MHD_YES;
}

enum MHD_Result handler_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                const char *method, const char *version, const char *data,
                                size_t *size, void **context)
{
    struct handler_exchange *e = *context;
    (void)cls;
    (void)mhd;
    (void)url; /* decoded and cut at a NUL: the raw target is what counts */
    if (!e)
        return MHD_NO;
    size_t n = *size;
    switch (e->stage) {
    case STAGE_HEAD:
        return begin(e, method, version);
    case STAGE_ON:
        return go_on(e);
    case STAGE_BODY:
        *size = 0;
        return n ? body(e, data, n) : finish(e);
    case STAGE_DISCARD:
        *size = 0;
        return n ? discard(e, n) : answer(e);
    case STAGE_LATER:
        return ask_again(e);
    case STAGE_READY:
        return e->listed ? MHD_YES : answer(e);
    case STAGE_HELD: /* suspended: never called */
    case STAGE_GONE:
    case STAGE_ANSWERED:
        break;
    }
    return MHD_NO;
}

/* ---- exchanges that are answered later ---- */

static void make_ready(struct handler_exchange *e, enum stage stage)
{
    struct handler *h = e->handler;
    e->stage = stage;
    e->listed = true;
    e->next = NULL;
    *h->ready_tail = e;
    h->ready_tail = &e->next;
    h->kick(h->kick_arg);
}

static void done(struct exchange *x)
{
    struct handler_exchange *e = (struct handler_exchange *)x;
    if (e->stage == STAGE_LATER)
        make_ready(e, STAGE_READY);
}

static void unhold(struct handler_exchange *e)
{
    struct handler *h = e->handler;
    *(e->next ? &e->next->before : &h->held_last) = e->before;
    *(e->before ? &e->before->next : &h->held_first) = e->next;
}

void handler_let_on(struct handler *h)
{
    while (h->held_first) {
        enum api_held which =
            h->draining ? API_ADMIT_NEWEST : api_next_held(h->api, h->held_first->held_since_us);
        if (which == API_HOLD_ON)
            return;
        struct handler_exchange *e = which == API_ADMIT_NEWEST ? h->held_last : h->held_first;
        e->x.refuse = which == API_REFUSE_OLDEST && is_small(&e->x);
        unhold(e);
        make_ready(e, STAGE_ON);
    }
}

void handler_gone(void *arg, void *exchange)
{
    struct handler *h = arg;
    struct handler_exchange *e = exchange;
    if (e->stage == STAGE_HELD)
        unhold(e);
    else if (e->stage == STAGE_LATER)
        api_gone(h->api, &e->x);
    else
        return;
    make_ready(e, STAGE_GONE);
}

bool handler_resume(struct handler *h)
{
    struct handler_exchange *list = h->ready;
    h->ready = NULL;
    h->ready_tail = &h->ready;
    for (struct handler_exchange *e = list, *next; e; e = next) {
        next = e->next;
        e->listed = false;
        connections_wait_over(e->connection);
        if (e->suspended)
            MHD_resume_connection(e->mhd);
        e->suspended = false;
    }
    return list != NULL;
}

void handler_give_up(struct handler *h, struct connections *all)
{
    for (struct connection *c = all->ring.next; c != &all->ring; c = c->next)
        if (c->waiting_for)
            handler_gone(h, c->waiting_for);
}

/* ---- the end ---- */

/* The connection broke before the answer that was due could be queued. */
static void take_out(struct handler *h, struct handler_exchange *e)
{
    struct handler_exchange **at = &h->ready;
    while (*at && *at != e)
        at = &(*at)->next;
    if (*at)
        *at = e->next;
    for (h->ready_tail = &h->ready; *h->ready_tail;)
        h->ready_tail = &(*h->ready_tail)->next;
    e->listed = false;
}

void handler_completed(void *cls, struct MHD_Connection *mhd, void **context,
                       enum MHD_RequestTerminationCode why)
{
    struct handler_exchange *e = *context;
    struct handler *h = cls;
    (void)mhd;
    (void)why;
    if (!e)
        return;
    *context = NULL;
    if (e->listed)
        take_out(h, e);
    connections_wait_over(e->connection);
    if (e->known)
        api_release(h->api, &e->x);
    if (e->begun)
        lane_load_add(h->lane, 0, -1);
    connections_enter(e->connection, CONNECTION_IDLE);
    put_back(e);
}
