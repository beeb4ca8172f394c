/* wheel.c - a ring of lists, one for each tick. A deadline that moves to later stays in its old
 * slot and is put on when the slot comes up: that is the common case (every request moves its
 * connection's deadline several times) and costs one store.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/http1/wheel.h"

#include <stddef.h>

void wheel_init(struct wheel *w, uint64_t now_ms)
{
    for (unsigned i = 0; i < WHEEL_SLOTS; i++)
        w->slots[i].prev = w->slots[i].next = &w->slots[i];
    w->tick = now_ms / WHEEL_TICK_MS;
}

void wheel_clear(struct wheel_entry *e)
{
    if (!e->next)
        return;
    e->prev->next = e->next;
    e->next->prev = e->prev;
    e->prev = e->next = NULL;
}

static void place(struct wheel *w, struct wheel_entry *e, uint64_t first)
{
    uint64_t tick = e->due_ms / WHEEL_TICK_MS;
    if (tick < first)
        tick = first;
    if (tick > w->tick + WHEEL_SLOTS - 1)
        tick = w->tick + WHEEL_SLOTS - 1;
    struct wheel_entry *head = &w->slots[tick % WHEEL_SLOTS];
    e->slot_tick = tick;
    e->next = head;
    e->prev = head->prev;
    head->prev->next = e;
    head->prev = e;
}

void wheel_set(struct wheel *w, struct wheel_entry *e, uint64_t due_ms)
{
    e->due_ms = due_ms;
    if (e->next && due_ms / WHEEL_TICK_MS >= e->slot_tick)
        return;
    wheel_clear(e);
    place(w, e, w->tick);
}

struct wheel_entry *wheel_due(struct wheel *w, uint64_t now_ms)
{
    uint64_t now = now_ms / WHEEL_TICK_MS;
    for (; w->tick < now;
         w->tick++) { /* the tick that runs now is not over: its entries may be due later in it */
        struct wheel_entry *head = &w->slots[w->tick % WHEEL_SLOTS];
        while (head->next != head) {
            struct wheel_entry *e = head->next;
            wheel_clear(e);
            if (e->due_ms / WHEEL_TICK_MS <= w->tick)
                return e;
            place(w, e, w->tick + 1);
        }
    }
    return NULL;
}
