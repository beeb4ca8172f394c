/* request.h - the life of one request: its clips, its words, its deadline and its answer. It is
 * made by api on the lane that read it, answered exactly once through its sink on that lane, and
 * freed in one place, request_free().
 *
 * Ownership: api owns it until intake_submit() succeeds; then intake/schedule own it until the sink
 * is called, which gives it back to api. Cancelling (client gone): api calls request_cancel(); the
 * sink is still called exactly once, with SPARROW_CANCELLED or whatever came first. Buffers (audio
 * objects, arrays) come from the lane's request_pool and go back to it, so that a steady state
 * allocates nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_REQUEST_H
#define DAEMON_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/energy.h"
#include "daemon/loop/lane.h"
#include "daemon/models.h"
#include "engine/sparrow.h"

struct request;
struct request_pool;                                         /* one per lane */
typedef void (*sink_fn)(struct request *request, void *arg); /* read request->status first */

struct request_clip {
    /* in: set by api; the bytes stay valid until the sink, or until `decoded` (they belong to the
     * exchange) */
    const char *name; /* comes back in the answer; may be NULL */
    const void *bytes;
    size_t size;
    const char *media_type; /* or NULL: sniff */
    bool is_features;       /* bytes are ready features, frames x bands */
    /* out: set by intake */
    const uint64_t *loudness; /* of `samples` decoded samples (NULL for ready features) */
    size_t samples;
    const uint8_t *features; /* rows of bands */
    size_t frames;
    size_t first_word, words; /* its words in request->scores */
    size_t hop_frames;
};

struct request_latency {
    uint64_t receive_us, decode_us, features_us, queue_us, inference_us, total_us;
};

struct request {
    struct lane *lane;
    struct request_pool *pool;
    struct model_set *models; /* a reference, given back by request_free */
    const struct model_entry *model;
    char id[129];     /* X-Request-ID or our own */
    uint64_t born_us; /* first byte of the head */
    uint64_t body_end_us;
    uint64_t held_us;     /* of that time it was held back unread */
    uint64_t deadline_us; /* on lane_clock_us(); api sets it from the client's timeout and
                             schedule.max_wait */
    bool timeout_given;   /* the client named its timeout: intake does not lengthen the deadline for
                             long audio, but cuts it to what schedule.max_wait allows */
    uint32_t hop_ms;      /* 0: the best second of each clip (words every 125 ms) */
    struct request_clip *clips;
    size_t clip_count;
    sink_fn sink;
    void *sink_arg;
    bool decoded; /* set by intake on the lane: nobody reads the clips' bytes any more */
    bool soon; /* set by schedule while it has the request: the sink will be called in this turn of
                  the loop; a codec need not put its connection to rest */

    /* the answer, set before the sink is called */
    int status;                 /* 0 or a sparrow_status */
    struct sparrow_error error; /* when status < 0 */
    unsigned retry_ms;  /* SPARROW_BUSY, SPARROW_DRAINING, SPARROW_NO_REPLICA: when to come back */
    size_t failed_clip; /* the clip the error is about, or SIZE_MAX */
    double limit_s;     /* SPARROW_TOO_LARGE: the seconds that a clip may have, if it has more */
    int32_t *scores;    /* words x labels */
    size_t words;
    struct request_latency latency;
    uint64_t busy_ns;             /* decode + features + inference: what energy is attributed by */
    unsigned replica;             /* the one that computed the (last) word */
    const char *backend, *device; /* "cpu", "cpu0" */

    struct request_private *private; /* intake's and schedule's */
};

/* One per lane; made before the lane starts, freed when no request is left. NULL: no memory. */
struct request_pool *request_pool_new(struct lane *lane);
void request_pool_free(struct request_pool *pool);

/* A request with `clips` clips, all zero but lane, pool, clip_count and failed_clip. NULL: no
 * memory. On the lane. The caller sets models (a reference that request_free gives back) and model.
 */
struct request *request_new(struct request_pool *pool, size_t clips);
void request_free(struct request *request); /* takes NULL; never while intake or schedule own it */

/* The client is gone: what is queued is dropped, what runs is told to stop. Does not call the sink
 * itself: that comes later on this lane, once. Before intake_submit() and after the sink it does
 * nothing. */
void request_cancel(struct request *request);

#endif
