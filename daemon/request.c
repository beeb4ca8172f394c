/* request.c - requests and their buffers, kept by the lane and used again.
 * A request is one block: the public part, then the private one. Its arrays stay with it; the
 * buffers of clips (audio, features) are a list of their own, so that a request that once had 64
 * clips does not keep 64 buffers. What grew past everyday size is freed.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/request_private.h"

#define KEEP_REQUESTS 512u /* on the free list */
#define KEEP_STORES   512u
#define KEEP_SAMPLES  (8u * 16000u) /* a store whose clip was longer is freed */
#define KEEP_FEATURES 65536u
#define KEEP_SCORES   8192u
#define KEEP_CLIPS    64u

struct request_pool {
    struct lane *lane;
    struct request *free;
    struct request_store *stores;
    unsigned free_count, store_count;
};

struct block {
    struct request request;
    struct request_private private;
};

struct request_pool *request_pool_new(struct lane *lane)
{
    struct request_pool *pool = calloc(1, sizeof *pool);
    if (pool)
        pool->lane = lane;
    return pool;
}

static void free_store(struct request_store *store)
{
    sparrow_audio_free(store->audio);
    free(store->loudness);
    free(store);
}

static void free_block(struct request *request)
{
    free(request->clips);
    free(request->private->stores);
    free(request->scores);
    free(request); /* the block: request comes first in it */
}

void request_pool_free(struct request_pool *pool)
{
    if (!pool)
        return;
    while (pool->free) {
        struct request *request = pool->free;
        pool->free = request->private->next_free;
        free_block(request);
    }
    while (pool->stores) {
        struct request_store *store = pool->stores;
        pool->stores = store->next;
        free_store(store);
    }
    free(pool);
}

/* Arrays for at least `clips` clips, all zero. */
static bool reserve_clips(struct request *request, size_t clips)
{
    struct request_private *p = request->private;
    if (clips > p->clip_cap) {
        struct request_clip *c = reallocarray(request->clips, clips, sizeof *c);
        if (c)
            request->clips = c;
        struct request_store **s = reallocarray(p->stores, clips, sizeof(struct request_store *));
        if (s)
            p->stores = s;
        if (!c || !s)
            return false;
        p->clip_cap = clips;
    }
    memset(request->clips, 0, p->clip_cap * sizeof *request->clips);
    memset(p->stores, 0, p->clip_cap * sizeof *p->stores);
    return true;
}

/* Everything zero but the arrays. */
static void reset(struct request *request, struct request_pool *pool)
{
    struct block *block = (struct block *)request;
    struct request keep = *request;
    struct request_private keep_private = block->private;
    memset(&block->private, 0, sizeof block->private);
    memset(request, 0, sizeof *request);
    request->private = &block->private;
    block->private.request = request;
    request->clips = keep.clips;
    request->scores = keep.scores;
    block->private.stores = keep_private.stores;
    block->private.clip_cap = keep_private.clip_cap;
    block->private.score_cap = keep_private.score_cap;
    request->pool = pool;
    request->lane = pool->lane;
    request->failed_clip = SIZE_MAX;
}

struct request *request_new(struct request_pool *pool, size_t clips)
{
    struct request *request = pool->free;
    if (request) {
        pool->free = request->private->next_free;
        pool->free_count--;
    } else {
        struct block *block = calloc(1, sizeof *block);
        if (!block)
            return NULL;
        request = &block->request;
        request->private = &block->private;
    }
    reset(request, pool);
    if (!reserve_clips(request, clips > 0 ? clips : 1)) {
        free_block(request);
        return NULL;
    }
    request->clip_count = clips;
    return request;
}

static void give_back_store(struct request_pool *pool, struct request_store *store)
{
    bool large = sparrow_audio_count(store->audio) > KEEP_SAMPLES || store->cap > KEEP_FEATURES;
    if (large || pool->store_count == KEEP_STORES) {
        free_store(store);
        return;
    }
    store->next = pool->stores;
    pool->stores = store;
    pool->store_count++;
}

void request_free(struct request *request)
{
    if (!request)
        return;
    struct request_pool *pool = request->pool;
    struct request_private *p = request->private;
    model_set_unref(request->models);
    for (size_t i = 0; i < request->clip_count; i++)
        if (p->stores[i])
            give_back_store(pool, p->stores[i]);
    if (pool->free_count == KEEP_REQUESTS || p->clip_cap > KEEP_CLIPS ||
        p->score_cap > KEEP_SCORES) {
        free_block(request);
        return;
    }
    p->next_free = pool->free;
    pool->free = request;
    pool->free_count++;
}

void request_cancel(struct request *request)
{
    if (request->private->state != REQUEST_IDLE)
        request->private->cancel(request);
}

struct request_store *request_store(struct request *request, size_t clip)
{
    struct request_pool *pool = request->pool;
    struct request_store **place = &request->private->stores[clip];
    if (*place)
        return *place;
    struct request_store *store = pool->stores;
    if (store) {
        pool->stores = store->next;
        pool->store_count--;
    } else {
        store = calloc(1, sizeof *store);
        if (!store || sparrow_audio_new(&store->audio, NULL) < 0) {
            free(store);
            return NULL;
        }
    }
    *place = store;
    return store;
}

bool request_store_reserve(struct request_store *store, size_t loudness, size_t features)
{
    size_t head, bytes;
    if (__builtin_mul_overflow(loudness, sizeof *store->loudness, &head) ||
        __builtin_add_overflow(head, features, &bytes))
        return false;
    if (bytes > store->cap) {
        free(store->loudness);
        store->loudness = malloc(bytes);
        store->cap = store->loudness ? bytes : 0;
    }
    if (!store->loudness)
        return false;
    store->features = (uint8_t *)store->loudness + head;
    return true;
}

int request_reserve_scores(struct request *request, size_t words, size_t labels)
{
    size_t n, bytes;
    if (__builtin_mul_overflow(words, labels, &n) ||
        __builtin_mul_overflow(n, sizeof(int32_t), &bytes))
        return request_fail(request, SPARROW_TOO_LARGE, "too many words in one request");
    if (n > request->private->score_cap) {
        int32_t *scores = realloc(request->scores, bytes);
        if (!scores)
            return request_fail(request, SPARROW_NO_MEMORY, "no memory for %zu words", words);
        request->scores = scores;
        request->private->score_cap = n;
    }
    return 0;
}

int request_fail(struct request *request, enum sparrow_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    request->status = status;
    request->error.status = status;
    vsnprintf(request->error.text, sizeof request->error.text, format, args);
    va_end(args);
    return status;
}
