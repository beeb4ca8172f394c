/* wheel.h - coarse deadlines for many connections: setting and moving one costs a store or a list
 * move, never an allocation or a heap. Up to WHEEL_TICK_MS late, never early. One thread; the time
 * is an argument.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_HTTP1_WHEEL_H
#define DAEMON_HTTP1_WHEEL_H

#include <stdint.h>

#define WHEEL_TICK_MS 50u
#define WHEEL_SLOTS                                                                                \
    256u /* a turn is 12.8 s; what is due later passes its slot and is put further on */
#define WHEEL_NEVER UINT64_MAX

struct wheel_entry { /* embed it; zero-initialise */
    struct wheel_entry *prev, *next;
    uint64_t due_ms, slot_tick;
};

struct wheel {
    struct wheel_entry slots[WHEEL_SLOTS]; /* heads of rings */
    uint64_t tick;                         /* the next one to look at */
};

void wheel_init(struct wheel *w, uint64_t now_ms);
/* Arms the entry, or moves it. WHEEL_NEVER parks it. */
void wheel_set(struct wheel *w, struct wheel_entry *e, uint64_t due_ms);
void wheel_clear(struct wheel_entry *e);
/* Takes out one entry that is due, or returns NULL: call it until it does. */
struct wheel_entry *wheel_due(struct wheel *w, uint64_t now_ms);

#endif
