/* http1.c - libmicrohttpd in external-epoll mode on a libuv loop.
 * It has no wake-up descriptor in this mode: whoever adds or resumes a connection must call
 * MHD_run() afterwards. Here that is always `again`, an idle handle that runs once at the loop's
 * next turn, so that everything that happened in one turn costs one MHD_run(), and MHD_run() never
 * runs inside itself. After each run MHD_get_timeout() says whether it has work that no descriptor
 * will announce (edges already consumed): then `again` stays on.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/http1/http1.h"

#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/http1/connections.h"
#include "daemon/http1/handler.h"

#define POOL_BYTES                                                                                 \
    (66u << 10) /* per connection, half of it for reading: a second of audio and its head come in  \
                   one piece */

struct http1 {
    struct lane *lane;
    struct MHD_Daemon *mhd;
    struct handler handler;
    struct connections connections;
    uv_poll_t poll;   /* MHD's epoll descriptor */
    uv_timer_t timer; /* MHD_get_timeout() */
    uv_idle_t again;
    bool draining, drained, stopped;
    void (*on_drained)(void *arg);
    void *arg;
};

static void on_poll(uv_poll_t *poll, int status, int events);
static void on_timer(uv_timer_t *timer);
static void on_again(uv_idle_t *again);

static void turn(struct http1 *h)
{
    MHD_UNSIGNED_LONG_LONG ms;
    handler_let_on(&h->handler);
    handler_resume(&h->handler);
    MHD_run(h->mhd);
    bool pending = MHD_get_timeout(h->mhd, &ms) == MHD_YES;
    if (h->handler.ready || h->handler.held_first || (pending && ms == 0))
        uv_idle_start(&h->again, on_again);
    else
        uv_idle_stop(&h->again);
    if (pending && ms > 0)
        uv_timer_start(&h->timer, on_timer, ms, 0);
    else
        uv_timer_stop(&h->timer);
    if (h->draining && !h->drained && h->connections.count == 0) {
        h->drained = true;
        h->on_drained(h->arg);
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    turn(poll->data);
}

static void on_timer(uv_timer_t *timer)
{
    turn(timer->data);
}

static void on_again(uv_idle_t *again)
{
    turn(again->data);
}

static void kick(void *arg)
{
    struct http1 *h = arg;
    if (!h->stopped)
        uv_idle_start(&h->again, on_again);
}

/* ---- MHD's callbacks about connections ---- */

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http1 *h = cls;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
        *context = info ? connections_open(&h->connections, info->connect_fd) : NULL;
    } else if (*context) {
        connections_end(*context);
        *context = NULL;
    }
}

__attribute__((format(printf, 2, 0))) static void on_log(void *cls, const char *format,
                                                         va_list arguments)
{
    struct http1 *h = cls;
    if (!log_wants(lane_log(h->lane), LOG_DEBUG))
        return;
    char text[200];
    vsnprintf(text, sizeof text, format, arguments);
    text[strcspn(text, "\n")] = 0;
    log_event(lane_log(h->lane), LOG_DEBUG, "libmicrohttpd", "text", text, NULL);
}

static struct MHD_Daemon *start_mhd(struct http1 *h, unsigned max_connections)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
        NULL, NULL, handler_request, &h->handler, MHD_OPTION_EXTERNAL_LOGGER, on_log,
        h, /* first: the others may log */
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES, MHD_OPTION_CONNECTION_LIMIT,
        max_connections, MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_URI_LOG_CALLBACK,
        handler_uri, &h->handler, MHD_OPTION_NOTIFY_COMPLETED, handler_completed, &h->handler,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_END);
}

/* ---- life ---- */

int http1_new(const struct http1_options *o, struct http1 **ret_http1, struct sparrow_error *err)
{
    int status = SPARROW_NO_MEMORY;
    struct http1 *h = calloc(1, sizeof *h);
    if (!h)
        goto fail;
    h->lane = o->lane;
    h->on_drained = o->drained;
    h->arg = o->arg;
    handler_init(&h->handler, o->lane, o->api, kick, h);
    status = SPARROW_IO;
    h->mhd = start_mhd(h, (unsigned)o->config->server_max_connections);
    if (!h->mhd)
        goto fail_http1;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info || connections_init(&h->connections, o->lane, handler_gone, &h->handler, NULL))
        goto fail_mhd;
    uv_loop_t *loop = lane_loop(o->lane);
    uv_poll_init(loop, &h->poll, info->epoll_fd);
    uv_timer_init(loop, &h->timer);
    uv_idle_init(loop, &h->again);
    h->poll.data = h->timer.data = h->again.data = h;
    uv_poll_start(&h->poll, UV_READABLE, on_poll);
    http1_set_config(h, o->config);
    *ret_http1 = h;
    return 0;

fail_mhd:
    MHD_stop_daemon(h->mhd);
fail_http1:
    free(h);
fail:
    if (err) {
        err->status = status;
        snprintf(err->text, sizeof err->text, "lane %u: cannot start HTTP/1.1",
                 lane_index(o->lane));
    }
    return status;
}

void http1_set_config(struct http1 *h, const struct config *config)
{
    connections_set_timeouts(&h->connections, config->server_header_timeout,
                             config->server_body_timeout, config->server_idle_timeout);
}

void http1_take(void *arg, struct lane *lane, int fd, const struct sockaddr_storage *address,
                socklen_t len)
{
    struct http1 *h = arg;
    (void)lane;
    if (h->stopped) {
        close(fd);
        return;
    }
    MHD_add_connection(h->mhd, fd, (const struct sockaddr *)address,
                       len); /* closes fd if it cannot */
    kick(h);
}

void http1_drain(struct http1 *h)
{
    if (h->draining || h->stopped)
        return;
    h->draining = h->handler.draining = true;
    connections_drain(&h->connections);
    kick(h);
}

void http1_stop(struct http1 *h)
{
    if (h->stopped)
        return;
    h->stopped = true;
    /* MHD_stop_daemon() aborts the process if it meets a suspended connection, and the resume
     * happens inside MHD_run(). */
    handler_give_up(&h->handler, &h->connections);
    handler_resume(&h->handler);
    MHD_run(h->mhd);
    uv_close((uv_handle_t *)&h->poll, NULL);
    uv_close((uv_handle_t *)&h->timer, NULL);
    uv_close((uv_handle_t *)&h->again, NULL);
    MHD_stop_daemon(h->mhd);
    connections_close(&h->connections);
}

void http1_free(struct http1 *h)
{
    if (!h)
        return;
    connections_done(&h->connections);
    handler_done(&h->handler);
    free(h);
}
