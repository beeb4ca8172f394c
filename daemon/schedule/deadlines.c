/* deadlines.c - the requests under way by deadline: a binary heap and one timer.
 * Requests that are answered before their codec hears back never come here, so in everyday load
 * this costs nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <stdlib.h>

#include "daemon/schedule/schedule_private.h"

static void put(struct deadlines *d, size_t index, struct request *request)
{
    d->heap[index] = request;
    request->private->heap_index = index + 1;
}

static void sift_up(struct deadlines *d, size_t index)
{
    struct request *request = d->heap[index];
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (d->heap[parent]->deadline_us <= request->deadline_us)
            break;
        put(d, index, d->heap[parent]);
        index = parent;
    }
    put(d, index, request);
}

static void sift_down(struct deadlines *d, size_t index)
{
    struct request *request = d->heap[index];
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= d->count)
            break;
        if (child + 1 < d->count && d->heap[child + 1]->deadline_us < d->heap[child]->deadline_us)
            child++;
        if (request->deadline_us <= d->heap[child]->deadline_us)
            break;
        put(d, index, d->heap[child]);
        index = child;
    }
    put(d, index, request);
}

static void on_timer(uv_timer_t *timer);

/* The timer fires when the earliest is due or earlier; if earlier, it is armed again then. */
static void arm(struct deadlines *d)
{
    if (d->count == 0 || (d->armed_us && d->armed_us <= d->heap[0]->deadline_us))
        return;
    uint64_t now_us = lane_clock_us(), due_us = d->heap[0]->deadline_us;
    uv_update_time(d->timer.loop); /* a long turn leaves the loop's own clock behind */
    uv_timer_start(&d->timer, on_timer, due_us > now_us ? (due_us - now_us) / 1000 + 1 : 0, 0);
    d->armed_us = due_us;
}

/* Too late: whatever the request waits for, it is answered. In the decode pool it must be let go of
 * first. */
static void expire(struct schedule *s, struct request *request)
{
    struct request_private *p = request->private;
    if (p->ending)
        return;
    p->ending = SPARROW_DEADLINE;
    if (p->state == REQUEST_DECODING && !p->let_go(request))
        return; /* the decoder may be writing a failure of its own: on_decoded() says which one
                   counts */
    request_fail(request, SPARROW_DEADLINE, "the deadline passed before the answer");
    schedule_answer(s, request);
}

static void on_timer(uv_timer_t *timer)
{
    struct schedule *s = timer->data;
    struct deadlines *d = &s->deadlines;
    uint64_t now_us = lane_clock_us();
    d->armed_us = 0;
    while (d->count > 0 && d->heap[0]->deadline_us <= now_us) {
        struct request *request = d->heap[0];
        deadlines_remove(s, request);
        expire(s, request);
    }
    arm(d);
}

int deadlines_init(struct deadlines *d, struct schedule *s)
{
    d->timer.data = s;
    return uv_timer_init(lane_loop(s->lane), &d->timer) ? SPARROW_NO_MEMORY : 0;
}

void deadlines_close(struct deadlines *d)
{
    uv_close((uv_handle_t *)&d->timer, NULL);
}

void deadlines_done(struct deadlines *d)
{
    free(d->heap);
}

bool deadlines_reserve(struct deadlines *d, size_t count)
{
    if (count <= d->cap)
        return true;
    size_t cap = d->cap ? d->cap * 2 : 64;
    cap = cap < count ? count : cap;
    struct request **heap = reallocarray(d->heap, cap, sizeof(struct request *));
    if (!heap)
        return false;
    d->heap = heap;
    d->cap = cap;
    return true;
}

void deadlines_add(struct schedule *s, struct request *request)
{
    struct deadlines *d = &s->deadlines;
    if (request->private->heap_index)
        return;
    put(d, d->count++, request);
    sift_up(d, d->count - 1);
    arm(d);
}

void deadlines_remove(struct schedule *s, struct request *request)
{
    struct deadlines *d = &s->deadlines;
    size_t index = request->private->heap_index;
    if (index == 0)
        return;
    index--;
    request->private->heap_index = 0;
    struct request *last = d->heap[--d->count];
    if (last == request)
        return;
    put(d, index, last);
    sift_up(d, index);
    sift_down(d, last->private->heap_index - 1);
}
