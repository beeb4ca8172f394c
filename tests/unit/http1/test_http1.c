/* test_http1.c - the codec alone, against a small api written here: keep-alive, pipelining, late
 * answers, clients that hang up, bodies that are too large, deadlines, drain, stop. Real sockets,
 * real libmicrohttpd.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/http1/http1.h"

/* ---- allocations of our own objects (linked with --wrap; libmicrohttpd's are its own affair) ----
 */

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
__attribute__((visibility("default"))) void *__wrap_malloc(size_t n);
__attribute__((visibility("default"))) void *__wrap_calloc(size_t count, size_t n);
__attribute__((visibility("default"))) void *__wrap_realloc(void *p, size_t n);
static _Atomic unsigned allocations;
static _Thread_local bool watched; /* the lane's thread: Check allocates on the other */

void *__wrap_malloc(size_t n)
{
    allocations += watched;
    return __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t n)
{
    allocations += watched;
    return __real_calloc(count, n);
}

void *__wrap_realloc(void *p, size_t n)
{
    allocations += watched;
    return __real_realloc(p, n);
}

/* ---- the api of this test: /echo answers the body's length; /later answers after 50 ms; /never
 * when told; /now before the body. While it is full, requests are held back until `admit` or
 * `refuse` lets some on ---- */

struct api_call {
    uv_timer_t timer;
    struct exchange *x;
};
struct api {
    struct lane *lane;
    size_t limit;
    _Atomic unsigned begun, finished, released, gone, refused, later;
    _Atomic bool full;
    _Atomic unsigned admit, refuse;
};

static void fill(struct exchange *x, unsigned status, const char *text)
{
    x->status = status;
    x->content_type = "text/plain";
    text_clear(&x->answer);
    text_puts(&x->answer, text);
}

bool api_may_read(struct api *api)
{
    return !api->full;
}

enum api_held api_next_held(struct api *api, uint64_t oldest_us)
{
    ck_assert(oldest_us > 0 && oldest_us <= lane_clock_us());
    if (api->admit > 0) {
        api->admit--;
        return API_ADMIT_NEWEST;
    }
    if (api->refuse == 0)
        return API_HOLD_ON;
    api->refuse--;
    return API_REFUSE_OLDEST;
}

enum api_verdict api_begin(struct api *api, struct exchange *x)
{
    api->begun++;
    if (x->refuse) {
        fill(x, 503, "busy");
        return API_ANSWER;
    }
    x->body_limit = api->limit;
    if (strcmp(x->path, "/now") == 0) {
        fill(x, 404, "now");
        return API_ANSWER;
    }
    return API_READ_BODY;
}

static void on_call_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_call_over(uv_timer_t *timer)
{
    struct api_call *call = timer->data;
    struct exchange *x = call->x;
    uv_close((uv_handle_t *)timer, on_call_closed);
    if (!x)
        return;
    x->call = NULL;
    fill(x, 200, "later");
    x->done(x);
}

enum api_verdict api_finish(struct api *api, struct exchange *x)
{
    api->finished++;
    if (strcmp(x->path, "/later") == 0 || strcmp(x->path, "/never") == 0) {
        struct api_call *call = calloc(1, sizeof *call);
        api->later++;
        call->x = x;
        x->call = call;
        uv_timer_init(lane_loop(api->lane), &call->timer);
        call->timer.data = call;
        uv_timer_start(&call->timer, on_call_over, strcmp(x->path, "/later") == 0 ? 50 : 100000, 0);
        return API_LATER;
    }
    char text[300];
    const char *agent = x->header(x, "x-name");
    snprintf(text, sizeof text, "%s %s?%s %zu %s", x->method, x->path, x->query ? x->query : "",
             x->body.len, agent ? agent : "-");
    fill(x, 200, text);
    exchange_add_header(x, "X-Test", "yes");
    return API_ANSWER;
}

void api_gone(struct api *api, struct exchange *x)
{
    api->gone++;
    x->call->x = NULL;
    uv_timer_start(&x->call->timer, on_call_over, 0, 0);
    x->call = NULL;
}

