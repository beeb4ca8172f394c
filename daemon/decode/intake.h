/* intake.h - from bytes to words: decodes each clip and makes its features, on the lane where that is cheap, in the decode pool where
 * it is not (compressed, resampled or long audio), then hands the request to the lane's schedule.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_DECODE_INTAKE_H
#define DAEMON_DECODE_INTAKE_H

#include "daemon/request.h"

struct decode_pool;                 /* one per process: bounded threads and queue */
struct intake;                      /* one per lane */

/* Takes a request whose clips have bytes. Answers it exactly once through its sink, on this lane, no later than its deadline (plus one
 * timer tick); may call the sink before it returns. On failure the caller still owns the request and nothing is called.
 * Errors: SPARROW_BUSY (decode queue full; request->retry_ms says when to come back), SPARROW_DRAINING. */
int intake_submit(struct intake *intake, struct request *request);

#endif
