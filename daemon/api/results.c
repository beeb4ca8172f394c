/* results.c - which words of a clip are told, in which order, and where in the clip they are.
 * Without hop_ms a clip gives one result: its best second. Its keyword hits come from all of its
 * words: of words that overlap, the most confident one stands for the keyword. With hop_ms every
 * word is a result of its own.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/api/results.h"

#include <stdatomic.h>
#include <string.h>

#define RESULTS_ARENA                                                                              \
    ((size_t)256                                                                                   \
     << 20) /* an hour in windows of one frame, all alternatives of a dozen labels, is 60 MiB */
#define RESULTS_RATE 16000.0

struct results_maker {
    struct api_call *call;
    const struct request *request;
    const struct sparrow_model *model;
    struct arena *arena;
    size_t labels, top;
    float *confidence; /* words of the request x labels */
    struct results_one *list;
    size_t count;
    const struct request_clip
        *last_clip; /* where results_bounds() looked last, and what it found */
    size_t last_frame;
    double last_start_s, last_end_s;
};

/* A clip's best word is often the keyword's as well: what was found last is kept. */
static void results_bounds(struct results_maker *m, const struct request_clip *clip, size_t word,
                           double *ret_start, double *ret_end)
{
    size_t hop = sparrow_model_hop(m->model);
    size_t frame = sparrow_windows_start(m->model, clip->frames, clip->hop_frames, word);
    if (!clip->loudness) {
        *ret_start = (double)(frame * hop) / RESULTS_RATE;
        *ret_end = (double)((frame + sparrow_model_frames(m->model)) * hop) / RESULTS_RATE;
        return;
    }
    if (m->last_clip != clip || m->last_frame != frame)
        sparrow_word_bounds(clip->loudness, clip->samples, frame * hop, &m->last_start_s,
                            &m->last_end_s);
    m->last_clip = clip;
    m->last_frame = frame;
    *ret_start = m->last_start_s;
    *ret_end = m->last_end_s;
}

/* The `count` most confident labels, by selection: there are a dozen labels, and most ask for one.
 * Ties go to the lower label. */
static void results_sort(const float *confidence, size_t labels, size_t count, size_t *ret_labels,
                         float *ret_confidence)
{
    for (size_t i = 0; i < count; i++) {
        size_t best = SIZE_MAX;
        for (size_t l = 0; l < labels; l++) {
            if (i && (confidence[l] > ret_confidence[i - 1] ||
                      (confidence[l] == ret_confidence[i - 1] && l <= ret_labels[i - 1])))
                continue;
            if (best == SIZE_MAX || confidence[l] > confidence[best])
                best = l;
        }
        ret_labels[i] = best;
        ret_confidence[i] = confidence[best];
    }
}

/* Hits of one keyword in words [first, first + words) of a clip, at most `room` of them: returns
 * how many. */
static size_t results_spot(struct results_maker *m, const struct request_clip *clip, size_t first,
                           size_t words, size_t keyword, struct results_hit *hits)
{
    size_t label = m->call->params.keywords[keyword].label, frames = sparrow_model_frames(m->model);
    size_t count = 0, last_frame = 0;
    for (size_t w = first; w < first + words; w++) {
        float confidence = m->confidence[(clip->first_word + w) * m->labels + label];
        if ((double)confidence < m->call->params.threshold)
            continue;
        size_t frame = sparrow_windows_start(m->model, clip->frames, clip->hop_frames, w);
        if (count && frame < last_frame + frames) {
            if (confidence <= hits[count - 1].confidence)
                continue;
            count--;
        }
        hits[count].keyword = keyword;
        hits[count].confidence = confidence;
        results_bounds(m, clip, w, &hits[count].start_s, &hits[count].end_s);
        count++;
        last_frame = frame;
    }
    return count;
}

static int results_hits(struct results_maker *m, struct results_one *one,
                        const struct request_clip *clip, size_t first, size_t words)
{
    const struct params *p = &m->call->params;
    size_t room;
    if (!p->keyword_count)
        return 0;
    if (__builtin_mul_overflow(p->keyword_count, words, &room))
        return SPARROW_TOO_LARGE;
    struct results_hit *hits = arena_array(m->arena, room, sizeof *hits);
    if (!hits)
        return SPARROW_TOO_LARGE;
    for (size_t k = 0; k < p->keyword_count; k++)
        one->hit_count += results_spot(m, clip, first, words, k, hits + one->hit_count);
    one->hits = hits;
    return 0;
}

