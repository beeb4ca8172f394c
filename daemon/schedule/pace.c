/* pace.c - how much of an overloaded lane may go into saying no.
 * Nobody can be refused unread: libmicrohttpd cannot answer inside a body. So a refusal costs the
 * lane what reading the request and answering it costs, and when enough clients ask at once, all
 * of its time can go into that. Requests that are left where they are cost nothing. So the codec
 * asks here, when it has a request's head, whether to go on with it; if not it holds the request
 * back, and asks before each turn of the loop which of those that it holds may go on:
 * - of the newest, which have most of their time before them, as many as there is room for in the
 *   backlog, by the measure of admission.c;
 * - of the oldest as many as can be refused for REFUSE_SHARE of the lane's time, or for what is
 *   left of READ_SHARE by those that were let in, if that is more: where words take long by what
 *   reading them costs, it is, and refusals are quick there; and all that have been held for half
 *   the time that a request may take.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <math.h>
#include <time.h>

#include "daemon/schedule/schedule_private.h"

#define REFUSE_SHARE (1.0 / 16)
/* The other ten parts are the words': backlog.c leaves them nine tenths. */
#define READ_SHARE (1.0 / 11)
#define CREDIT_US  5000.0 /* what may be saved up for a burst of refusals, or overdrawn */
#define READ_US    30.0   /* a request of a second of audio, until it is measured */
#define AGEING     16     /* a turn counts for one sixteenth, by how many it read */
#define CLOCK_US   1000000.0

static double max_wait_us(const struct schedule *s)
{
    return s->options.config->schedule_max_wait * CLOCK_US;
}

/* Those that were let on since the last turn are not in the backlog yet. */
static bool has_room(const struct schedule *s)
{
    double word_us = (s->prepare_us + schedule_service_us(s)) * s->backlog.stretch;
    return admission_backlog_us(s) + s->pace.promised * word_us <
           max_wait_us(s) * admission_part(s, lane_clock_us());
}

void pace_init(struct pace *p)
{
    p->read_us = READ_US;
    p->reads = AGEING;
    p->spent_us = READ_US * AGEING;
}

/* The price is processor time: what other programs take from the lane they take from its words as
 * well. */
static uint64_t busy_us(void)
{
    struct timespec busy;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &busy);
    return (uint64_t)busy.tv_sec * 1000000u + (uint64_t)busy.tv_nsec / 1000u;
}

/* What a turn costs is paid by all that it read: one that read a single request says little about
 * the price of many. */
static void learn(struct pace *p, double us, unsigned read)
{
    us = fmin(us, 4 * p->read_us * read); /* one hiccup is not a new price */
    p->spent_us += us - p->spent_us / AGEING;
    p->reads += read - p->reads / AGEING;
    p->read_us = p->spent_us / p->reads;
}

void pace_idle(struct schedule *s)
{
    s->pace.promised = s->pace.read = 0;
    s->pace.busy_us = 0;
}

void pace_work_begins(struct schedule *s, uint64_t now_us)
{
    struct pace *p = &s->pace;
    uint64_t passed_us = p->turn_us && now_us > p->turn_us ? now_us - p->turn_us : 0;
    p->turn_us = now_us;
    double left_us = (double)passed_us * READ_SHARE - p->promised * p->read_us;
    p->credit_us += fmax((double)passed_us * REFUSE_SHARE, left_us);
    if (p->credit_us > CREDIT_US)
        p->credit_us = CREDIT_US;
    if (p->read > 0 && p->busy_us > 0)
        learn(p, (double)(busy_us() - p->busy_us), p->read);
    pace_idle(s);
}

void pace_work_ends(struct schedule *s)
{
    s->pace.busy_us = busy_us();
}

static bool may_be_refused(struct pace *p)
{
    if (p->credit_us < p->read_us)
        return false;
    p->credit_us -= p->read_us;
    p->read++;
    return true;
}

static bool promise(struct schedule *s)
{
    if (!has_room(s))
        return false;
    s->pace.promised++;
    s->pace.read++;
    return true;
}

bool schedule_may_read(struct schedule *s)
{
    return promise(s) || may_be_refused(&s->pace);
}

enum schedule_held schedule_next_held(struct schedule *s, uint64_t oldest_us)
{
    struct pace *p = &s->pace;
    if (promise(s))
        return SCHEDULE_ADMIT_NEWEST;
    if (may_be_refused(p))
        return SCHEDULE_REFUSE_OLDEST;
    if ((double)(lane_clock_us() - oldest_us) < max_wait_us(s) / 2)
        return SCHEDULE_NONE;
    if (p->credit_us > -CREDIT_US)
        p->credit_us -= p->read_us;
    p->read++;
    return SCHEDULE_REFUSE_OLDEST;
}

unsigned schedule_retry_ms(const struct schedule *s)
{
    return admission_retry_ms(admission_backlog_us(s));
}
