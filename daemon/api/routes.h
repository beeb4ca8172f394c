/* routes.h - the table of routes: exact paths, their methods, and the functions behind them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_API_ROUTES_H
#define DAEMON_API_ROUTES_H

#include "daemon/api/call.h"

struct route {
    const char
        *path; /* exact; one that ends in '/' and is not "/" takes exactly one more segment */
    bool post; /* POST, else GET and HEAD */
    enum call_form form;
    enum api_verdict (*begin)(struct api_call *call);  /* the head is there; for GET the answer */
    enum api_verdict (*finish)(struct api_call *call); /* POST: the body is there */
};

/* NULL: no such path. *ret_rest: what follows a path that ends in '/'. */
const struct route *routes_find(const char *path, const char **ret_rest);
/* "GET, HEAD, OPTIONS" */
const char *routes_allow(const struct route *route);

/* The functions behind the table. recognize.c: */
enum api_verdict recognize_begin(struct api_call *call);
enum api_verdict recognize_finish(struct api_call *call);
/* connect.c: */
enum api_verdict connect_begin(struct api_call *call);
enum api_verdict connect_finish_one(struct api_call *call);
enum api_verdict connect_finish_batch(struct api_call *call);
enum api_verdict connect_unknown(struct api_call *call);
/* about.c: */
enum api_verdict about_models(struct api_call *call);
enum api_verdict about_model(struct api_call *call);
/* state.c: */
enum api_verdict state_health(struct api_call *call);
enum api_verdict state_ready(struct api_call *call);
enum api_verdict state_metrics(struct api_call *call);
/* pages.c: */
enum api_verdict pages_root(struct api_call *call);
enum api_verdict pages_openapi(struct api_call *call);

#endif
