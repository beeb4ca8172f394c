/* exchange.h - one HTTP request and its answer, whatever the wire. A codec (http1/) fills the head
 * and the body, api/ fills the answer. Lives on one lane; all calls on that lane's thread. The
 * codec owns the memory of the struct.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_API_EXCHANGE_H
#define DAEMON_API_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/loop/lane.h"
#include "daemon/text.h"

#define EXCHANGE_HEADERS 8

struct exchange {
    struct lane *lane;

    /* the head, by the codec; valid as long as the exchange */
    const char *method; /* as sent, case kept */
    const char *path;   /* before '?', raw (percent-encoding kept) */
    const char *query;  /* after '?', raw; NULL without one */
    const char *(*header)(const struct exchange *x,
                          const char *name); /* case-blind; first value or NULL */
    bool has_length, chunked;
    uint64_t content_length;       /* if has_length */
    bool refuse;                   /* api_begin() refuses it: the lane has more to do than it can */
    uint64_t held_us;              /* the codec held it back for so long before its body was read */
    uint64_t born_us, body_end_us; /* lane_clock_us() at the first byte of the head (or as near as
                                      the codec sees it), at the end of the body */

    /* the body, by the codec through exchange_append() */
    struct text body;
    size_t body_limit; /* set by api_begin */
    bool spent;        /* with API_LATER: api does not read the body any more */

    /* the answer, by api */
    unsigned status;
    const char *content_type; /* a constant */
    struct text answer;
    struct {
        const char *name;
        char value[136];
    } headers[EXCHANGE_HEADERS]; /* name: a constant */
    unsigned header_count;
    bool close; /* the connection closes after this answer */
    bool soon;  /* with API_LATER: the answer comes before the loop has turned once, so that it
                   does not pay to put the connection to rest */

    void (*done)(struct exchange
                     *x);  /* the codec's: the answer of an exchange that was API_LATER is ready */
    void *codec;           /* the codec's own */
    struct api_call *call; /* api's own */
};

enum api_verdict {
    API_READ_BODY, /* go on: body, then api_finish() */
    API_ANSWER,    /* the answer is ready: send it */
    API_LATER      /* x->done(x) will be called on this lane, once; unless api_gone() comes first */
};

/* One per lane. daemon/api/api.h has its constructor. */
struct api;

/* Back-pressure, for requests with a body. The head is complete: true, go on (api_begin); false:
 * hold the request back, its body unread, until api_next_held() lets it go. */
bool api_may_read(struct api *api);
/* What to do with those that are held back; asked before each turn of the codec until it says
 * API_HOLD_ON, or none is held. oldest_us: since when the oldest is held. A request that is refused
 * goes on with x->refuse set. */
enum api_held { API_HOLD_ON, API_ADMIT_NEWEST, API_REFUSE_OLDEST };
enum api_held api_next_held(struct api *api, uint64_t oldest_us);

/* The head is complete (framing was checked by the codec). Sets x->body_limit on API_READ_BODY. */
enum api_verdict api_begin(struct api *api, struct exchange *x);
/* The body is complete. API_ANSWER or API_LATER. */
enum api_verdict api_finish(struct api *api, struct exchange *x);
/* The client went away while the exchange was API_LATER: x->done will not be called any more; the
 * exchange must stay until api_release. */
void api_gone(struct api *api, struct exchange *x);
/* The codec is finished with the exchange (answer sent, or connection lost). If a request still
 * runs for it, api keeps what that needs (takes over x->body) and cleans up when it ends; the
 * struct itself may be freed after this returns. */
void api_release(struct api *api, struct exchange *x);

/* A refusal found by the codec itself (framing): fills x as problem+json with x->close set. */
void api_refuse(struct api *api, struct exchange *x, int status, const char *detail);

/* Appends body bytes. SPARROW_TOO_LARGE beyond body_limit, SPARROW_NO_MEMORY. */
int exchange_append(struct exchange *x, const void *bytes, size_t n);
void exchange_add_header(struct exchange *x, const char *name, const char *value);

#endif
