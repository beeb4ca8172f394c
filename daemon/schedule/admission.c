/* admission.c - whether to take a request at all.
 *
 * A request that cannot be answered before its deadline is refused before anything is spent on it:
 * with the time after which the queue will have gone down. The measure is time, not length: words
 * waiting, multiplied with what a word takes (ageing means, learned).
 * - A burst may fill the queue as far as three quarters of the deadline: estimates err.
 * - A queue that has not been empty for STANDING_US is not a burst, it is too much load. It would
 *   stay as long as it is allowed to be,
 *   and add its length to every answer without answering one more. So then only a quarter of the
 *   deadline may be used up by waiting (the idea is CoDel's, Nichols and Jacobson, ACM Queue 10(5),
 *   2012: judge a queue by its standing part).
 * - Who finds no queue is always let in: if the estimate was wrong, that is how it is corrected.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <math.h>

#include "daemon/schedule/schedule_private.h"

#define STANDING_US      100000u
#define STANDING_PART    0.25
#define BURST_PART       0.75
#define RETRY_LONGEST_MS 60000u

double admission_backlog_us(const struct schedule *s)
{
    return (double)s->backlog.words * (s->prepare_us + schedule_service_us(s)) * s->backlog.stretch;
}

void admission_learn(struct schedule *s, size_t words, uint64_t ns)
{
    double us = (double)ns / 1e3 / (double)(words ? words : 1);
    if (s->prepare_us > 0 && us > 8 * s->prepare_us)
        us = 8 * s->prepare_us; /* one hiccup is not a new price */
    s->prepare_us = s->prepare_us > 0 ? s->prepare_us + (us - s->prepare_us) / 8 : us;
}

unsigned admission_retry_ms(double wait_us)
{
    double ms = ceil(wait_us / 1e3);
    return ms < 1 ? 1 : ms > RETRY_LONGEST_MS ? RETRY_LONGEST_MS : (unsigned)ms;
}

static int refuse(struct request *request, enum sparrow_status status, double retry_us,
                  const char *why)
{
    request->retry_ms = admission_retry_ms(retry_us);
    return request_fail(request, status, "%s", why);
}

static bool stands(uint64_t since_us, uint64_t now_us)
{
    return since_us && now_us > since_us + STANDING_US;
}

double admission_part(const struct schedule *s, uint64_t now_us)
{
    bool standing = stands(s->backlog.since_us, now_us) || stands(s->dispatch.since_us, now_us);
    return standing ? STANDING_PART : BURST_PART;
}

int admission_check(struct schedule *s, struct request *request, size_t words, bool prepared)
{
    double lane_us = schedule_service_us(s);
    if (s->draining)
        return refuse(request, SPARROW_DRAINING, 1e6, "the server is going down");
    bool workers = dispatch_any_up(s);
    if (lane_us <= 0 && !workers)
        return refuse(request, SPARROW_NO_REPLICA, 1e6, "no replica is alive");
    if (!deadlines_reserve(&s->deadlines, (size_t)s->running + 1))
        return refuse(request, SPARROW_NO_MEMORY, 1e6, "no memory for another request");
    size_t queued = s->backlog.words + s->dispatch.waiting_words;
    if (queued == 0)
        return 0;

    uint64_t now_us = lane_clock_us();
    double backlog_us = admission_backlog_us(s);
    double wait_us = backlog_us + (lane_us > 0 ? 0 : dispatch_expected_us(s, 0));
    double cost_us = (double)words * (prepared ? 0 : s->prepare_us);
    if (lane_us > 0 && workers) {
        double on_workers_us = dispatch_expected_us(s, words);
        cost_us += fmin((double)words * lane_us, on_workers_us);
    } else {
        cost_us += lane_us > 0 ? (double)words * lane_us
                               : dispatch_expected_us(s, words) - dispatch_expected_us(s, 0);
    }
    size_t limit = s->options.config->schedule_queue_words;
    if (words > limit || queued > limit - words)
        return refuse(request, SPARROW_BUSY, wait_us, "the queue is full");
    double slack_us = request->deadline_us > now_us ? (double)(request->deadline_us - now_us) : 0;
    double part = admission_part(s, now_us);
    if (wait_us + cost_us > slack_us * BURST_PART || wait_us > slack_us * part)
        return refuse(request, SPARROW_BUSY, wait_us,
                      "the queue is too long to answer before the deadline");
    return 0;
}