void api_release(struct api *api, struct exchange *x)
{
    (void)x;
    api->released++;
}

void api_refuse(struct api *api, struct exchange *x, int status, const char *detail)
{
    (void)status;
    api->refused++;
    fill(x, status == SPARROW_TOO_LARGE ? 413 : 400, detail);
    x->close = true;
}

int exchange_append(struct exchange *x, const void *bytes, size_t n)
{
    if (x->body.len + n > x->body_limit)
        return SPARROW_TOO_LARGE;
    text_add(&x->body, bytes, n);
    return x->body.bad ? SPARROW_NO_MEMORY : 0;
}

void exchange_add_header(struct exchange *x, const char *name, const char *value)
{
    x->headers[x->header_count].name = name;
    snprintf(x->headers[x->header_count].value, sizeof x->headers[0].value, "%s", value);
    x->header_count++;
}

/* ---- one lane with the codec on it ---- */

struct bench {
    struct log *log;
    struct metrics *metrics;
    struct lane *lane;
    struct api api;
    struct config *config;
    struct http1 *http1;
    atomic_bool drained;
};

struct errand { /* something to do on the lane; waited for */
    struct lane_message message;
    struct bench *bench;
    void (*what)(struct bench *b, int fd);
    int fd;
    atomic_bool over;
};

static void run_errand(struct lane *lane, struct lane_message *message)
{
    (void)lane;
    struct errand *e = (struct errand *)message;
    e->what(e->bench, e->fd);
    e->over = true;
}

static void on_lane(struct bench *b, void (*what)(struct bench *, int), int fd)
{
    struct errand e = {.message.run = run_errand, .bench = b, .what = what, .fd = fd};
    lane_post(b->lane, &e.message);
    while (!e.over)
        usleep(200);
}

static void do_take(struct bench *b, int fd)
{
    struct sockaddr_storage from = {0};
    socklen_t len = sizeof from;
    getpeername(fd, (struct sockaddr *)&from, &len);
    http1_take(b->http1, b->lane, fd, &from, len);
}

static void do_drain(struct bench *b, int fd)
{
    (void)fd;
    http1_drain(b->http1);
}

static void do_stop(struct bench *b, int fd)
{
    (void)fd;
    http1_stop(b->http1);
}

static void on_drained(void *arg)
{
    ((struct bench *)arg)->drained = true;
}

static struct bench *bench_new(const char *const *settings)
{
    struct bench *b = calloc(1, sizeof *b);
    b->log = log_new();
    log_set_level(b->log, "error");
    b->metrics = metrics_new();
    struct sparrow_error err = {0};
    ck_assert_msg(config_load(NULL, settings, NULL, &b->config, &err) == 0, "%s", err.text);
    ck_assert_int_eq(lane_new(0, metrics_block(b->metrics), b->log, &b->lane, NULL), 0);
    b->api.lane = b->lane;
    b->api.limit = 100000;
    struct http1_options o = {
        .lane = b->lane, .api = &b->api, .config = b->config, .drained = on_drained, .arg = b};
    ck_assert_int_eq(http1_new(&o, &b->http1, &err), 0);
    ck_assert_int_eq(lane_start(b->lane, NULL), 0);
    return b;
}

static void bench_free(struct bench *b)
{
    on_lane(b, do_stop, 0);
    lane_stop(b->lane);
    lane_join(b->lane);
    ck_assert_uint_eq(b->api.begun + b->api.refused >= b->api.released, 1);
    ck_assert_uint_eq(lane_load(b->lane), 0);
    ck_assert_uint_eq(metrics_value(b->metrics, METRIC_CONNECTIONS_OPENED, 0),
                      metrics_value(b->metrics, METRIC_CONNECTIONS_CLOSED, 0));
    http1_free(b->http1);
    lane_free(b->lane);
    config_unref(b->config);
    metrics_free(b->metrics);
    log_free(b->log);
    free(b);
}

/* Two ends of a TCP connection; the codec gets one. */
static int client(struct bench *b)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&a, &len), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, len), 0);
    int other = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ck_assert_int_ge(other, 0);
    close(listener);
    on_lane(b, do_take, other);
    return fd;
}

