/* call.h - one exchange under way, inside api/: what was asked, what runs for it, and how it ends.
 * A call is taken from its api's list in api_begin() and goes back when both the codec has released
 * the exchange and no request runs.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_API_CALL_H
#define DAEMON_API_CALL_H

#include "daemon/api/api.h"
#include "daemon/api/arena.h"
#include "daemon/api/identity.h"
#include "daemon/api/params.h"
#include "daemon/api/problem.h"

enum call_form {
    CALL_PLAIN,
    CALL_CONNECT_JSON,
    CALL_CONNECT_PROTO
}; /* how answers and errors look */

struct call_clip {
    const char *name;       /* NULL: none */
    const char *media_type; /* NULL: look at the first bytes */
    const void *bytes;
    size_t size;
    bool is_features;
};

struct route;
struct api_call {
    struct api_call *next; /* in the free list */
    struct api *api;
    struct exchange *x; /* NULL: the codec let go of it */
    const struct route *route;
    const char *rest; /* of the path, behind a route that ends in '/' */
    char id[IDENTITY_ID];
    enum call_form form;
    bool at_head;    /* inside api_begin() */
    bool held;       /* refused by its head, but told after the body */
    bool counted;    /* a request to recognise: its outcome is counted */
    bool gone;       /* the client is */
    bool submitting; /* inside intake_submit(): the sink does not call x->done */
    bool answered;
    struct problem problem;
    struct params params;
    struct model_set *models; /* a reference, until the request takes it over */
    const struct model_entry *model;
    struct call_clip *clips;
    size_t clip_count, clip_room;
    struct request *request; /* while it runs */
    struct text kept;        /* the body of an exchange that was let go while the request ran */
    struct arena arena;
};

struct api {
    struct api_options o;
    struct config *config;
    struct model_set *models; /* as it was when a request looked last; models_follow() */
    struct metrics_block *block;
    struct identity_source ids;
    struct api_call *free;
    unsigned free_count;
    unsigned running;
};

/* Ends api_begin() or api_finish() with call->problem as the answer. A client that sends chunks
 * does not listen before it has sent them all, and an answer in their midst may be lost with the
 * connection: so a refusal at the head waits for the end of a small chunked body. */
enum api_verdict call_refuse(struct api_call *call);
/* Ends a route whose answer is written: x->status, x->content_type, x->answer. */
enum api_verdict call_answer(struct api_call *call);

/* Fixes call->models and call->model by params.model, checks params against it. 0 or
 * problem->status. */
int call_find_model(struct api_call *call);
/* Adds a clip. 0, or problem->status when there are too many. */
int call_add_clip(struct api_call *call, const struct call_clip *clip);
/* Hands the clips to the lane's intake. What call->clips point to must stay: in x->body or the
 * arena. */
enum api_verdict call_submit(struct api_call *call);

#endif
