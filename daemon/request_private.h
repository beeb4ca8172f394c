/* request_private.h - the part of a request that only request.c, decode/ and schedule/ see.
 * On the lane, but for what is marked: while a request is in the decode pool its clips and the
 * fields marked [pool] belong to the decode thread, from the hand-over under the pool's lock to the
 * message that brings it back.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_REQUEST_PRIVATE_H
#define DAEMON_REQUEST_PRIVATE_H

#include <stdatomic.h>

#include "daemon/request.h"

/* Where it is between intake_submit() and its sink. */
enum request_state {
    REQUEST_IDLE,     /* api's: not submitted, or answered */
    REQUEST_RUNNING,  /* somebody on the lane has it in hand right now */
    REQUEST_BACKLOG,  /* in the lane's backlog */
    REQUEST_GATHERED, /* its words are put together with others', for this turn of the loop */
    REQUEST_DECODING, /* in the decode pool */
    REQUEST_WORKERS   /* its words are with worker replicas, or wait for them */
};

/* What decoding needs for one clip; kept by the pool and used again. */
struct request_store {
    struct request_store *next;
    struct sparrow_audio *audio;
    uint64_t *loudness; /* one allocation with features, which stand behind it */
    uint8_t *features;
    size_t cap; /* bytes of both */
};

struct request_private {
    struct request *request; /* whose private part this is */

    /* the pool's */
    struct request *next_free;
    size_t clip_cap, score_cap;
    struct request_store **stores; /* one per clip, NULL until it is needed; clip_cap of them */

    /* intake's */
    struct intake *intake;
    struct lane_message decoded;     /* brings it back from the decode pool */
    struct request *decode_next;     /* the pool's queue; under its lock */
    atomic_bool stop;                /* [any] the decoder gives up at its next slice of work */
    uint64_t decode_limit_us;        /* [pool] and so it does when this is past */
    double max_seconds;              /* [pool] of one clip */
    int decode_status;               /* [pool] */
    uint64_t decode_ns, features_ns; /* [pool] */
    size_t decoded_clips;            /* [pool] */
    uint64_t decode_queued_us, decode_begun_us; /* [pool] */

    /* schedule's */
    enum request_state state;
    struct schedule *schedule;
    void (*cancel)(struct request *request);
    bool (*let_go)(struct request *request); /* REQUEST_DECODING: false if it must be waited for */
    int ending; /* what it will be answered with once it is let go; 0: nothing yet */
    void (*step)(struct request *request,
                 uint64_t until_us); /* its next piece of work in the backlog */
    struct request *next, *before;   /* in the backlog, among those gathered, or among those that
                                        wait for workers */
    size_t heap_index;               /* in the deadlines + 1; 0: not there */
    size_t weight;                   /* words it counts for in the backlog */
    size_t next_word, words_left;    /* to hand to a replica; not answered */
    uint64_t queued_us, queue_us;    /* since when it waits; waited before */
    uint64_t inference_ns;
    uint64_t handed_us; /* to the workers */
};

/* The clip's store, made when it is needed first. NULL: no memory. */
struct request_store *request_store(struct request *request, size_t clip);
/* Room for so many values of loudness and bytes of features. False: no memory. May be called off
 * the lane for a store in hand. */
bool request_store_reserve(struct request_store *store, size_t loudness, size_t features);
/* request->scores for words x labels. SPARROW_NO_MEMORY, SPARROW_TOO_LARGE. */
int request_reserve_scores(struct request *request, size_t words, size_t labels);
/* Sets status and the text of the error. */
__attribute__((format(printf, 3, 4))) int
request_fail(struct request *request, enum sparrow_status status, const char *format, ...);

#endif