static void say(int fd, const char *text)
{
    size_t n = strlen(text);
    ck_assert_int_eq(send(fd, text, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* Reads until `stop` was seen (or EOF when stop is NULL), for `ms` at most. Returns what came;
 * *ret_closed: EOF or reset. */
static const char *hear(int fd, const char *stop, int ms, bool *ret_closed)
{
    static char text[1 << 16];
    size_t n = 0;
    bool closed = false;
    text[0] = 0;
    uint64_t end = lane_clock_us() + (uint64_t)ms * 1000;
    while (!(stop && strstr(text, stop)) && !closed && lane_clock_us() < end) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, 20) <= 0)
            continue;
        ssize_t got = recv(fd, text + n, sizeof text - 1 - n, 0);
        closed = got <= 0;
        n += got > 0 ? (size_t)got : 0;
        text[n] = 0;
    }
    if (ret_closed)
        *ret_closed = closed;
    return text;
}

static unsigned times(const char *text, const char *what)
{
    unsigned n = 0;
    for (const char *p = strstr(text, what); p; p = strstr(p + 1, what))
        n++;
    return n;
}

static bool becomes(_Atomic unsigned *value, unsigned wanted)
{
    for (int i = 0; i < 5000 && *value != wanted; i++)
        usleep(1000);
    return *value == wanted;
}

#define POST5(path) "POST " path " HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"

