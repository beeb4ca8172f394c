/* connect.h - the messages of sparrow.v1.Recognizer, from both of Connect's codecs to a call.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_API_CONNECT_H
#define DAEMON_API_CONNECT_H

#include "daemon/api/call.h"

/* Read a RecognizeRequest (batch: a RecognizeBatchRequest) into params and clips. The clips' bytes
 * lie in the arena. 0 or call->problem.status. They work on call->arena, params, clips and problem
 * alone. */
int connect_read_proto(struct api_call *call, const void *bytes, size_t n, bool batch);
int connect_read_json(struct api_call *call, const char *bytes, size_t n, bool batch);

/* What both share: Options, checked. top and hop_ms 0, threshold 0 and an empty model mean the
 * defaults. */
int connect_options(struct api_call *call, const char *model, uint32_t top, double threshold,
                    uint32_t hop_ms);

/* Standard or URL-safe base64, with padding or without, into out (room for n / 4 * 3 + 3). False:
 * it is none. */
bool connect_base64(const char *s, size_t n, unsigned char *out, size_t *ret_n);

#endif
