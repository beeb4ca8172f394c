/* connections.c - deadlines and watching.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/http1/connections.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define TICK_MS 100u
#define DRAIN_GRACE_MS 1000u        /* a keep-alive client that is busy has sent its next request by then, and is told to close */
#define ARRIVAL_SLACK_MS 50u        /* the kernel's and our clock tick differently */

static void on_tick(uv_timer_t *timer);
static void on_watch(uv_poll_t *poll, int status, int events);

static uint64_t now_ms(const struct connections *all)
{
    return uv_now(all->tick.loop);
}

int connections_init(struct connections *all, struct lane *lane, void (*gone)(void *, void *), void *arg,
                     struct sparrow_error *err)
{
    *all = (struct connections){ .lane = lane, .gone = gone, .arg = arg };
    all->watch_fd = epoll_create1(EPOLL_CLOEXEC);
    if (all->watch_fd < 0) {
        if (err) {
            err->status = SPARROW_IO;
            snprintf(err->text, sizeof err->text, "cannot make an epoll descriptor: %s", strerror(errno));
        }
        return SPARROW_IO;
    }
    all->ring.prev = all->ring.next = &all->ring;
    all->waiting.waiting_prev = all->waiting.waiting_next = &all->waiting;
    connections_set_timeouts(all, 10, 30, 75);
    uv_timer_init(lane_loop(lane), &all->tick);
    uv_poll_init(lane_loop(lane), &all->watch, all->watch_fd);
    all->tick.data = all->watch.data = all;
    wheel_init(&all->wheel, now_ms(all));
    return 0;
}

void connections_close(struct connections *all)
{
    uv_close((uv_handle_t *)&all->tick, NULL);
    uv_close((uv_handle_t *)&all->watch, NULL);
}

void connections_done(struct connections *all)
{
    close(all->watch_fd);
    while (all->spare) {
        struct connection *c = all->spare;
        all->spare = c->next;
        free(c);
    }
}

static uint64_t to_ms(double seconds)
{
    return (uint64_t)(seconds * 1000.0 + 0.5);
}

void connections_set_timeouts(struct connections *all, double head_s, double body_s, double idle_s)
{
    all->head_ms = to_ms(head_s);
    all->body_ms = to_ms(body_s);
    all->idle_ms = to_ms(idle_s);
}

/* ---- one connection ---- */

struct connection *connections_open(struct connections *all, int fd)
{
    struct connection *c = all->spare;
    if (c)
        all->spare = c->next;
    else if (!(c = malloc(sizeof *c)))
        return NULL;
    *c = (struct connection){ .all = all, .fd = fd, .next = &all->ring, .prev = all->ring.prev };
    c->prev->next = c->next->prev = c;
    if (all->count++ == 0) {
        wheel_init(&all->wheel, now_ms(all));   /* empty, and its tick stood still meanwhile */
        uv_timer_start(&all->tick, on_tick, TICK_MS, TICK_MS);
        uv_poll_start(&all->watch, UV_READABLE, on_watch);
    }
    lane_load_add(all->lane, 1, 0);
    metrics_count(lane_metrics(all->lane), METRIC_CONNECTIONS_OPENED, 0, 1);
    connections_enter(c, CONNECTION_IDLE);
    return c;
}

