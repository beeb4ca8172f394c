/* gather.c - words of several requests that the lane's replica computes in one call.
 *
 * Sixteen words at once cost the network much less than sixteen times one. But nothing waits here
 * for company: only words that would have to wait anyway are put together.
 * - While the lane works on its backlog, the next requests are there already. Their features are
 *   made one after another; the network runs when a batch is full, or the slice is over.
 * - Words that become ready within one turn of the loop, when one of the two turns before brought
 *   so many that they cost less together (two, since those that read and those that answer take
 *   turns): the call comes at the end of the turn, at the latest. A word that comes alone is
 *   computed as soon as it is ready.
 * A batch is of one model, and short (replica_batch). Each request pays its words' share of the
 * call; the rest of the time that it was here counts as waiting. A request that goes away before
 * the call is taken out; one whose deadline has passed by then is answered so, and not computed.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "daemon/schedule/schedule_private.h"

void gather_done(struct gather *g)
{
    free(g->scores);
}

static bool reserve_scores(struct gather *g, size_t n)
{
    if (n <= g->score_cap)
        return true;
    int32_t *scores = reallocarray(g->scores, n, sizeof *scores);
    if (!scores)
        return false;
    g->scores = scores;
    g->score_cap = n;
    return true;
}

/* Whether so many words are put together with others now. Counts what a turn brings. */
static bool is_worth_it(struct schedule *s, const struct sparrow_model *model, size_t words)
{
    struct gather *g = &s->gather;
    size_t most = schedule_batch(s), fewest = sparrow_model_batch(model);
    if (g->computing || words >= most)
        return false;
    if (g->slice)
        return true;
    g->turn_words += words;
    size_t expected = g->turn_before > g->turn_before_it ? g->turn_before : g->turn_before_it;
    return fewest > 0 && fewest <= most && expected >= fewest;
}

bool gather_offer(struct schedule *s, struct request *request)
{
    struct gather *g = &s->gather;
    struct request_private *p = request->private;
    size_t most = schedule_batch(s), labels = sparrow_model_label_count(request->model->model);
    if (!is_worth_it(s, request->model->model, p->words_left) ||
        !reserve_scores(g, REPLICA_BATCH * labels))
        return false;
    if (g->words > 0 && (g->list.first->model != request->model || g->words + p->words_left > most))
        gather_compute(s);
    p->state = REQUEST_GATHERED;
    p->queued_us = lane_clock_us();
    request_list_push(&g->list, request, false);
    g->words += p->words_left;
    if (g->words >= most)
        gather_compute(s);
    else
        request->soon = true;
    return true;
}

void gather_remove(struct schedule *s, struct request *request)
{
    struct gather *g = &s->gather;
    struct request_private *p = request->private;
    uint64_t now_us = lane_clock_us();
    request_list_remove(p->words_left ? &g->list : &g->ready, request);
    g->words -= p->words_left;
    p->queue_us += now_us > p->queued_us ? now_us - p->queued_us : 0;
    p->state = REQUEST_RUNNING;
}

/* Answers what came too late. */
static void drop_late(struct schedule *s)
{
    uint64_t now_us = lane_clock_us();
    for (struct request *request = s->gather.list.first, *next; request; request = next) {
        next = request->private->next;
        if (now_us <= request->deadline_us)
            continue;
        request_fail(request, SPARROW_DEADLINE, "the deadline passed before the answer");
        schedule_answer(s, request);
        next = s->gather.list.first; /* its sink may have changed the list */
    }
}

/* Everybody's scores and share of the call: from the list to those that are ready. */
static void hand_out(struct schedule *s, const int32_t *scores, uint64_t took_ns)
{
    struct gather *g = &s->gather;
    uint64_t ended_us = lane_clock_us();
    size_t words = g->words;
    while (g->list.first) {
        struct request *request = g->list.first;
        struct request_private *p = request->private;
        size_t labels = sparrow_model_label_count(request->model->model), n = p->words_left;
        uint64_t share_ns = took_ns * n / words, waited_us = ended_us - p->queued_us;
        if (scores)
            memcpy(request->scores + p->next_word * labels, scores, n * labels * sizeof *scores);
        scores += scores ? n * labels : 0;
        schedule_credit(s, request, share_ns);
        p->queue_us += waited_us > share_ns / 1000u ? waited_us - share_ns / 1000u : 0;
        p->queued_us = ended_us;
        p->next_word += n;
        p->words_left = 0;
        request_list_remove(&g->list, request);
        request_list_push(&g->ready, request, false);
        g->words -= n;
    }
}

/* The call did not come about: each goes where it would have gone alone. */
static void hand_back(struct schedule *s, int rc)
{
    while (s->gather.list.first) {
        struct request *request = s->gather.list.first;
        gather_remove(s, request);
        schedule_run_failed(s, request, rc);
    }
}

/* A sink that is called from here may submit the next request: that is computed at once, not put
 * into the batch that is being answered. */
void gather_compute(struct schedule *s)
{
    struct gather *g = &s->gather;
    const uint8_t *features[REPLICA_BATCH];
    uint64_t took_ns = 0;
    size_t n = 0;
    if (!g->list.first)
        return;
    g->computing = true;
    drop_late(s);
    for (struct request *request = g->list.first; request; request = request->private->next)
        for (size_t i = 0; i < request->private->words_left; i++)
            features[n++] = schedule_word(request, request->private->next_word + i);
    if (n > 0) {
        struct request *first = g->list.first;
        bool only = g->list.last == first; /* its scores need no copy */
        size_t labels = sparrow_model_label_count(first->model->model);
        int32_t *scores = only ? first->scores + first->private->next_word * labels : g->scores;
        int rc = schedule_service_us(s) > 0
                     ? schedule_compute(s, first->model, features, n, scores, &took_ns)
                     : SPARROW_BACKEND;
        if (rc < 0)
            hand_back(s, rc);
        else
            hand_out(s, only ? NULL : scores, took_ns);
    }
    while (g->ready.first)
        schedule_answer(s, g->ready.first);
    g->computing = false;
}

void gather_turn(struct schedule *s)
{
    struct gather *g = &s->gather;
    gather_compute(s);
    g->turn_before_it = g->turn_before;
    g->turn_before = g->turn_words;
    g->turn_words = 0;
}
