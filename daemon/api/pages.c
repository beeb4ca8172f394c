/* pages.c - GET / and /openapi.json.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/api/pages.h"
#include "daemon/api/routes.h"

static enum api_verdict pages_send(struct api_call *call, const char *type,
                                   const unsigned char *bytes, size_t n)
{
    struct exchange *x = call->x;
    text_clear(&x->answer);
    text_add(&x->answer, bytes, n);
    x->status = 200;
    x->content_type = type;
    exchange_add_header(x, "Cache-Control", "no-cache");
    exchange_add_header(x, "X-Content-Type-Options", "nosniff");
    return call_answer(call);
}

enum api_verdict pages_root(struct api_call *call)
{
    exchange_add_header(call->x, "Content-Security-Policy",
                        "default-src 'none'; style-src 'unsafe-inline'");
    return pages_send(call, "text/html; charset=utf-8", pages_index_bytes, pages_index_size);
}

enum api_verdict pages_openapi(struct api_call *call)
{
    return pages_send(call, "application/json", pages_openapi_bytes, pages_openapi_size);
}
