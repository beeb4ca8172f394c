/* http.c - one HTTP request at a time, by libcurl, over a connection that is kept.
 * SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "clients/sparrow/http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/sparrow/bytes.h"
#include "clients/sparrow/json.h"
#include "clients/sparrow/say.h"

/* More than any answer to one clip; what is larger is not one of ours. */
#define MAX_ANSWER ((size_t)64 << 20)

struct http {
    CURL *curl;
    char *url; /* without a '/' at its end */
    struct bytes answer;
};

static size_t receive(char *data, size_t size, size_t count, void *arg)
{
    struct http *http = arg;
    size_t n = size * count;
    if (n > MAX_ANSWER - http->answer.count ||
        !bytes_reserve(&http->answer, http->answer.count + n))
        return 0;
    memcpy(http->answer.data + http->answer.count, data, n);
    http->answer.count += n;
    return n;
}

static bool set_up(struct http *http, const char *ca, double timeout_s)
{
    CURL *curl = http->curl;
    return curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, http) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_USERAGENT, "sparrow/" PACKAGE_VERSION) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 10000L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(timeout_s * 1e3)) == CURLE_OK &&
           (!ca || curl_easy_setopt(curl, CURLOPT_CAINFO, ca) == CURLE_OK);
}

struct http *http_new(const char *url, const char *ca, double timeout_s)
{
    const char *host = strncmp(url, "http://", 7) == 0    ? url + 7
                       : strncmp(url, "https://", 8) == 0 ? url + 8
                                                          : "";
    if (*host == '\0' || *host == '/') {
        say_error("--server wants a URL, as http://127.0.0.1:8770, not \"%s\"", url);
        return NULL;
    }
    struct http *http = calloc(1, sizeof(*http));
    if (http) {
        http->curl = curl_easy_init();
        http->url = strdup(url);
    }
    if (!http || !http->curl || !http->url || !set_up(http, ca, timeout_s)) {
        say_error("the HTTP client could not be set up");
        http_free(http);
        return NULL;
    }
    size_t n = strlen(http->url);
    while (n > 0 && http->url[n - 1] == '/')
        http->url[--n] = '\0';
    return http;
}

void http_free(struct http *http)
{
    if (!http)
        return;
    if (http->curl)
        curl_easy_cleanup(http->curl);
    free(http->url);
    bytes_done(&http->answer);
    free(http);
}

/* Says what a server's error answer means: problem+json tells its detail, anything else only its
 * status. */
static void say_refusal(const struct http *http, long status, const char *name)
{
    json_t *problem = json_loadb((const char *)http->answer.data, http->answer.count, 0, NULL);
    const char *title = json_text(problem, "title"), *detail = json_text(problem, "detail");
    const char *id = json_text(problem, "request_id");
    if (title || detail)
        say_error("%s: %s%s%s (HTTP %ld%s%s)", name, title ? title : "",
                  title && detail ? ": " : "", detail ? detail : "", status, id ? ", request " : "",
                  id ? id : "");
    else
        say_error("%s: the server answered HTTP %ld", name, status);
    json_decref(problem);
}

static enum http_outcome perform(struct http *http, const char *path, const char *name,
                                 json_t **ret_json)
{
    char *url = NULL, why[CURL_ERROR_SIZE] = "";
    if (asprintf(&url, "%s%s", http->url, path) < 0) {
        say_error("%s: no memory", name);
        return HTTP_UNREACHABLE;
    }
    http->answer.count = 0;
    curl_easy_setopt(http->curl, CURLOPT_URL, url);
    curl_easy_setopt(http->curl, CURLOPT_ERRORBUFFER, why);
    CURLcode code = curl_easy_perform(http->curl);
    curl_easy_setopt(http->curl, CURLOPT_ERRORBUFFER, NULL);
    free(url);
    if (code != CURLE_OK) {
        say_error("%s: %s: %s", name, http->url, *why ? why : curl_easy_strerror(code));
        return HTTP_UNREACHABLE;
    }
    long status = 0;
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status > 299) {
        say_refusal(http, status, name);
        return HTTP_REFUSED;
    }
    json_error_t where;
    json_t *json = json_loadb((const char *)http->answer.data, http->answer.count, 0, &where);
    if (!json) {
        say_error("%s: the answer is no JSON: %s", name, where.text);
        return HTTP_REFUSED;
    }
    *ret_json = json;
    return HTTP_FINE;
}

enum http_outcome http_get(struct http *http, const char *path, const char *name, json_t **ret_json)
{
    curl_easy_setopt(http->curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, NULL);
    return perform(http, path, name, ret_json);
}

enum http_outcome http_post(struct http *http, const char *path, const char *media_type,
                            const void *body, size_t count, const char *name, json_t **ret_json)
{
    char type[200];
    int n = snprintf(type, sizeof(type), "Content-Type: %s", media_type);
    if (n < 0 || (size_t)n >= sizeof(type) || strpbrk(media_type, "\r\n")) {
        say_error("%s: \"%s\" is no media type", name, media_type);
        return HTTP_REFUSED;
    }
    struct curl_slist *headers = curl_slist_append(NULL, type);
    headers =
        headers ? curl_slist_append(headers, "Expect:") : NULL; /* do not wait for 100 Continue */
    headers = headers ? curl_slist_append(headers, "Accept: application/json") : NULL;
    if (!headers) {
        say_error("%s: no memory", name);
        return HTTP_UNREACHABLE;
    }
    curl_easy_setopt(http->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, count ? (const char *)body : "");
    curl_easy_setopt(http->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count);
    curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, headers);
    enum http_outcome outcome = perform(http, path, name, ret_json);
    curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return outcome;
}

bool http_query(struct http *http, char *path, size_t size, const char *key, const char *value)
{
    size_t used = strlen(path);
    char *escaped = curl_easy_escape(http->curl, value, 0);
    if (!escaped)
        return false;
    int n =
        snprintf(path + used, size - used, "%c%s=%s", strchr(path, '?') ? '&' : '?', key, escaped);
    curl_free(escaped);
    return n > 0 && (size_t)n < size - used;
}
