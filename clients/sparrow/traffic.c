/* traffic.c - requests sent to a server by a clock, and what came back.
 *
 * Open loop: when a request is due does not depend on any answer, and its latency counts from that
 * moment. So a server that stalls is charged with all the requests that users would have sent
 * meanwhile (no coordinated omission). What is due and finds no free connection needs no queue: the
 * schedule is a clock, `due_ns` is where it stands.
 *
 * One thread, one loop. A timerfd gives the clock its nanoseconds, since libuv's timers count
 * milliseconds.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clients/sparrow/traffic.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#include "clients/sparrow/clock.h"
#include "clients/sparrow/response.h"

#define TICK_MS    10         /* how often timeouts are looked at */
#define BACKOFF_NS 100000000u /* after a failed connect: a refused port must not be hammered */

enum link_state { LINK_CLOSED, LINK_CONNECTING, LINK_OPEN, LINK_CLOSING };

struct link {
    struct traffic *traffic;
    enum link_state state;
    bool busy;    /* has a request */
    bool writing; /* `write` is in use: the system did not take all of the request at once */
    bool queued;  /* is in the ring of free links */
    bool resting; /* until rest_ns, after a failed connect */
    uint64_t due_ns, begin_ns, sent_ns, rest_ns; /* begin: when it got its request */
    const struct traffic_request *request;
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    struct response response;
};

struct traffic {
    const struct traffic_options *options;
    struct traffic_result *result;
    uv_loop_t loop;
    uv_timer_t tick;
    uv_signal_t sigint;
    uv_poll_t clock; /* over timer_fd */
    int timer_fd;
    uint64_t begin_ns, count_from_ns, end_ns, last_ns;
    uint64_t due_ns;  /* when the next request is due */
    double due_exact; /* the same with its fraction, so that the rate is kept */
    uint64_t random;
    size_t next_request;
    bool stopping;
    struct link *links;
    struct link **free_links; /* a ring: who waited longest goes first */
    size_t free_first, free_count;
    size_t busy_count;
    char buffer[65536]; /* what was read last; taken before the next read */
};

const char *traffic_error_text(enum traffic_error error)
{
    static const char *const texts[TRAFFIC_ERROR_COUNT] = {
        [TRAFFIC_CONNECT] = "no connection",      [TRAFFIC_CLOSED] = "closed before the answer",
        [TRAFFIC_MALFORMED] = "malformed answer", [TRAFFIC_TIMEOUT] = "no answer in time",
        [TRAFFIC_UNSENT] = "not sent in time",
    };
    return texts[error];
}

const char *traffic_error_name(enum traffic_error error)
{
    static const char *const names[TRAFFIC_ERROR_COUNT] = {
        [TRAFFIC_CONNECT] = "connect",     [TRAFFIC_CLOSED] = "closed",
        [TRAFFIC_MALFORMED] = "malformed", [TRAFFIC_TIMEOUT] = "timeout",
        [TRAFFIC_UNSENT] = "unsent",
    };
    return names[error];
}

static void pump(struct traffic *t);
static void start(struct link *link);

/* ---- the schedule ---- */

