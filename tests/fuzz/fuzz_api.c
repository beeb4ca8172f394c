/* fuzz_api.c - what a client can put into a request: query, form, media types, Connect's messages,
 * identities.
 * The first byte says which parser reads the rest: q m t j J p P i s (query, multipart, types, JSON
 * one and batch, protobuf one and batch, identities, strings that are echoed).
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "tests/fuzz/fuzz.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/connect.h"
#include "daemon/api/identity.h"
#include "daemon/api/media.h"
#include "daemon/api/multipart.h"
#include "daemon/api/put.h"

static void hold(int truth)
{
    if (!truth)
        abort();
}

/* The input as a string of its own: headers and queries come NUL-terminated from the codec. */
static char *string_of(const uint8_t *bytes, size_t n)
{
    char *s = malloc(n + 1);
    hold(s != NULL);
    if (n)
        memcpy(s, bytes, n);
    s[n] = '\0';
    return s;
}

static void hold_params(const struct params *p, const struct problem *problem, int rc)
{
    hold(rc == problem->status && rc <= 0 && (rc == 0 || problem->detail[0]));
    hold(p->keyword_count <= PARAMS_KEYWORDS_MAX && p->hop_ms <= 60000 && p->threshold >= 0 &&
         p->threshold <= 1 && p->top > 0);
    for (size_t i = 0; i < p->keyword_count; i++)
        hold(p->keywords[i].text != NULL);
}

static void fuzz_query(const uint8_t *bytes, size_t n)
{
    char *query = string_of(bytes, n);
    struct arena arena;
    struct params params;
    struct problem problem = {0};
    arena_init(&arena, 65536);
    params_init(&params);
    hold_params(&params, &problem, params_query(&params, query, &arena, &problem));
    arena_done(&arena);
    free(query);
}

/* The form's Content-Type is the first line of the input. */
static void fuzz_multipart(const uint8_t *bytes, size_t n)
{
    const uint8_t *line = memchr(bytes, '\n', n);
    size_t type_len = line ? (size_t)(line - bytes) : n, skip = line ? type_len + 1 : n;
    char *type = string_of(bytes, type_len);
    const char *body = (const char *)bytes + skip, *last = body;
    struct arena arena;
    struct multipart m;
    struct multipart_part part;
    struct problem problem = {0};
    arena_init(&arena, 65536);
    int rc = multipart_begin(&m, type, body, n - skip, &problem);
    while (rc == 0 && (rc = multipart_next(&m, &arena, &part, &problem)) > 0) {
        hold(part.name && part.bytes >= last && part.bytes + part.size <= body + (n - skip));
        last = part.bytes + part.size;
        rc = 0;
    }
    hold(rc <= 0 && rc == problem.status);
    arena_done(&arena);
    free(type);
}

static void fuzz_types(const uint8_t *bytes, size_t n)
{
    char *s = string_of(bytes, n), out[32];
    hold(media_quality(s, "application/json") <= 1000);
    hold(!media_names(s, "text/plain") || media_quality(s, "text/plain") > 0);
    if (media_parameter(s, "boundary", out, sizeof out))
        hold(memchr(out, '\0', sizeof out) != NULL);
    media_identity(s);
    media_is(s, "multipart/form-data");
    sparrow_audio_accepts(s);
    free(s);
}

static void fuzz_message(const uint8_t *bytes, size_t n, bool json, bool batch)
{
    struct config config = {.audio_max_clips = 64};
    struct api api = {.config = &config};
    struct api_call call = {.api = &api};
    arena_init(&call.arena, 4 * n + 65536);
    params_init(&call.params);
    int rc = json ? connect_read_json(&call, (const char *)bytes, n, batch)
                  : connect_read_proto(&call, bytes, n, batch);
    hold_params(&call.params, &call.problem, rc);
    hold(call.clip_count <= 64);
    for (size_t i = 0; i < call.clip_count; i++)
        hold(call.clips[i].size <= n && (call.clips[i].size == 0 || call.clips[i].bytes));
    arena_done(&call.arena);
}

static void fuzz_identity(const uint8_t *bytes, size_t n)
{
    struct identity_source source = {{1, 2, 3, 4}};
    char *s = string_of(bytes, n), id[IDENTITY_ID], trace[IDENTITY_TRACE];
    identity_request(&source, s, id);
    hold(strlen(id) > 0 &&
         strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
             strlen(id));
    if (identity_trace(&source, s, trace))
        hold(strlen(trace) == 55);
    free(s);
}

static void fuzz_echo(const uint8_t *bytes, size_t n)
{
    struct text t = {0};
    struct exchange x = {0};
    char *s = string_of(bytes, n);
    put_string(&t, s);
    json_t *v = json_loadb(t.data, t.len, JSON_DECODE_ANY, NULL);
    hold(json_is_string(v));
    json_decref(v);
    exchange_add_header(&x, "X", s);
    hold(strpbrk(x.headers[0].value, "\r\n") == NULL);
    text_done(&t);
    free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n == 0)
        return 0;
    uint8_t which = *bytes++;
    n--;
    switch (which) {
    case 'q':
        fuzz_query(bytes, n);
        break;
    case 'm':
        fuzz_multipart(bytes, n);
        break;
    case 't':
        fuzz_types(bytes, n);
        break;
    case 'j':
    case 'J':
        fuzz_message(bytes, n, true, which == 'J');
        break;
    case 'p':
    case 'P':
        fuzz_message(bytes, n, false, which == 'P');
        break;
    case 'i':
        fuzz_identity(bytes, n);
        break;
    case 's':
        fuzz_echo(bytes, n);
        break;
    default:
        break;
    }
    return 0;
}
