/* lane_kit.c - wires one lane. Its end, on the lane: no connection is left (drained, or stopped) ->
 * no request is left (asked every few milliseconds: what was told to stop needs a slice of work to
 * notice) -> the handles close -> the loop ends.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/lane_kit.h"

#include <stdlib.h>

#include "daemon/api/api.h"
#include "daemon/http1/http1.h"
#include "daemon/request.h"
#include "daemon/schedule/schedule.h"

#define END_POLL_MS 5u

struct lane_kit {
    struct lane *lane;
    struct request_pool *pool;
    struct schedule *schedule;
    struct intake *intake;
    struct api *api;
    struct http1 *http1;
    uv_timer_t end; /* asks whether requests are left */
    struct lane_message drain, stop;
    bool started, ending, closed;
    void (*ended)(void *arg);
    void *arg;
};

/* ---- the end, on the lane ---- */

static void close_handles(struct lane_kit *kit)
{
    kit->closed = true;
    http1_stop(kit->http1);
    schedule_close(kit->schedule);
    uv_close((uv_handle_t *)&kit->end, NULL);
}

static void on_end(uv_timer_t *timer)
{
    struct lane_kit *kit = timer->data;
    if (api_running(kit->api) > 0 || schedule_running(kit->schedule) > 0)
        return;
    close_handles(kit);
    lane_stop(kit->lane);
    kit->ended(kit->arg);
}

static void begin_end(struct lane_kit *kit)
{
    if (kit->ending)
        return;
    kit->ending = true;
    schedule_drain(kit->schedule);
    uv_timer_start(&kit->end, on_end, 0, END_POLL_MS);
}

static void on_drained(void *arg)
{
    begin_end(arg);
}

static void on_drain(struct lane *lane, struct lane_message *message)
{
    struct lane_kit *kit = (struct lane_kit *)((char *)message - offsetof(struct lane_kit, drain));
    (void)lane;
    http1_drain(kit->http1);
}

static void on_stop(struct lane *lane, struct lane_message *message)
{
    struct lane_kit *kit = (struct lane_kit *)((char *)message - offsetof(struct lane_kit, stop));
    (void)lane;
    if (kit->closed)
        return;
    http1_stop(kit->http1);
    begin_end(kit);
}

void lane_kit_drain(struct lane_kit *kit)
{
    kit->drain.run = on_drain;
    lane_post(kit->lane, &kit->drain);
}

void lane_kit_stop(struct lane_kit *kit)
{
    kit->stop.run = on_stop;
    lane_post(kit->lane, &kit->stop);
}

/* ---- a new configuration ---- */

struct reconfigure {
    struct lane_message message;
    struct lane_kit *kit;
    struct config *config;
};

static void on_reconfigure(struct lane *lane, struct lane_message *message)
{
    struct reconfigure *r = (struct reconfigure *)message;
    (void)lane;
    http1_set_config(r->kit->http1, r->config);
    api_set_config(r->kit->api, r->config);
    intake_set_config(r->kit->intake, r->config);
    schedule_set_config(r->kit->schedule, r->config);
    config_unref(r->config);
    free(r);
}

bool lane_kit_set_config(struct lane_kit *kit, struct config *config)
{
    struct reconfigure *r = malloc(sizeof *r);
    if (!r)
        return false;
    *r = (struct reconfigure){
        .message.run = on_reconfigure, .kit = kit, .config = config_ref(config)};
    lane_post(kit->lane, &r->message);
    return true;
}

/* ---- making and taking apart ---- */

static int no_memory(struct sparrow_error *err)
{
    if (err)
        *err = (struct sparrow_error){SPARROW_NO_MEMORY, "no memory for a lane"};
    return SPARROW_NO_MEMORY;
}

static int make_rooms(struct lane_kit *kit, const struct lane_kit_options *o,
                      struct sparrow_error *err)
{
    int status;
    if (!(kit->pool = request_pool_new(kit->lane)))
        return no_memory(err);
    struct schedule_options schedule = {.lane = kit->lane,
                                        .replicas = o->replicas,
                                        .models = o->models,
                                        .energy = o->energy,
                                        .metrics = o->metrics,
                                        .config = o->config};
    if ((status = schedule_new(&schedule, &kit->schedule, err)))
        return status;
    struct intake_options intake = {.lane = kit->lane,
                                    .schedule = kit->schedule,
                                    .pool = o->decode_pool,
                                    .energy = o->energy,
                                    .config = o->config};
    if ((status = intake_new(&intake, &kit->intake, err)))
        return status;
    struct api_options api = {.lane = kit->lane,
                              .intake = kit->intake,
                              .pool = kit->pool,
                              .models = o->models,
                              .replicas = o->replicas,
                              .energy = o->energy,
                              .metrics = o->metrics,
                              .log = o->log,
                              .lifecycle = o->lifecycle,
                              .config = o->config};
    if ((status = api_new(&api, &kit->api, err)))
        return status;
    struct http1_options http1 = {
        .lane = kit->lane, .api = kit->api, .config = o->config, .drained = on_drained, .arg = kit};
    return http1_new(&http1, &kit->http1, err);
}

int lane_kit_new(const struct lane_kit_options *o, struct lane_kit **ret_kit,
                 struct sparrow_error *err)
{
    struct metrics_block *block = metrics_block(o->metrics);
    struct lane_kit *kit = calloc(1, sizeof *kit);
    if (!kit || !block) {
        free(kit);
        return no_memory(err);
    }
    kit->ended = o->ended;
    kit->arg = o->arg;
    int status = lane_new(o->index, block, o->log, &kit->lane, err);
    if (status) {
        free(kit);
        return status;
    }
    uv_timer_init(lane_loop(kit->lane), &kit->end);
    kit->end.data = kit;
    if ((status = make_rooms(kit, o, err))) {
        lane_kit_join(kit);
        lane_kit_free(kit);
        return status;
    }
    *ret_kit = kit;
    return 0;
}

int lane_kit_start(struct lane_kit *kit, struct sparrow_error *err)
{
    int status = lane_start(kit->lane, err);
    kit->started = status == 0;
    return status;
}

struct lane *lane_kit_lane(struct lane_kit *kit)
{
    return kit->lane;
}

struct door_lane lane_kit_place(struct lane_kit *kit)
{
    return (struct door_lane){.lane = kit->lane, .arg = kit};
}

void lane_kit_take(void *arg, struct lane *lane, int fd, const struct sockaddr_storage *address,
                   socklen_t len)
{
    struct lane_kit *kit = arg;
    http1_take(kit->http1, lane, fd, address, len);
}

void lane_kit_join(struct lane_kit *kit)
{
    if (kit->started) {
        lane_join(kit->lane);
    } else { /* nobody turned its loop: close here, and turn it for the closing */
        if (kit->http1)
            http1_stop(kit->http1);
        if (kit->schedule)
            schedule_close(kit->schedule);
        uv_close((uv_handle_t *)&kit->end, NULL);
        uv_run(lane_loop(kit->lane), UV_RUN_NOWAIT);
    }
    http1_free(kit->http1);
    kit->http1 = NULL;
    if (kit->api)
        api_free(kit->api);
    kit->api = NULL;
    intake_free(kit->intake);
    kit->intake = NULL;
    if (kit->pool)
        request_pool_free(kit->pool);
    kit->pool = NULL;
}

void lane_kit_free(struct lane_kit *kit)
{
    if (!kit)
        return;
    schedule_free(kit->schedule);
    lane_free(kit->lane);
    free(kit);
}