void connections_end(struct connection *c)
{
    struct connections *all = c->all;
    connections_wait_over(c);
    wheel_clear(&c->deadline);
    c->prev->next = c->next;
    c->next->prev = c->prev;
    c->next = all->spare;
    all->spare = c;
    if (--all->count == 0) {
        uv_timer_stop(&all->tick);
        uv_poll_stop(&all->watch);
    }
    lane_load_add(all->lane, -1, 0);
    metrics_count(lane_metrics(all->lane), METRIC_CONNECTIONS_CLOSED, 0, 1);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void connections_enter(struct connection *c, enum connection_state state)
{
    struct connections *all = c->all;
    if (c->state == CONNECTION_CUT)
        return;
    c->state = state;
    c->since_ms = now_ms(all);
    c->suspect = false;
    uint64_t allowed = state == CONNECTION_IDLE   ? earlier(all->idle_ms, all->head_ms)
                       : state == CONNECTION_HEAD ? all->head_ms
                                                  : all->body_ms;
    wheel_set(&all->wheel, &c->deadline, state == CONNECTION_WORK ? WHEEL_NEVER : c->since_ms + allowed);
}

void connections_cut(struct connection *c)
{
    if (c->state == CONNECTION_CUT)
        return;
    c->state = CONNECTION_CUT;
    wheel_set(&c->all->wheel, &c->deadline, WHEEL_NEVER);
    shutdown(c->fd, SHUT_RDWR);
}

void connections_wait(struct connection *c, void *what)
{
    struct connection *head = &c->all->waiting;
    c->waiting_for = what;
    c->waiting_next = head;
    c->waiting_prev = head->waiting_prev;
    head->waiting_prev->waiting_next = c;
    head->waiting_prev = c;
    connections_enter(c, CONNECTION_WORK);
}

void connections_wait_over(struct connection *c)
{
    if (!c->waiting_for)
        return;
    c->waiting_for = NULL;
    c->waiting_prev->waiting_next = c->waiting_next;
    c->waiting_next->waiting_prev = c->waiting_prev;
    if (c->watched) {
        epoll_ctl(c->all->watch_fd, EPOLL_CTL_DEL, c->fd, NULL);
        c->watched = false;
    }
}

/* ---- the clients of waiting connections ---- */

static void watch_waiting(struct connections *all)
{
    for (struct connection *c = all->waiting.waiting_next; c != &all->waiting; c = c->waiting_next) {
        if (c->watched)
            continue;
        struct epoll_event event = { .events = EPOLLRDHUP | EPOLLONESHOT, .data.ptr = c };
        c->watched = epoll_ctl(all->watch_fd, EPOLL_CTL_ADD, c->fd, &event) == 0;
    }
}

static void on_watch(uv_poll_t *poll, int status, int events)
{
    struct connections *all = poll->data;
    struct epoll_event hups[32];
    (void)status;
    (void)events;
    int n = epoll_wait(all->watch_fd, hups, 32, 0);
    for (int i = 0; i < n; i++) {
        struct connection *c = hups[i].data.ptr;
        if (c->waiting_for)
            all->gone(all->arg, c->waiting_for);
    }
}

/* ---- deadlines ---- */

/* Bytes came since the connection became idle, and no request line is complete: the client is sending one slowly. */
static bool bytes_came(const struct connection *c, uint64_t now)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len))
        return false;               /* a Unix socket: only the idle timeout holds */
    return info.tcpi_last_data_recv + ARRIVAL_SLACK_MS < now - c->since_ms;
}

static void idle_is_due(struct connection *c, uint64_t now)
{
    struct connections *all = c->all;
    uint64_t end = c->since_ms + all->idle_ms;
    bool slow = bytes_came(c, now);
    if (now >= end || (slow && c->suspect)) {
        if (slow)
            metrics_count(lane_metrics(all->lane), METRIC_REFUSED, REFUSED_SLOW_CLIENT, 1);
        connections_cut(c);
        return;
    }
    c->suspect = slow;
    wheel_set(&all->wheel, &c->deadline, earlier(now + all->head_ms, end));
}

static void is_due(struct connection *c, uint64_t now)
{
    switch (c->state) {
    case CONNECTION_IDLE:
        idle_is_due(c, now);
        break;
    case CONNECTION_HEAD:
    case CONNECTION_BODY:
    case CONNECTION_ANSWER:
        metrics_count(lane_metrics(c->all->lane), METRIC_REFUSED, REFUSED_SLOW_CLIENT, 1);
        log_event(lane_log(c->all->lane), LOG_DEBUG, "slow client cut off", "during",
                  c->state == CONNECTION_HEAD ? "head" : c->state == CONNECTION_BODY ? "body" : "answer", NULL);
        connections_cut(c);
        break;
    case CONNECTION_WORK:
    case CONNECTION_CUT:
        wheel_set(&c->all->wheel, &c->deadline, WHEEL_NEVER);
        break;
    }
}

static void close_idle(struct connections *all, uint64_t now)
{
    for (struct connection *c = all->ring.next; c != &all->ring; c = c->next)
        if (c->state == CONNECTION_IDLE && now - c->since_ms >= DRAIN_GRACE_MS)
            connections_cut(c);
}

static void on_tick(uv_timer_t *timer)
{
    struct connections *all = timer->data;
    uint64_t now = now_ms(all);
    struct wheel_entry *due;
    while ((due = wheel_due(&all->wheel, now)))
        is_due((struct connection *)due, now);
    watch_waiting(all);
    if (all->draining && now - all->drain_ms >= DRAIN_GRACE_MS)
        close_idle(all, now);
}

void connections_drain(struct connections *all)
{
    all->draining = true;
    all->drain_ms = now_ms(all);
}
