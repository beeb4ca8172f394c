/* connections.c - deadlines and watching.
 * Every descriptor is in a second epoll set that reports hang-ups only. libmicrohttpd needs that
 * help twice: a suspended connection is not in its own set; and when data and the end of the stream
 * come in one edge, it reads the data, takes a short read for "nothing more to come soon" and never
 * sees the end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/http1/connections.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/http1/arrival.h"

#define TICK_MS 100u
#define DRAIN_GRACE_MS                                                                             \
    1000u /* a keep-alive client that is busy has sent its next request by then, and is told to    \
             close */
#define HANGUP_MS        100u /* for libmicrohttpd to take what came before the hang-up */
#define ARRIVAL_SLACK_MS 50u  /* the kernel's and our clock tick differently */

static void on_tick(uv_timer_t *timer);
static void on_watch(uv_poll_t *poll, int status, int events);

static uint64_t now_ms(const struct connections *all)
{
    return uv_now(all->tick.loop);
}

int connections_init(struct connections *all, struct lane *lane, void (*gone)(void *, void *),
                     void *arg, struct sparrow_error *err)
{
    *all = (struct connections){.lane = lane, .gone = gone, .arg = arg};
    all->watch_fd = epoll_create1(EPOLL_CLOEXEC);
    if (all->watch_fd < 0) {
        if (err) {
            err->status = SPARROW_IO;
            snprintf(err->text, sizeof err->text, "cannot make an epoll descriptor: %s",
                     strerror(errno));
        }
        return SPARROW_IO;
    }
    all->ring.prev = all->ring.next = &all->ring;
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
    *c = (struct connection){.all = all, .fd = fd, .next = &all->ring, .prev = all->ring.prev};
    c->prev->next = c->next->prev = c;
    if (all->count++ == 0) {
        wheel_init(&all->wheel, now_ms(all)); /* empty, and its tick stood still meanwhile */
        uv_timer_start(&all->tick, on_tick, TICK_MS, TICK_MS);
        uv_poll_start(&all->watch, UV_READABLE, on_watch);
    }
    struct epoll_event hangup = {.events = EPOLLRDHUP | EPOLLONESHOT, .data.ptr = c};
    epoll_ctl(all->watch_fd, EPOLL_CTL_ADD, fd,
              &hangup); /* out again when the descriptor is closed */
    lane_load_add(all->lane, 1, 0);
    metrics_count(lane_metrics(all->lane), METRIC_CONNECTIONS_OPENED, 0, 1);
    connections_enter(c, CONNECTION_IDLE);
    return c;
}

void connections_end(struct connection *c)
{
    struct connections *all = c->all;
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

static uint64_t allowed_ms(const struct connections *all, enum connection_state state)
{
    switch (state) {
    case CONNECTION_IDLE:
        return earlier(all->idle_ms, all->head_ms);
    case CONNECTION_HEAD:
        return all->head_ms;
    case CONNECTION_BODY:
    case CONNECTION_ANSWER:
        return all->body_ms;
    case CONNECTION_WORK:
    case CONNECTION_CUT:
        break;
    }
    return WHEEL_NEVER / 2; /* room to add the time */
}

void connections_enter(struct connection *c, enum connection_state state)
{
    struct connections *all = c->all;
    if (c->state == CONNECTION_CUT)
        return;
    c->state = state;
    c->used = c->used || state != CONNECTION_IDLE;
    c->since_ms = now_ms(all);
    c->suspect = false;
    uint64_t allowed = allowed_ms(all, state);
    if (c->hung_up && state != CONNECTION_ANSWER)
        allowed = earlier(allowed, HANGUP_MS);
    wheel_set(&all->wheel, &c->deadline, c->since_ms + allowed);
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
    c->waiting_for = what;
    connections_enter(c, CONNECTION_WORK);
}

void connections_wait_over(struct connection *c)
{
    c->waiting_for = NULL;
}

/* ---- clients that hang up ---- */

static void hung_up(struct connection *c)
{
    struct connections *all = c->all;
    c->hung_up = true;
    if (c->waiting_for)
        all->gone(all->arg, c->waiting_for);
    else if (c->state != CONNECTION_ANSWER && c->state != CONNECTION_CUT)
        wheel_set(&all->wheel, &c->deadline, earlier(c->deadline.due_ms, now_ms(all) + HANGUP_MS));
}

static void on_watch(uv_poll_t *poll, int status, int events)
{
    struct connections *all = poll->data;
    struct epoll_event hangups[64];
    (void)status;
    (void)events;
    int n = epoll_wait(all->watch_fd, hangups, 64, 0);
    for (int i = 0; i < n; i++)
        hung_up(hangups[i].data.ptr);
}

/* Nothing more can come, and libmicrohttpd has taken all that came without making a request of it.
 */
static void hung_up_is_due(struct connection *c, uint64_t now)
{
    int unread = 0;
    if (c->waiting_for) {
        c->all->gone(c->all->arg, c->waiting_for);
        wheel_set(&c->all->wheel, &c->deadline, WHEEL_NEVER);
    } else if (ioctl(c->fd, FIONREAD, &unread) == 0 && unread > 0) {
        wheel_set(&c->all->wheel, &c->deadline, now + HANGUP_MS);
    } else {
        connections_cut(c);
    }
}

/* ---- deadlines ---- */

/* Bytes came since the connection became idle, and no request line is complete: the client is
 * sending one slowly. */
static bool bytes_came(const struct connection *c, uint64_t now, uint64_t *ret_ago_ms)
{
    struct arrival arrival;
    if (!arrival_read(c->fd, &arrival))
        return false; /* a Unix socket: only the idle timeout holds */
    *ret_ago_ms = arrival.ago_ms;
    if (!c->used && arrival.bytes != UINT64_MAX)
        return arrival.bytes > 0; /* with the connection itself, perhaps: time does not tell */
    return arrival.ago_ms + ARRIVAL_SLACK_MS < now - c->since_ms;
}

static void idle_is_due(struct connection *c, uint64_t now)
{
    struct connections *all = c->all;
    uint64_t end = c->since_ms + all->idle_ms, ago_ms = 0;
    bool slow = bytes_came(c, now, &ago_ms);
    if (now >= end || (slow && (c->suspect || ago_ms >= all->head_ms))) {
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
    if (c->hung_up && c->state != CONNECTION_ANSWER && c->state != CONNECTION_CUT) {
        hung_up_is_due(c, now);
        return;
    }
    switch (c->state) {
    case CONNECTION_IDLE:
        idle_is_due(c, now);
        break;
    case CONNECTION_HEAD:
    case CONNECTION_BODY:
    case CONNECTION_ANSWER:
        metrics_count(lane_metrics(c->all->lane), METRIC_REFUSED, REFUSED_SLOW_CLIENT, 1);
        log_event(lane_log(c->all->lane), LOG_DEBUG, "slow client cut off", "during",
                  c->state == CONNECTION_HEAD   ? "head"
                  : c->state == CONNECTION_BODY ? "body"
                                                : "answer",
                  NULL);
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
    if (all->draining && now - all->drain_ms >= DRAIN_GRACE_MS)
        close_idle(all, now);
}

void connections_drain(struct connections *all)
{
    all->draining = true;
    all->drain_ms = now_ms(all);
}
