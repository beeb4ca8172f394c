/* clips.h - the work of intake itself, on whatever thread: bytes to samples to features, and how
 * many words that gives.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_DECODE_CLIPS_H
#define DAEMON_DECODE_CLIPS_H

#include "daemon/request_private.h"
#include "daemon/scratches.h"

/* Every clip gets its store (but those that are features already). On the lane. False: no memory.
 */
bool clips_reserve(struct request *request);

/* Decodes every clip (max_seconds each; stops when request->private->stop is set or decode_limit_us
 * is past), makes its features and counts its words; reserves the scores. Fills clips, words and
 * the times in private. 0, or request_fail() with failed_clip set: SPARROW_UNSUPPORTED_MEDIA,
 * SPARROW_BAD_AUDIO, SPARROW_TOO_LARGE, SPARROW_CANCELLED, SPARROW_NO_MEMORY,
 * SPARROW_BAD_PARAMETER. */
int clips_decode(struct request *request, struct scratches *scratches);

/* What the clips' bytes suggest before they are decoded: about so many words. At least one per
 * clip. */
size_t clips_estimate(const struct request *request);
/* True if every clip is ready features, or costs the lane no more than a copy and is at most
 * lane_seconds long. */
bool clips_are_cheap(const struct request *request, double lane_seconds, double max_seconds);
/* Seconds of audio in all clips together, once they are decoded. */
double clips_seconds(const struct request *request);

#endif
