/* intake.h - from bytes to words: decodes each clip and makes its features, on the lane where that
 * is cheap, in the decode pool where it is not (compressed, resampled or long audio), then hands
 * the request to the lane's schedule.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_DECODE_INTAKE_H
#define DAEMON_DECODE_INTAKE_H

#include "daemon/config.h"
#include "daemon/request.h"
#include "daemon/schedule/schedule.h"

struct decode_pool; /* one per process: bounded threads and queue */
struct intake;      /* one per lane */

/* ---- the decode pool ---- */

/* Starts audio.decode_threads threads. It outlives the intakes; the lanes outlive it. Adds the
 * queue "decode" to the metrics. */
int decode_pool_new(struct config *config, struct metrics *metrics, struct log *log,
                    struct decode_pool **ret_pool, struct sparrow_error *err);
void decode_pool_set_config(struct decode_pool *pool,
                            struct config *config); /* after a reload; [any] thread */
/* Stops and joins the threads; clips under way are interrupted, what waits is not answered (drain
 * first). Takes NULL. */
void decode_pool_free(struct decode_pool *pool);

/* ---- the intake of a lane ---- */

struct intake_options { /* everything outlives the intake */
    struct lane *lane;
    struct schedule *schedule;
    struct decode_pool *pool;
    struct energy *energy;
    struct config *config; /* a reference is taken */
};

int intake_new(const struct intake_options *options, struct intake **ret_intake,
               struct sparrow_error *err);
void intake_set_config(struct intake *intake,
                       struct config *config); /* on the lane, after a reload; takes a reference */
void intake_free(struct intake *intake);       /* nothing under way any more; takes NULL */

/* Takes a request whose clips have bytes. Answers it exactly once through its sink, on this lane,
 * no later than its deadline (plus one timer tick; a clip that is being decoded in the pool is let
 * go at the decoder's next slice of work, since its bytes are the caller's); may call the sink
 * before it returns, and does so for a second of plain audio while the lane keeps up.
 * On failure the caller still owns the request and nothing is called.
 * Errors: SPARROW_BUSY (a queue is full, or the expected wait is too long; request->retry_ms says
 * when to come back),
 *         SPARROW_DRAINING (schedule_drain), SPARROW_NO_REPLICA, SPARROW_BAD_REQUEST (no clips),
 *         SPARROW_NO_MEMORY. */
int intake_submit(struct intake *intake, struct request *request);

/* Where its words go. */
struct schedule *intake_schedule(const struct intake *intake);

#endif
