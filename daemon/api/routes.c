/* routes.c - which path leads where. Paths are compared as they were sent: no normalisation, so
 * that what a proxy in front lets pass by its rules is what is served.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/api/routes.h"

#include <string.h>

static const struct route routes_table[] = {
    {"/v1/recognize", true, CALL_PLAIN, recognize_begin, recognize_finish},
    {"/sparrow.v1.Recognizer/Recognize", true, CALL_CONNECT_JSON, connect_begin,
     connect_finish_one},
    {"/sparrow.v1.Recognizer/RecognizeBatch", true, CALL_CONNECT_JSON, connect_begin,
     connect_finish_batch},
    {"/sparrow.v1.Recognizer/", true, CALL_CONNECT_JSON, connect_unknown, NULL},
    {"/healthz", false, CALL_PLAIN, state_health, NULL},
    {"/readyz", false, CALL_PLAIN, state_ready, NULL},
    {"/metrics", false, CALL_PLAIN, state_metrics, NULL},
    {"/v1/models", false, CALL_PLAIN, about_models, NULL},
    {"/v1/models/", false, CALL_PLAIN, about_model, NULL},
    {"/openapi.json", false, CALL_PLAIN, pages_openapi, NULL},
    {"/", false, CALL_PLAIN, pages_root, NULL},
};

const struct route *routes_find(const char *path, const char **ret_rest)
{
    for (size_t i = 0; i < sizeof routes_table / sizeof routes_table[0]; i++) {
        const struct route *r = &routes_table[i];
        size_t n = strlen(r->path);
        if (strcmp(path, r->path) == 0 && (n == 1 || r->path[n - 1] != '/'))
            return r;
        if (n > 1 && r->path[n - 1] == '/' && strncmp(path, r->path, n) == 0 && path[n] &&
            !strchr(path + n, '/')) {
            *ret_rest = path + n;
            return r;
        }
    }
    return NULL;
}

const char *routes_allow(const struct route *route)
{
    return route->post ? "POST, OPTIONS" : "GET, HEAD, OPTIONS";
}
