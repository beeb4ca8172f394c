/* identity.h - which request this is: X-Request-ID and traceparent, taken or made.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_API_IDENTITY_H
#define DAEMON_API_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IDENTITY_ID    129 /* X-Request-ID with its NUL */
#define IDENTITY_TRACE 56  /* traceparent with its NUL */

struct identity_source { /* one per lane: a generator seeded once from the kernel */
    uint64_t state[4];
};

/* False: the kernel gave no seed. */
bool identity_seed(struct identity_source *source);
uint64_t identity_random(struct identity_source *source);

/* given's characters are [A-Za-z0-9._-], 1 to 128 of them: taken as it is. Else (NULL too) 32
 * hexadecimal digits of our own. */
void identity_request(struct identity_source *source, const char *given, char ret_id[IDENTITY_ID]);

/* W3C trace context: the same trace and flags with a span of our own. False: given is NULL or
 * invalid, nothing is echoed. */
bool identity_trace(struct identity_source *source, const char *given,
                    char ret_trace[IDENTITY_TRACE]);

#endif
