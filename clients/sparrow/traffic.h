/* traffic.h - requests sent to a server by a clock, and what came back.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_TRAFFIC_H
#define CLIENTS_SPARROW_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "clients/sparrow/histogram.h"

/* A request as it goes over the wire, head and body; the bytes are the caller's. */
struct traffic_request {
    const char *bytes;
    size_t count;
};

/* Looks at the body of a 2xx answer to a request (its first bytes). False counts the answer as
 * wrong. */
typedef bool (*traffic_check_fn)(void *arg, size_t request, const char *body, size_t count);

struct traffic_options {
    const struct sockaddr *address;
    const struct traffic_request *requests; /* sent in turn */
    size_t request_count;
    size_t connections;
    double rate; /* requests a second, whatever the answers do; 0: each connection sends when it has
                    its answer */
    bool poisson; /* with a rate: the gaps are exponential, as of many independent users, instead of
                     even */
    double warmup_s, duration_s; /* what is scheduled within warmup_s is not counted */
    double timeout_s;            /* of the wait for a free connection, and again of the answer */
    traffic_check_fn check;      /* asked of each answer of 2xx, warm-up included */
    void *check_arg;
};

/* How a request can end without an answer. */
enum traffic_error {
    TRAFFIC_CONNECT,   /* no connection */
    TRAFFIC_CLOSED,    /* the connection ended before the answer did */
    TRAFFIC_MALFORMED, /* the answer was no HTTP */
    TRAFFIC_TIMEOUT,   /* sent, but not answered in time */
    TRAFFIC_UNSENT,    /* every connection was busy until its time was over */
    TRAFFIC_ERROR_COUNT
};

/* For people ("no answer in time") and for programs ("timeout"). Never NULL. */
const char *traffic_error_text(enum traffic_error error);
const char *traffic_error_name(enum traffic_error error);

/* What is counted belongs to requests that were due after the warm-up. */
struct traffic_result {
    struct histogram
        latency; /* from the moment a request was due to the end of its answer; 2xx only */
    struct histogram service;     /* the same from the moment it was sent */
    uint64_t due, answered, good; /* good: 2xx and not wrong */
    uint64_t wrong;               /* 2xx, but the check said no */
    uint64_t statuses[600];
    uint64_t errors[TRAFFIC_ERROR_COUNT];
    uint64_t bytes_sent, bytes_received;
    uint64_t connects;  /* connections made in all, warm-up included */
    double due_seconds; /* in which they were due: duration_s, unless interrupted */
    double seconds;     /* from the end of the warm-up to the last answer, at least duration_s */
    bool interrupted;   /* by SIGINT: counts are of the time until then */
};

/* Runs the load in this thread until all is answered or given up: at most warmup_s + duration_s +
 * timeout_s and a little. Memory is bounded by the connections. `ret_result` is overwritten. On
 * failure `ret_text` says why, and false comes back. */
bool traffic_run(const struct traffic_options *options, struct traffic_result *ret_result,
                 char *ret_text, size_t text_size);

#endif
