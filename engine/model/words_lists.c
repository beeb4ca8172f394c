/* words_lists.c - a stage's steps as lists, one for each run of positions at which a group takes
 * the same steps: so a kernel need not look for them position by position, and on AVX2 two steps
 * whose products add up in 16 bits can stand side by side.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "engine/model/loader.h"
#include "engine/model/pairs.h"
#include "engine/model/words.h"

/* Longer lists would pass through the caches; a kernel finds the steps of such a stage itself. */
#define LISTED_LIMIT   ((size_t)1 << 17)
#define POSITION_LIMIT 4096
/* How many later steps are tried as a step's partner. */
#define PARTNERS 32

/* A step that a position takes. */
struct taken {
    uint32_t step;
    int32_t input;
    uint32_t distance; /* which of the list's */
    bool placed;
};

struct listing {
    const struct sp_words_stage *stage;
    uint32_t max;                /* of an input; 0: no pairs */
    struct taken *first, *next;  /* room for what a position takes */
    struct sp_pairs_span *spans; /* of `first` */
    /* NULL while they are only counted */
    struct sp_words_list *lists;
    uint32_t *list_of;
    struct sp_words_listed *listed;
    size_t list_count, listed_count;
};

/* ---- what a position takes ---- */

static size_t count_taken(const struct sp_words_stage *s, size_t group, size_t position)
{
    const uint32_t *first = s->first + group * (s->all_taps + 1);
    size_t n = 0;
    for (size_t i = s->runs[position]; i < s->runs[position + 1]; i++)
        n += first[s->taps[i].tap + s->taps[i].count] - first[s->taps[i].tap];
    return n;
}

static size_t take(const struct sp_words_stage *s, size_t group, size_t position,
                   struct taken *ret_taken)
{
    const uint32_t *first = s->first + group * (s->all_taps + 1);
    size_t n = 0;
    for (uint32_t j = first[0]; s->whole && j < first[s->all_taps]; j++)
        ret_taken[n++] = (struct taken){.step = j, .input = (int32_t)s->steps[j].input};
    if (s->whole)
        return n;
    for (size_t i = s->runs[position]; i < s->runs[position + 1]; i++) {
        const struct sp_words_taps *t = &s->taps[i];
        for (uint32_t j = first[t->tap]; j < first[t->tap + t->count]; j++)
            ret_taken[n++] =
                (struct taken){.step = j, .input = t->input + (int32_t)s->steps[j].input};
    }
    return n;
}

/* The most steps that any position takes. */
static size_t most_taken(const struct sp_words_stage *s)
{
    size_t most = 0;
    for (size_t g = 0; g < s->groups; g++)
        for (size_t p = 0; p < s->positions; p++) {
            size_t n = count_taken(s, g, p);
            most = n > most ? n : most;
        }
    return most;
}

/* Sets each step's distance to the same step of the next position; false if there are more than
 * two. */
static bool find_distances(struct listing *k, size_t n, int32_t distance[2])
{
    size_t known = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t d = k->next[i].input - k->first[i].input;
        size_t at = 0;
        while (at < known && distance[at] != d)
            at++;
        if (at == 2)
            return false;
        if (at == known)
            distance[known++] = d;
        k->first[i].distance = (uint32_t)at;
    }
    return true;
}

/* Whether `next`, so many positions behind `first`, goes on as the list does. */
static bool goes_on(const struct listing *k, size_t n, const int32_t distance[2], size_t positions)
{
    for (size_t i = 0; i < n; i++)
        if (k->next[i].input !=
            k->first[i].input + distance[k->first[i].distance] * (int32_t)positions)
            return false;
    return true;
}

static bool same_steps(const struct listing *k, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (k->first[i].step != k->next[i].step)
            return false;
    return true;
}

/* The position up to which the steps at `begin`, n of them, go on within its chunk. */
static size_t end_of(struct listing *k, size_t group, size_t begin, size_t n, int32_t distance[2])
{
    const struct sp_words_stage *s = k->stage;
    size_t end = begin + 1;
    if (s->whole)
        return s->positions - begin < SP_WORDS_CHUNK ? s->positions : begin + SP_WORDS_CHUNK;
    for (; end < s->positions && end % SP_WORDS_CHUNK != 0; end++) {
        if (count_taken(s, group, end) != n)
            break;
        take(s, group, end, k->next);
        if (!same_steps(k, n) || (end == begin + 1 && !find_distances(k, n, distance)) ||
            !goes_on(k, n, distance, end - begin))
            break;
    }
    if (end == begin + 1) /* what find_distances() began counts for nothing */
        for (size_t i = 0; i < n; i++)
            k->first[i].distance = 0;
    return end;
}

/* ---- pairs ---- */

