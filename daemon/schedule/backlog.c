/* backlog.c - work the lane does later, and how much of a turn of its loop it may take.
 *
 * A lane that computes each word to completion as soon as it has read it is the fastest server
 * there is, until more comes in than it can compute. Then the queue stands in the sockets, where
 * nobody sees it: each request waits for all that were read before it, and by the time it is read
 * its client may be gone. So the lane computes at once only as long as it has computed for less
 * than TURN_NS in this turn of the loop; what comes after that is put here unread (not decoded, no
 * features), where admission can count it. After each turn the lane works on the backlog for a
 * slice of time; while there is any the loop polls without waiting. The slice is nine times what
 * reading and refusing took since the last one: so under any overload nine tenths of the lane go
 * into answers. It has a lower bound (a turn's worth) and an upper one, after which heartbeats and
 * timers must have their turn. How much longer everything takes than the work itself (the rest of
 * the turns, a busy machine) is learned as `stretch`.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/schedule/schedule_private.h"

#define TURN_NS       5000000u
#define SLICE_US      5000u
#define SLICE_LAST_US 40000u
#define STRETCH_LAST  10.0
#define SHARE         9u

static void on_prepare(uv_prepare_t *prepare)
{
    struct schedule *s = prepare->data;
    s->backlog.turn_busy_ns = 0;
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle; /* being active makes the loop poll without waiting */
}

static void publish(struct schedule *s)
{
    size_t words = s->backlog.words;
    atomic_store_explicit(&s->shared->backlog, words < UINT32_MAX ? (unsigned)words : UINT32_MAX,
                          memory_order_relaxed);
}

static void take_out(struct schedule *s, struct request *request)
{
    struct backlog *b = &s->backlog;
    request_list_remove(&b->list, request);
    b->words -= request->private->weight;
    if (!b->list.first)
        b->since_us = 0;
    publish(s);
}

static void learn_stretch(struct backlog *b, uint64_t other_us, uint64_t work_us)
{
    double stretch = work_us > 0 ? (double)(other_us + work_us) / (double)work_us : 1;
    stretch = stretch < STRETCH_LAST ? stretch : STRETCH_LAST;
    b->stretch += (stretch - b->stretch) / 8;
}

static void on_check(uv_check_t *check)
{
    struct schedule *s = check->data;
    struct backlog *b = &s->backlog;
    gather_turn(s);
    if (!b->list.first) {
        uv_idle_stop(&b->idle);
        pace_idle(s);
        return;
    }
    uint64_t began_us = lane_clock_us(), now_us = began_us;
    uint64_t other_us = now_us > b->slice_end_us ? now_us - b->slice_end_us : 0;
    uint64_t slice_us = other_us < SLICE_LAST_US / SHARE ? other_us * SHARE : SLICE_LAST_US;
    uint64_t until_us = now_us + (slice_us > SLICE_US ? slice_us : SLICE_US);
    pace_work_begins(s, now_us);
    s->gather.slice = true;
    do {
        struct request *request = b->list.first;
        struct request_private *p = request->private;
        take_out(s, request);
        p->state = REQUEST_RUNNING;
        p->queue_us += now_us > p->queued_us ? now_us - p->queued_us : 0;
        p->step(request, until_us);
        now_us = lane_clock_us();
    } while (b->list.first && now_us < until_us);
    gather_compute(s);
    s->gather.slice = false;
    now_us = lane_clock_us();
    learn_stretch(b, other_us, now_us - began_us);
    b->slice_end_us = now_us;
    pace_work_ends(s);
}

int backlog_init(struct backlog *b, struct schedule *s)
{
    uv_loop_t *loop = lane_loop(s->lane);
    b->stretch = 1;
    uv_prepare_init(loop, &b->prepare);
    uv_check_init(loop, &b->check);
    uv_idle_init(loop, &b->idle);
    b->prepare.data = b->check.data = b->idle.data = s;
    uv_prepare_start(&b->prepare, on_prepare);
    uv_check_start(&b->check, on_check);
    return 0;
}

void backlog_close(struct backlog *b)
{
    uv_close((uv_handle_t *)&b->prepare, NULL);
    uv_close((uv_handle_t *)&b->check, NULL);
    uv_close((uv_handle_t *)&b->idle, NULL);
}

bool backlog_may_run(struct backlog *b, uint64_t now_us, uint64_t *ret_until_us)
{
    if (b->list.first || b->turn_busy_ns >= TURN_NS)
        return false;
    *ret_until_us = now_us + (TURN_NS - b->turn_busy_ns) / 1000u;
    return true;
}

void backlog_busy(struct backlog *b, uint64_t ns)
{
    b->turn_busy_ns += ns;
}

void backlog_push(struct schedule *s, struct request *request, size_t weight,
                  void (*step)(struct request *request, uint64_t until_us), bool first)
{
    struct backlog *b = &s->backlog;
    struct request_private *p = request->private;
    uint64_t now_us = lane_clock_us();
    if (!b->list.first) {
        b->since_us = b->slice_end_us = now_us;
        uv_idle_start(&b->idle, on_idle);
    }
    p->state = REQUEST_BACKLOG;
    p->step = step;
    p->weight = weight;
    p->queued_us = now_us;
    b->words += weight;
    request_list_push(&b->list, request, first);
    deadlines_add(s, request);
    publish(s);
}

void backlog_remove(struct schedule *s, struct request *request)
{
    struct request_private *p = request->private;
    uint64_t now_us = lane_clock_us();
    p->queue_us += now_us > p->queued_us ? now_us - p->queued_us : 0;
    take_out(s, request);
}