START_TEST(keep_alive_serves_one_after_the_other)
{
    struct bench *b = bench_new(NULL);
    int fd = client(b);
    for (int i = 0; i < 50; i++) {
        say(fd,
            "POST /echo?x=%20 HTTP/1.1\r\nHost: a\r\nX-Name: n\r\nContent-Length: 5\r\n\r\nhello");
        const char *text = hear(fd, "POST /echo?x=%20 5 n", 5000, NULL);
        ck_assert_ptr_nonnull(strstr(text, "HTTP/1.1 200 OK"));
        ck_assert_ptr_nonnull(strstr(text, "X-Test: yes"));
        ck_assert_ptr_nonnull(strstr(text, "POST /echo?x=%20 5 n"));
    }
    say(fd, "GET http://a/echo HTTP/1.1\r\nHost: a\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(hear(fd, "GET /echo? 0 -", 5000, NULL), "200 OK"));
    ck_assert(becomes(&b->api.released, 51));
    close(fd);
    bench_free(b);
}
END_TEST

static void do_watch(struct bench *b, int fd)
{
    (void)b;
    (void)fd;
    watched = true;
}

START_TEST(steady_state_allocates_nothing_of_ours)
{
    struct bench *b = bench_new(NULL);
    int fd = client(b);
    static char request[40000];
    int head = snprintf(request, sizeof request,
                        "POST /echo?n HTTP/1.1\r\nHost: a\r\nContent-Length: 32044\r\n\r\n");
    memset(request + head, 'x', 32044);
    request[head + 32044] = 0;
    on_lane(b, do_watch, 0);
    unsigned before = 0;
    for (int i = 0; i < 120; i++) {
        if (i == 20)
            before = allocations;
        say(fd, request);
        ck_assert_ptr_nonnull(strstr(hear(fd, "/echo?n 32044", 5000, NULL), "200 OK"));
    }
    ck_assert_uint_eq(allocations - before, 0);
    ck_assert_uint_gt(before, 0); /* the counter counts */
    close(fd);
    bench_free(b);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
    struct bench *b = bench_new(NULL);
    int fd = client(b);
    say(fd, POST5("/echo?1") POST5("/later") POST5("/echo?2") POST5("/later") POST5("/echo?3"));
    const char *text = hear(fd, "/echo?3 5", 10000, NULL);
    const char *one = strstr(text, "/echo?1 5"), *two = strstr(text, "/echo?2 5"),
               *three = strstr(text, "/echo?3 5");
    ck_assert_msg(one && two && three && one < two && two < three, "%s", text);
    ck_assert_uint_eq(times(text, "HTTP/1.1 200"), 5);
    close(fd);
    bench_free(b);
}
END_TEST

START_TEST(head_has_the_length_and_no_body)
{
    struct bench *b = bench_new(NULL);
    int fd = client(b);
    say(fd, "HEAD /echo HTTP/1.1\r\nHost: a\r\n\r\nGET /echo?next HTTP/1.1\r\nHost: a\r\n\r\n");
    const char *text = hear(fd, "echo?next", 5000, NULL);
    ck_assert_uint_eq(times(text, "HTTP/1.1 200"), 2);
    ck_assert_ptr_null(strstr(text, "HEAD /echo?"));
    ck_assert_uint_eq(times(text, "Content-Length: 15"), 1);
    close(fd);
    bench_free(b);
}
END_TEST

START_TEST(early_answer_keeps_a_connection_with_a_small_body)
{
    struct bench *b = bench_new(NULL);
    int fd = client(b);
    bool closed;
    say(fd, POST5("/now") POST5("/echo"));
    const char *text = hear(fd, "/echo? 5", 5000, NULL);
    ck_assert_ptr_nonnull(strstr(text, "404"));
    ck_assert_ptr_nonnull(strstr(text, "200"));
    say(fd, "POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n");
    text = hear(fd, NULL, 5000, &closed);
    ck_assert_ptr_nonnull(strstr(text, "404"));
    ck_assert(closed);
    close(fd);
    bench_free(b);
}
END_TEST

START_TEST(many_late_answers_all_come)
{
    struct bench *b = bench_new(NULL);
    int fds[64];
    for (int i = 0; i < 64; i++) {
        fds[i] = client(b);
        say(fds[i], POST5("/later"));
    }
    for (int i = 0; i < 64; i++) {
        ck_assert_ptr_nonnull(strstr(hear(fds[i], "later", 5000, NULL), "200 OK"));
        close(fds[i]);
    }
    ck_assert(becomes(&b->api.released, 64));
    ck_assert_uint_eq(b->api.gone, 0);
    bench_free(b);
}
END_TEST

START_TEST(client_that_hangs_up_while_we_work_is_noticed)
{
    struct bench *b = bench_new(NULL);
    int fd = client(b);
    say(fd, POST5("/never"));
    ck_assert(becomes(&b->api.later, 1));
    uint64_t begin = lane_clock_us();
    close(fd);
    ck_assert(becomes(&b->api.gone, 1));
    ck_assert(becomes(&b->api.released, 1));
    ck_assert_uint_le(lane_clock_us() - begin, 2000000);
    for (int i = 0; i < 2000 && lane_connections(b->lane); i++)
        usleep(1000);
    ck_assert_uint_eq(lane_connections(b->lane), 0);
    bench_free(b);
}
END_TEST

static const char *const unfinished[] = {
    "",
    "P",
    "POST /echo HTTP/1.1\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
};

START_TEST(data_and_the_end_of_the_stream_at_once_end_the_connection)
{
    struct bench *b = bench_new(NULL);
    int fds[32];
    for (int i = 0; i < 32; i++)
        fds[i] = client(b);
    for (int i = 0; i < 32; i++) {
        say(fds[i], unfinished[_i]);
        close(fds[i]);
    }
    for (int i = 0; i < 3000 && lane_connections(b->lane); i++)
        usleep(1000);
    ck_assert_uint_eq(lane_connections(b->lane), 0);
    ck_assert_uint_eq(metrics_value(b->metrics, METRIC_REFUSED, REFUSED_SLOW_CLIENT), 0);
    bench_free(b);
}
END_TEST

START_TEST(half_closed_after_a_whole_request_is_still_answered)
{
    struct bench *b = bench_new(NULL);
    for (int i = 0; i < 20; i++) {
        int fd = client(b);
        bool closed;
        say(fd, POST5("/echo"));
        shutdown(fd, SHUT_WR);
        ck_assert_ptr_nonnull(strstr(hear(fd, NULL, 5000, &closed), "/echo? 5"));
        ck_assert(closed);
        close(fd);
    }
    bench_free(b);
}
END_TEST

START_TEST(stop_with_suspended_connections_ends_them)
{
    struct bench *b = bench_new(NULL);
    int fds[8];
    bool closed;
    for (int i = 0; i < 8; i++) {
        fds[i] = client(b);
        say(fds[i], i % 2 ? POST5("/never") : "POST /echo HTTP/1.1\r\nHo");
    }
    ck_assert(becomes(&b->api.later, 4));
    on_lane(b, do_stop, 0);
    for (int i = 0; i < 8; i++) {
        hear(fds[i], NULL, 5000, &closed);
        ck_assert(closed);
        close(fds[i]);
    }
    ck_assert_uint_eq(b->api.gone, 4);
    ck_assert_uint_eq(b->api.released, 4);
    bench_free(b);
}
END_TEST

START_TEST(announced_too_large_is_refused_before_it_is_read)
{
    struct bench *b = bench_new(NULL);
    int fd = client(b);
    bool closed;
    say(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2147483648\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(hear(fd, NULL, 5000, &closed), "413"));
    ck_assert(closed);
    close(fd);
    bench_free(b);
}
END_TEST

START_TEST(chunked_too_large_is_told_at_its_end)
{
    struct bench *b = bench_new(NULL);
    int fd = client(b);
    bool closed;
    static char chunk[50000];
    memset(chunk, 'x', sizeof chunk);
    say(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 4; i++) {
        say(fd, "c350\r\n");
        ck_assert_int_eq(send(fd, chunk, sizeof chunk, 0), sizeof chunk);
        say(fd, "\r\n");
    }
    say(fd, "0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(hear(fd, NULL, 5000, &closed), "413"));
    ck_assert(closed);
    close(fd);
    bench_free(b);
}
END_TEST

START_TEST(chunked_without_end_is_cut)
{
    struct bench *b = bench_new(NULL);
    int fd = client(b);
    static char chunk[50000];
    say(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    ssize_t n = 0;
    for (int i = 0; i < 2000 && n >= 0; i++) {
        n = send(fd, "c350\r\n", 6, MSG_NOSIGNAL);
        n = n < 0 ? n : send(fd, chunk, sizeof chunk, MSG_NOSIGNAL);
        n = n < 0 ? n : send(fd, "\r\n", 2, MSG_NOSIGNAL);
    }
    ck_assert_int_lt(n, 0); /* 100 MB did not go through */
    close(fd);
    bench_free(b);
}
END_TEST

static const struct {
    const char *name, *first, *drip;
    unsigned at_most_ms;
} slow[] = {
    {"head", "POST /echo HTTP/1.1\r\n", "X: y\r\n", 1500},
    {"body", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n", "x", 1500},
    {"request line", "POST /ec", "h", 2500},
    {"nothing", "", "", 3500},
};

START_TEST(slow_client_is_cut)
{
    static const char *const settings[] = {"server.header_timeout=0.5", "server.body_timeout=0.5",
                                           "server.idle_timeout=2", NULL};
    struct bench *b = bench_new(settings);
    int fd = client(b);
    bool closed = false;
    uint64_t begin = lane_clock_us();
    say(fd, slow[_i].first);
    while (!closed && lane_clock_us() - begin < 10000000) {
        send(fd, slow[_i].drip, strlen(slow[_i].drip), MSG_NOSIGNAL);
        hear(fd, NULL, 60, &closed);
    }
    uint64_t took_ms = (lane_clock_us() - begin) / 1000;
    ck_assert_msg(closed && took_ms >= 450 && took_ms <= slow[_i].at_most_ms,
                  "%s: closed %d after %llu ms", slow[_i].name, closed,
                  (unsigned long long)took_ms);
    ck_assert_uint_eq(metrics_value(b->metrics, METRIC_REFUSED, REFUSED_SLOW_CLIENT),
                      *slow[_i].first ? 1 : 0);
    close(fd);
    bench_free(b);
}
END_TEST

START_TEST(two_requests_with_a_pause_longer_than_the_head_timeout)
{
    static const char *const settings[] = {"server.header_timeout=0.3", "server.body_timeout=0.3",
                                           NULL};
    struct bench *b = bench_new(settings);
    int fd = client(b);
    say(fd, POST5("/echo"));
    ck_assert_ptr_nonnull(strstr(hear(fd, "/echo? 5", 5000, NULL), "200"));
    usleep(1200000);
    say(fd, POST5("/echo"));
    ck_assert_ptr_nonnull(strstr(hear(fd, "/echo? 5", 5000, NULL), "200"));
    close(fd);
    bench_free(b);
}
END_TEST

START_TEST(drain_closes_after_answers_and_idle_ones_after_a_grace)
{
    struct bench *b = bench_new(NULL);
    int busy = client(b), late = client(b), idle = client(b);
    bool closed;
    say(busy, POST5("/echo"));
    hear(busy, "/echo? 5", 5000, NULL);
    say(late, POST5("/later"));
    ck_assert(becomes(&b->api.later, 1));
    on_lane(b, do_drain, 0);
    say(busy, POST5("/echo"));
    const char *text = hear(busy, NULL, 5000, &closed);
    ck_assert_ptr_nonnull(strstr(text, "Connection: close"));
    ck_assert(closed);
    text = hear(late, NULL, 5000, &closed);
    ck_assert_ptr_nonnull(strstr(text, "later"));
    ck_assert(closed);
    ck_assert_str_eq(hear(idle, NULL, 5000, &closed), "");
    ck_assert(closed);
    for (int i = 0; i < 3000 && !b->drained; i++)
        usleep(1000);
    ck_assert(b->drained);
    close(busy);
    close(late);
    close(idle);
    bench_free(b);
}
END_TEST

START_TEST(unix_socket_pair_works_too)
{
    struct bench *b = bench_new(NULL);
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    on_lane(b, do_take, pair[1]);
    say(pair[0], POST5("/echo"));
    ck_assert_ptr_nonnull(strstr(hear(pair[0], "/echo? 5", 5000, NULL), "200"));
    close(pair[0]);
    bench_free(b);
}
END_TEST

#define HELD 4

static void wait_for_load(struct bench *b, int connections, int requests)
{
    unsigned wanted = (unsigned)(connections + 16 * requests);
    for (int i = 0; i < 20000 && lane_load(b->lane) != wanted; i++)
        usleep(500);
    ck_assert_uint_eq(lane_load(b->lane), wanted);
}

/* HELD clients whose requests are held back, in this order: POST /echo?0, ?1 ... */
static void hold_some(struct bench *b, int *ret_fds)
{
    b->api.full = true;
    for (int i = 0; i < HELD; i++) {
        char request[200];
        snprintf(request, sizeof request,
                 "POST /echo?%d HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", i);
        ret_fds[i] = client(b);
        say(ret_fds[i], request);
        wait_for_load(b, i + 1, i + 1);
    }
    ck_assert_uint_eq(b->api.begun, 0);
}

START_TEST(held_requests_go_on_the_newest_first_or_are_refused_the_oldest_first)
{
    struct bench *b = bench_new(NULL);
    int fds[HELD];
    hold_some(b, fds);
    b->api.admit = 1;
    ck_assert_ptr_nonnull(strstr(hear(fds[3], "/echo?3 5", 5000, NULL), "HTTP/1.1 200"));
    b->api.refuse = 1;
    ck_assert_ptr_nonnull(strstr(hear(fds[0], "busy", 5000, NULL), "HTTP/1.1 503"));
    ck_assert_uint_eq(b->api.begun, 2);
    say(fds[0], POST5("/echo?again")); /* the refusal kept the connection; it is held anew */
    wait_for_load(b, HELD, 3);
    b->api.refuse = 2;
    ck_assert_ptr_nonnull(strstr(hear(fds[1], "busy", 5000, NULL), "HTTP/1.1 503"));
    ck_assert_ptr_nonnull(strstr(hear(fds[2], "busy", 5000, NULL), "HTTP/1.1 503"));
    b->api.admit = 1;
    ck_assert_ptr_nonnull(strstr(hear(fds[0], "/echo?again 5", 5000, NULL), "HTTP/1.1 200"));
    ck_assert_uint_eq(b->api.finished, 2);
    for (int i = 0; i < HELD; i++)
        close(fds[i]);
    bench_free(b);
}
END_TEST

START_TEST(held_requests_of_lost_clients_are_dropped)
{
    struct bench *b = bench_new(NULL);
    int fds[HELD];
    hold_some(b, fds);
    close(fds[0]);
    close(fds[2]);
    wait_for_load(b, HELD - 2, HELD - 2);
    b->api.admit = HELD;
    ck_assert_ptr_nonnull(strstr(hear(fds[1], "/echo?1 5", 5000, NULL), "HTTP/1.1 200"));
    ck_assert_ptr_nonnull(strstr(hear(fds[3], "/echo?3 5", 5000, NULL), "HTTP/1.1 200"));
    ck_assert_uint_eq(b->api.begun, 2);
    close(fds[1]);
    close(fds[3]);
    bench_free(b);
}
END_TEST

START_TEST(what_needs_no_reading_is_not_held)
{
    struct bench *b = bench_new(NULL);
    b->api.full = true;
    int fd = client(b);
    say(fd, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(hear(fd, "GET /echo? 0", 5000, NULL), "200 OK"));
    close(fd);
    bench_free(b);
}
END_TEST

START_TEST(drain_answers_what_is_held)
{
    struct bench *b = bench_new(NULL);
    int fds[HELD];
    hold_some(b, fds);
    on_lane(b, do_drain, 0);
    for (int i = 0; i < HELD; i++)
        ck_assert_ptr_nonnull(strstr(hear(fds[i], NULL, 5000, NULL), "HTTP/1.1 200"));
    for (int i = 0; i < 5000 && !b->drained; i++)
        usleep(1000);
    ck_assert(b->drained);
    for (int i = 0; i < HELD; i++)
        close(fds[i]);
    bench_free(b);
}
END_TEST

START_TEST(stop_ends_what_is_held)
{
    struct bench *b = bench_new(NULL);
    int fds[HELD];
    hold_some(b, fds);
    on_lane(b, do_stop, 0);
    for (int i = 0; i < HELD; i++) {
        bool closed;
        ck_assert_str_eq(hear(fds[i], NULL, 5000, &closed), "");
        ck_assert(closed);
        close(fds[i]);
    }
    bench_free(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http1");
    TCase *cases = tcase_create("http1");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, keep_alive_serves_one_after_the_other);
    tcase_add_test(cases, steady_state_allocates_nothing_of_ours);
    tcase_add_test(cases, pipelined_requests_are_answered_in_order);
    tcase_add_test(cases, head_has_the_length_and_no_body);
    tcase_add_test(cases, early_answer_keeps_a_connection_with_a_small_body);
    tcase_add_test(cases, many_late_answers_all_come);
    tcase_add_test(cases, client_that_hangs_up_while_we_work_is_noticed);
    tcase_add_loop_test(cases, data_and_the_end_of_the_stream_at_once_end_the_connection, 0,
                        sizeof unfinished / sizeof *unfinished);
    tcase_add_test(cases, half_closed_after_a_whole_request_is_still_answered);
    tcase_add_test(cases, stop_with_suspended_connections_ends_them);
    tcase_add_test(cases, announced_too_large_is_refused_before_it_is_read);
    tcase_add_test(cases, chunked_too_large_is_told_at_its_end);
    tcase_add_test(cases, chunked_without_end_is_cut);
    tcase_add_loop_test(cases, slow_client_is_cut, 0, sizeof slow / sizeof *slow);
    tcase_add_test(cases, two_requests_with_a_pause_longer_than_the_head_timeout);
    tcase_add_test(cases, drain_closes_after_answers_and_idle_ones_after_a_grace);
    tcase_add_test(cases, unix_socket_pair_works_too);
    tcase_add_test(cases, held_requests_go_on_the_newest_first_or_are_refused_the_oldest_first);
    tcase_add_test(cases, held_requests_of_lost_clients_are_dropped);
    tcase_add_test(cases, what_needs_no_reading_is_not_held);
    tcase_add_test(cases, drain_answers_what_is_held);
    tcase_add_test(cases, stop_ends_what_is_held);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