/* A later step that step i can share 16 bits with; i if there is none. */
static size_t partner(const struct listing *k, size_t i, size_t n)
{
    for (size_t j = i + 1; j < n && j <= i + PARTNERS; j++)
        if (!k->first[j].placed && sp_pairs_fit(&k->spans[i], &k->spans[j]))
            return j;
    return i;
}

/* ---- lists ---- */

static void place(struct listing *k, struct taken *t)
{
    t->placed = true;
    if (k->listed != NULL)
        k->listed[k->listed_count] = (struct sp_words_listed){
            .input = t->input,
            .distance = t->distance,
            .table = k->stage->steps[t->step].table,
        };
    k->listed_count++;
}

/* Places n steps, pairs first; returns the end of the pairs. */
static size_t place_all(struct listing *k, size_t n)
{
    const struct sp_words_stage *s = k->stage;
    bool pairs = k->max != 0 && k->listed != NULL;
    for (size_t i = 0; pairs && i < n; i++)
        k->spans[i] =
            sp_pairs_span_of(s->tables + s->steps[k->first[i].step].table, s->window, k->max);
    for (size_t i = 0; pairs && i < n; i++) {
        size_t other = k->first[i].placed ? i : partner(k, i, n);
        if (other == i)
            continue;
        place(k, &k->first[i]);
        place(k, &k->first[other]);
    }
    size_t end = k->listed_count;
    for (size_t i = 0; i < n; i++)
        if (!k->first[i].placed)
            place(k, &k->first[i]);
    return end;
}

static void list_group(struct listing *k, size_t group)
{
    const struct sp_words_stage *s = k->stage;
    for (size_t begin = 0, end; begin < s->positions && k->listed_count <= LISTED_LIMIT;
         begin = end) {
        struct sp_words_list list = {.begin = (uint32_t)begin, .first = (uint32_t)k->listed_count};
        if (begin % SP_WORDS_CHUNK == 0 && k->list_of != NULL)
            *k->list_of++ = (uint32_t)k->list_count;
        size_t n = take(s, group, begin, k->first);
        end = end_of(k, group, begin, n, list.distance);
        list.end = (uint32_t)end;
        list.pairs = (uint32_t)place_all(k, n);
        list.last = (uint32_t)k->listed_count;
        if (k->lists != NULL)
            k->lists[k->list_count] = list;
        k->list_count++;
    }
}

static void list_all(struct listing *k)
{
    k->list_count = k->listed_count = 0;
    for (size_t g = 0; g < k->stage->groups && k->listed_count <= LISTED_LIMIT; g++)
        list_group(k, g);
    if (k->list_of != NULL)
        *k->list_of = (uint32_t)k->list_count;
}

static int make_lists(struct sp_loader *l, struct listing *k, struct sp_words_stage *stage)
{
    size_t chunks = (stage->positions + SP_WORDS_CHUNK - 1) / SP_WORDS_CHUNK;
    list_all(k);
    if (k->listed_count > LISTED_LIMIT)
        return SPARROW_OK;
    struct sp_words_list *lists = sp_loader_alloc(l, k->list_count, sizeof(*lists));
    uint32_t *list_of = sp_loader_alloc(l, stage->groups * chunks + 1, sizeof(*list_of));
    struct sp_words_listed *listed = sp_loader_alloc(l, k->listed_count + 1, sizeof(*listed));
    if (lists == NULL || list_of == NULL || listed == NULL)
        return SPARROW_NO_MEMORY;
    k->lists = lists;
    k->list_of = list_of;
    k->listed = listed;
    list_all(k);
    stage->lists = lists;
    stage->list_of = list_of;
    stage->listed = listed;
    return SPARROW_OK;
}

int sp_words_lists(struct sp_loader *l, const struct sp_words_kernels *kernels, uint32_t max,
                   struct sp_words_stage *stage)
{
    struct listing k = {.stage = stage, .max = kernels->pairs ? max : 0};
    bool behind_pool = stage->whole && stage->window == 32 && kernels->halves;
    if (stage->finish != SP_WORDS_WINNERS || (stage->pool != 1 && !behind_pool) ||
        stage->window == 0 || stage->positions > POSITION_LIMIT)
        return SPARROW_OK;
    size_t most = most_taken(stage) + 1;
    if (most > LISTED_LIMIT)
        return SPARROW_OK;
    k.first = calloc(most, sizeof(*k.first));
    k.next = calloc(most, sizeof(*k.next));
    k.spans = calloc(most, sizeof(*k.spans));
    int status = SPARROW_OK;
    if (k.first == NULL || k.next == NULL || k.spans == NULL)
        status = sp_loader_fail(l, SPARROW_NO_MEMORY, "no memory to list its weights");
    else
        status = make_lists(l, &k, stage);
    free(k.first);
    free(k.next);
    free(k.spans);
    return status;
}