/* One result: its alternatives are word's, its keyword hits those of words [first, first + words).
 */
static int results_add(struct results_maker *m, const struct request_clip *clip, size_t word,
                       size_t first, size_t words)
{
    struct results_one *one = &m->list[m->count++];
    size_t top = m->top;
    size_t *labels = arena_array(m->arena, top, sizeof *labels);
    float *confidence = arena_array(m->arena, top, sizeof *confidence);
    if (!labels || !confidence)
        return SPARROW_TOO_LARGE;
    results_sort(m->confidence + (clip->first_word + word) * m->labels, m->labels, top, labels,
                 confidence);
    *one = (struct results_one){
        .clip = clip->name, .labels = labels, .confidence = confidence, .count = top};
    results_bounds(m, clip, word, &one->start_s, &one->end_s);
    return results_hits(m, one, clip, first, words);
}

static int results_clip(struct results_maker *m, const struct request_clip *clip)
{
    const float *confidence = m->confidence + clip->first_word * m->labels;
    size_t best = sparrow_windows_best(m->model, confidence, clip->words);
    size_t answer = 0;
    for (size_t l = 1; l < m->labels; l++)
        if (confidence[best * m->labels + l] > confidence[best * m->labels + answer])
            answer = l;
    atomic_fetch_add_explicit(&m->request->model->label_counts[answer], 1, memory_order_relaxed);
    if (!m->request->hop_ms)
        return results_add(m, clip, best, 0, clip->words);
    int rc = 0;
    for (size_t w = 0; rc == 0 && w < clip->words; w++)
        rc = results_add(m, clip, w, w, 1);
    return rc;
}

static int results_make(struct results_maker *m)
{
    const struct request *request = m->request;
    size_t cells;
    if (__builtin_mul_overflow(request->words, m->labels, &cells))
        return SPARROW_TOO_LARGE;
    m->confidence = arena_array(m->arena, cells, sizeof *m->confidence);
    m->list = arena_array(m->arena, request->hop_ms ? request->words : request->clip_count,
                          sizeof *m->list);
    if (!m->confidence || !m->list)
        return SPARROW_TOO_LARGE;
    for (size_t w = 0; w < request->words; w++)
        sparrow_confidence(m->model, request->scores + w * m->labels,
                           m->confidence + w * m->labels);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < request->clip_count; i++)
        rc = results_clip(m, &request->clips[i]);
    return rc;
}

static int results_form(struct api_call *call, const struct results *r)
{
    struct exchange *x = call->x;
    text_clear(&x->answer);
    x->status = 200;
    x->content_type = call->form == CALL_CONNECT_PROTO ? "application/proto" : "application/json";
    switch (call->form) {
    case CALL_PLAIN:
        watson_write(&x->answer, r);
        return 0;
    case CALL_CONNECT_JSON:
        connect_write_json(&x->answer, r);
        return 0;
    case CALL_CONNECT_PROTO:
        return connect_write_proto(&x->answer, r, &call->arena);
    }
    return SPARROW_INTERNAL;
}

int results_write(struct api_call *call, const struct request *request)
{
    struct api *api = call->api;
    struct results_maker m = {
        .call = call, .request = request, .model = request->model->model, .arena = &call->arena};
    m.labels = sparrow_model_label_count(m.model);
    m.top = call->params.top < m.labels ? call->params.top : m.labels;
    call->arena.budget = call->arena.used + RESULTS_ARENA;
    int rc = results_make(&m);
    struct results r = {
        .model = m.model,
        .params = &call->params,
        .request_id = call->id,
        .list = m.list,
        .count = m.count,
        .latency = request->latency,
        .replica = request->replica,
        .backend = request->backend,
        .device = request->device,
    };
    if (rc == 0) {
        energy_share(api->o.energy, lane_index(api->o.lane), request->busy_ns, &r.energy);
        rc = results_form(call, &r);
    }
    if (rc)
        problem_set(&call->problem, rc,
                    "the answer does not fit in memory; ask for fewer windows or alternatives");
    return rc;
}
