/* http.h - one HTTP request at a time, over a connection that is kept.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_HTTP_H
#define CLIENTS_SPARROW_HTTP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct http; /* a server and the connection to it */

/* `url` is the server, as "http://127.0.0.1:8770". `ca` is a file of certificates to trust (NULL:
 * the system's). NULL after a message on stderr. */
struct http *http_new(const char *url, const char *ca, double timeout_s);
void http_free(struct http *http);

enum http_outcome {
    HTTP_FINE,        /* 2xx; *ret_json is set */
    HTTP_REFUSED,     /* the server answered with an error; it was said on stderr */
    HTTP_UNREACHABLE, /* no answer; said on stderr */
};

/* Both return an outcome and, when that is HTTP_FINE, the JSON of the answer, which the caller
 * owns. `name` is whose failure a message tells ("yes.wav"). `path` begins with '/' and may have a
 * query. */
enum http_outcome http_get(struct http *http, const char *path, const char *name,
                           json_t **ret_json);
enum http_outcome http_post(struct http *http, const char *path, const char *media_type,
                            const void *body, size_t count, const char *name, json_t **ret_json);

/* Appends "?KEY=VALUE" or "&KEY=VALUE" with the value escaped. False: it does not fit. */
bool http_query(struct http *http, char *path, size_t size, const char *key, const char *value);

#endif