static uint64_t random_next(struct traffic *t)
{
    /* splitmix64 (S. Vigna): enough for gaps, and the same in each run. */
    uint64_t z = t->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void advance(struct traffic *t)
{
    double gap_ns = 1e9 / t->options->rate;
    if (t->options->poisson)
        gap_ns *= -log(((double)(random_next(t) >> 11) + 0.5) * 0x1p-53);
    t->due_exact += gap_ns;
    t->due_ns = t->begin_ns + (uint64_t)t->due_exact;
}

static bool counted(const struct traffic *t, uint64_t due_ns)
{
    return due_ns >= t->count_from_ns;
}

static uint64_t timeout_ns(const struct traffic *t)
{
    return (uint64_t)(t->options->timeout_s * 1e9);
}

/* Gives up what has waited too long for a free connection, as its user would have. */
static void expire(struct traffic *t, uint64_t now)
{
    while (t->options->rate > 0 && t->due_ns < t->end_ns && now > t->due_ns + timeout_ns(t)) {
        if (counted(t, t->due_ns)) {
            t->result->due++;
            t->result->errors[TRAFFIC_UNSENT]++;
        }
        advance(t);
    }
}

static void arm(struct traffic *t, uint64_t at_ns)
{
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(at_ns / 1000000000u),
                                           .tv_nsec = (long)(at_ns % 1000000000u)}};
    timerfd_settime(t->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

/* ---- links ---- */

static void set_free(struct link *link)
{
    struct traffic *t = link->traffic;
    link->queued = true;
    t->free_links[(t->free_first + t->free_count++) % t->options->connections] = link;
}

static struct link *take_free(struct traffic *t)
{
    struct link *link = t->free_links[t->free_first];
    t->free_first = (t->free_first + 1) % t->options->connections;
    t->free_count--;
    link->queued = false;
    return link;
}

static void on_closed(uv_handle_t *handle)
{
    struct link *link = handle->data;
    link->state = LINK_CLOSED;
    if (link->busy && !link->traffic->stopping)
        start(link);
}

static void close_link(struct link *link)
{
    if (link->state == LINK_CLOSED || link->state == LINK_CLOSING)
        return;
    link->state = LINK_CLOSING;
    uv_close((uv_handle_t *)&link->tcp, on_closed);
}

/* The request of this link is over, with an answer or without. */
static void finish(struct link *link)
{
    struct traffic *t = link->traffic;
    link->busy = false;
    t->busy_count--;
    if (!link->resting)
        set_free(link);
    pump(t);
}

static void fail(struct link *link, enum traffic_error error)
{
    struct traffic *t = link->traffic;
    close_link(link);
    if (error == TRAFFIC_CONNECT) {
        link->resting = true;
        link->rest_ns = clock_now_ns() + BACKOFF_NS;
    }
    if (!link->busy)
        return;
    if (counted(t, link->due_ns)) {
        t->result->errors[error]++;
        t->last_ns = clock_now_ns();
    }
    finish(link);
}

static bool is_right(const struct link *link)
{
    const struct traffic_options *o = link->traffic->options;
    const struct response *r = &link->response;
    size_t kept = r->body_bytes < sizeof(r->body) ? (size_t)r->body_bytes : sizeof(r->body);
    return o->check(o->check_arg, (size_t)(link->request - o->requests), r->body, kept);
}

static void answered(struct link *link)
{
    struct traffic *t = link->traffic;
    uint64_t now = clock_now_ns();
    unsigned status = link->response.status;
    bool success = status >= 200 && status < 300, right = success && is_right(link);
    if (counted(t, link->due_ns)) {
        t->last_ns = now;
        t->result->answered++;
        t->result->statuses[status < 600 ? status : 0]++;
        t->result->wrong += success && !right;
        if (success && right) {
            t->result->good++;
            histogram_add(&t->result->latency, now - link->due_ns);
            histogram_add(&t->result->service, now - link->sent_ns);
        }
    }
    if (link->response.close ||
        link->writing) /* an answer before the request was sent: no order to keep */
        close_link(link);
    finish(link);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    (void)suggested;
    struct link *link = handle->data;
    *ret_buf = uv_buf_init(link->traffic->buffer, sizeof(link->traffic->buffer));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct link *link = stream->data;
    size_t used;
    if (n == 0 || link->state != LINK_OPEN)
        return;
    if (n < 0) {
        if (link->busy && response_end(&link->response)) {
            close_link(link);
            answered(link);
        } else {
            fail(link, TRAFFIC_CLOSED);
        }
        return;
    }
    if (!link->busy) { /* an answer to nothing */
        close_link(link);
        return;
    }
    if (counted(link->traffic, link->due_ns))
        link->traffic->result->bytes_received += (uint64_t)n;
    enum response_state state = response_feed(&link->response, buf->base, (size_t)n, &used);
    if (state == RESPONSE_BAD || (state == RESPONSE_DONE && used != (size_t)n))
        fail(link, TRAFFIC_MALFORMED);
    else if (state == RESPONSE_DONE)
        answered(link);
}

static void on_written(uv_write_t *write, int status)
{
    struct link *link = write->data;
    link->writing = false;
    if (status < 0 && status != UV_ECANCELED && link->state == LINK_OPEN)
        fail(link, TRAFFIC_CLOSED);
}

static void send_request(struct link *link)
{
    uv_stream_t *stream = (uv_stream_t *)&link->tcp;
    uv_buf_t buf =
        uv_buf_init((char *)(uintptr_t)link->request->bytes, (unsigned)link->request->count);
    response_reset(&link->response);
    link->sent_ns = clock_now_ns();
    if (counted(link->traffic, link->due_ns))
        link->traffic->result->bytes_sent += link->request->count;
    int n = uv_try_write(stream, &buf, 1);
    if (n < 0 && n != UV_EAGAIN) {
        fail(link, TRAFFIC_CLOSED);
        return;
    }
    size_t wrote = n > 0 ? (size_t)n : 0;
    if (wrote == link->request->count)
        return;
    buf.base += wrote;
    buf.len -= wrote;
    link->write.data = link;
    link->writing = uv_write(&link->write, stream, &buf, 1, on_written) == 0;
    if (!link->writing)
        fail(link, TRAFFIC_CLOSED);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct link *link = connect->data;
    if (link->state != LINK_CONNECTING)
        return;
    if (status < 0 || uv_read_start((uv_stream_t *)&link->tcp, on_alloc, on_read) < 0) {
        fail(link, TRAFFIC_CONNECT);
        return;
    }
    link->state = LINK_OPEN;
    link->traffic->result->connects++;
    uv_tcp_nodelay(&link->tcp, 1);
    if (link->busy)
        send_request(link);
}

/* Sends the link's request, if it has one, connecting first where that is needed. A link that is
 * connecting or closing starts when that is done. */
static void start(struct link *link)
{
    if (link->state == LINK_OPEN && link->busy) {
        send_request(link);
    } else if (link->state == LINK_CLOSED) {
        uv_tcp_init(&link->traffic->loop, &link->tcp);
        link->tcp.data = link;
        link->connect.data = link;
        link->state = LINK_CONNECTING;
        if (uv_tcp_connect(&link->connect, &link->tcp, link->traffic->options->address,
                           on_connected) < 0)
            fail(link, TRAFFIC_CONNECT);
    }
}

/* ---- the loop ---- */

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void stop(struct traffic *t)
{
    t->stopping = true;
    for (size_t i = 0; i < t->options->connections; i++)
        close_link(&t->links[i]);
    uv_walk(&t->loop, close_handle, NULL);
}

static void give(struct traffic *t, struct link *link, uint64_t due_ns)
{
    link->busy = true;
    link->due_ns = due_ns;
    link->begin_ns = clock_now_ns();
    link->request = &t->options->requests[t->next_request];
    t->next_request = (t->next_request + 1) % t->options->request_count;
    t->busy_count++;
    if (counted(t, due_ns))
        t->result->due++;
    start(link);
}

/* Sends everything that is due, as far as links are free, and sets the clock for the next. */
static void pump(struct traffic *t)
{
    bool closed_loop = t->options->rate <= 0;
    uint64_t now = clock_now_ns();
    if (t->stopping)
        return;
    expire(t, now);
    while (t->free_count &&
           (closed_loop ? now < t->end_ns : t->due_ns <= now && t->due_ns < t->end_ns)) {
        uint64_t due_ns = closed_loop ? now : t->due_ns;
        if (!closed_loop)
            advance(t);
        give(t, take_free(t), due_ns);
        if (t->stopping)
            return;
        now = clock_now_ns();
    }
    bool over = closed_loop ? now >= t->end_ns : t->due_ns >= t->end_ns;
    if (over && t->busy_count == 0)
        stop(t);
    else if (!closed_loop && !over && t->free_count)
        arm(t, t->due_ns);
}

static void on_clock(uv_poll_t *poll, int status, int events)
{
    struct traffic *t = poll->data;
    uint64_t times;
    (void)status;
    (void)events;
    if (read(t->timer_fd, &times, sizeof(times)) == (ssize_t)sizeof(times))
        pump(t);
}

static void on_tick(uv_timer_t *timer)
{
    struct traffic *t = timer->data;
    uint64_t now = clock_now_ns();
    for (size_t i = 0; i < t->options->connections && !t->stopping; i++) {
        struct link *link = &t->links[i];
        if (link->busy && now > link->begin_ns + timeout_ns(t)) {
            fail(link, TRAFFIC_TIMEOUT);
        } else if (link->resting && now >= link->rest_ns) {
            link->resting = false;
            if (!link->busy && !link->queued)
                set_free(link);
        }
    }
    pump(t);
}

static void on_sigint(uv_signal_t *signal, int number)
{
    struct traffic *t = signal->data;
    (void)number;
    t->result->interrupted = true;
    t->end_ns = clock_now_ns();
    stop(t);
}

static bool set_up(struct traffic *t)
{
    size_t n = t->options->connections;
    t->links = calloc(n, sizeof(*t->links));
    t->free_links = calloc(n, sizeof(*t->free_links));
    t->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (!t->links || !t->free_links || t->timer_fd < 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        t->links[i].traffic = t;
        set_free(&t->links[i]);
    }
    t->tick.data = t->sigint.data = t->clock.data = t;
    return uv_timer_init(&t->loop, &t->tick) == 0 && uv_signal_init(&t->loop, &t->sigint) == 0 &&
           uv_poll_init(&t->loop, &t->clock, t->timer_fd) == 0 &&
           uv_timer_start(&t->tick, on_tick, TICK_MS, TICK_MS) == 0 &&
           uv_signal_start(&t->sigint, on_sigint, SIGINT) == 0 &&
           uv_poll_start(&t->clock, UV_READABLE, on_clock) == 0;
}

static void run(struct traffic *t)
{
    const struct traffic_options *o = t->options;
    t->begin_ns = t->due_ns = clock_now_ns();
    t->count_from_ns = t->begin_ns + (uint64_t)(o->warmup_s * 1e9);
    t->end_ns = t->count_from_ns + (uint64_t)(o->duration_s * 1e9);
    t->last_ns = t->count_from_ns;
    for (size_t i = 0; i < o->connections; i++)
        start(&t->links[i]);
    pump(t);
    uv_run(&t->loop, UV_RUN_DEFAULT);
    if (t->last_ns < t->end_ns)
        t->last_ns = t->end_ns;
    t->result->due_seconds =
        t->end_ns > t->count_from_ns ? (double)(t->end_ns - t->count_from_ns) / 1e9 : 0;
    t->result->seconds =
        t->last_ns > t->count_from_ns ? (double)(t->last_ns - t->count_from_ns) / 1e9 : 0;
}

bool traffic_run(const struct traffic_options *options, struct traffic_result *ret_result,
                 char *ret_text, size_t text_size)
{
    struct traffic *t = calloc(1, sizeof(*t));
    memset(ret_result, 0, sizeof(*ret_result));
    if (!t || uv_loop_init(&t->loop) < 0) {
        snprintf(ret_text, text_size, "no memory");
        free(t);
        return false;
    }
    t->options = options;
    t->result = ret_result;
    t->timer_fd = -1;
    bool ok = set_up(t);
    if (ok) {
        run(t);
    } else {
        snprintf(ret_text, text_size, "the load generator could not be set up");
        uv_walk(&t->loop, close_handle, NULL);
        uv_run(&t->loop, UV_RUN_DEFAULT);
    }
    uv_loop_close(&t->loop);
    if (t->timer_fd >= 0)
        close(t->timer_fd);
    free(t->free_links);
    free(t->links);
    free(t);
    return ok;
}
