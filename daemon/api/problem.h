/* problem.h - why a request was refused, and how that is said: RFC 9457 problem+json, or the error
 * form of Connect.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_API_PROBLEM_H
#define DAEMON_API_PROBLEM_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/api/exchange.h"
#include "daemon/metrics.h"
#include "engine/sparrow.h"

struct problem {
    int status;       /* a sparrow_status; 0: none so far */
    char detail[320]; /* what happened this time, for a person */
    const char
        *parameter; /* extension members, where they apply; constants or memory of the call */
    const char *clip;
    const struct sparrow_model *labels; /* list this model's keywords */
    uint64_t limit;                     /* 0: none */
    double limit_s;                     /* the same for a limit in seconds; 0: none */
    unsigned retry_ms;                  /* 0: the row's default, one second */
    const char *advice_name,
        *advice; /* a header that says what would be right: Accept, Allow, Accept-Encoding */
    unsigned connect_http; /* Connect only: instead of the row's; 0, NULL: the row's */
    const char *connect_code;
};

/* Fills status and detail; returns status, so that a parser can end with it. The first problem
 * stays. */
int problem_set(struct problem *p, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Both fill x's status, content type, headers and body. id: the request's. */
void problem_answer(struct exchange *x, const struct problem *p, const char *id);
void problem_connect(struct exchange *x, const struct problem *p, const char *id);

/* How a refusal is counted. */
enum metric_refused problem_refused(int status);
enum metric_outcome problem_outcome(int status);

#endif
