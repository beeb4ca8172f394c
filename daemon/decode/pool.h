/* pool.h - threads that decode what is too slow for a lane.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_DECODE_POOL_H
#define DAEMON_DECODE_POOL_H

#include "daemon/decode/intake.h"
#include "daemon/request_private.h"

/* Queues the request; its stores are reserved, decode_limit_us and decoded.run are set. On success
 * its clips are the pool's until decoded.run is called on the lane, with decode_status. Errors:
 * SPARROW_BUSY (full, or too long for the deadline) with retry_ms. On the lane. */
int decode_pool_submit(struct decode_pool *pool, struct request *request);
/* Takes back a request that no thread has begun. False: one has; it was asked to stop and will come
 * back. On the lane. */
bool decode_pool_withdraw(struct decode_pool *pool, struct request *request);

#endif
