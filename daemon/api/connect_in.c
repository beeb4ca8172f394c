/* connect_in.c - RecognizeRequest and RecognizeBatchRequest from bytes: protobuf by protobuf-c
 * under an allocator with a budget, and proto3's JSON mapping written by hand for these two
 * messages.
 * Unknown fields are ignored in both codecs; null is the default; names may be lowerCamelCase or as
 * in the .proto file.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/api/connect.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "daemon/api/utf8.h"
#include "proto/sparrow/v1/recognizer.pb-c.h"

#define CONNECT_DEPTH_MAX 16 /* objects and arrays inside one another; the messages need 4 */
#define CONNECT_MARKS_MAX                                                                          \
    65536 /* commas, colons and brackets: jansson spends up to a hundred bytes on each */

static int connect_bad(struct api_call *call, const char *field, const char *wanted)
{
    if (!call->problem.status)
        call->problem.parameter = field;
    return problem_set(&call->problem, SPARROW_BAD_PARAMETER, "%s must be %s", field, wanted);
}

int connect_options(struct api_call *call, const char *model, uint32_t top, double threshold,
                    uint32_t hop_ms)
{
    struct params *p = &call->params;
    p->model = model;
    if (top)
        p->top = top;
    if (!(threshold >= 0 && threshold <= 1))
        return connect_bad(call, "keywords_threshold", "a number from 0 to 1");
    if (threshold > 0)
        p->threshold = threshold;
    if (hop_ms > 60000)
        return connect_bad(call, "hop_ms", "at most 60000 milliseconds");
    p->hop_ms = hop_ms;
    return 0;
}

/* ---- protobuf ---- */

static void *connect_alloc(void *arena, size_t n)
{
    return arena_alloc(arena, n ? n : 1);
}

static void connect_free(void *arena, void *p)
{
    (void)arena;
    (void)p;
}

static const char *connect_or_null(const char *s)
{
    return s && *s ? s : NULL;
}

static int connect_proto_clip(struct api_call *call, const Sparrow__V1__Clip *clip)
{
    struct call_clip out = {.name = connect_or_null(clip->name),
                            .media_type = connect_or_null(clip->media_type),
                            .bytes = ""};
    if (!utf8_valid(clip->name, strlen(clip->name)) ||
        !utf8_valid(clip->media_type, strlen(clip->media_type)))
        return problem_set(&call->problem, SPARROW_BAD_REQUEST,
                           "a string of the message is not UTF-8");
    if (clip->source_case == SPARROW__V1__CLIP__SOURCE_AUDIO) {
        out.bytes = clip->audio.data;
        out.size = clip->audio.len;
    } else if (clip->source_case == SPARROW__V1__CLIP__SOURCE_FEATURES) {
        out.is_features = true;
        out.bytes = clip->features.data;
        out.size = clip->features.len;
    }
    return call_add_clip(call, &out);
}

static int connect_proto_options(struct api_call *call, const Sparrow__V1__Options *o)
{
    if (!o)
        return 0;
    bool utf8 = utf8_valid(o->model, strlen(o->model));
    for (size_t i = 0; i < o->n_keywords; i++)
        utf8 = utf8 && utf8_valid(o->keywords[i], strlen(o->keywords[i]));
    if (!utf8)
        return problem_set(&call->problem, SPARROW_BAD_REQUEST,
                           "a string of the message is not UTF-8");
    int rc = connect_options(call, o->model, o->top, (double)o->keywords_threshold, o->hop_ms);
    for (size_t i = 0; rc == 0 && i < o->n_keywords; i++)
        rc = params_keyword(&call->params, o->keywords[i], &call->arena, &call->problem);
    return rc;
}

int connect_read_proto(struct api_call *call, const void *bytes, size_t n, bool batch)
{
    ProtobufCAllocator allocator = {connect_alloc, connect_free, &call->arena};
    const uint8_t *data = n ? bytes : (const uint8_t *)"";
    int rc = 0;
    if (batch) {
        const Sparrow__V1__RecognizeBatchRequest *m =
            sparrow__v1__recognize_batch_request__unpack(&allocator, n, data);
        if (!m)
            goto broken;
        for (size_t i = 0; rc == 0 && i < m->n_clips; i++)
            rc = connect_proto_clip(call, m->clips[i]);
        return rc ? rc : connect_proto_options(call, m->options);
    }
    const Sparrow__V1__RecognizeRequest *m =
        sparrow__v1__recognize_request__unpack(&allocator, n, data);
    if (!m)
        goto broken;
    if (m->clip)
        rc = connect_proto_clip(call, m->clip);
    return rc ? rc : connect_proto_options(call, m->options);

broken:
    return problem_set(&call->problem, SPARROW_BAD_REQUEST,
                       "the body is not this message in protobuf, or has too many fields");
}

/* ---- JSON ---- */

static int connect_base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

bool connect_base64(const char *s, size_t n, unsigned char *out, size_t *ret_n)
{
    size_t len = 0, digits = n;
    while (digits && n - digits < 2 && s[digits - 1] == '=')
        digits--;
    if (digits % 4 == 1 || (digits < n && n % 4 != 0))
        return false;
    uint32_t bits = 0;
    for (size_t i = 0; i < digits; i++) {
        int d = connect_base64_digit(s[i]);
        if (d < 0)
            return false;
        bits = bits << 6 | (uint32_t)d;
        if (i % 4 == 0)
            continue;
        out[len++] = (unsigned char)(bits >> (i % 4 == 1 ? 4 : i % 4 == 2 ? 2 : 0));
    }
    *ret_n = len;
    return true;
}

/* Jansson's trees are many times the size of the text: counts first what it will build. False: too
 * deep or too much. */
static bool connect_json_modest(const char *s, size_t n)
{
    size_t depth = 0, marks = 0;
    bool string = false;
    for (size_t i = 0; i < n; i++) {
        char c = s[i];
        if (string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                string = false;
            continue;
        }
        if (c == '"')
            string = true;
        else if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && depth)
            depth--;
        marks += c == ',' || c == ':' || c == '{' || c == '[';
        if (depth > CONNECT_DEPTH_MAX || marks > CONNECT_MARKS_MAX)
            return false;
    }
    return true;
}

/* The field by either of its names; NULL if it is not there, or null. */
static const json_t *connect_get(const json_t *object, const char *camel, const char *snake)
{
    const json_t *v = json_object_get(object, camel);
    if (!v && snake)
        v = json_object_get(object, snake);
    return json_is_null(v) ? NULL : v;
}

/* *ret_s stays as it is when the field is not there. */
static int connect_json_text(struct api_call *call, const json_t *v, const char *field,
                             const char **ret_s)
{
    if (!v)
        return 0;
    if (!json_is_string(v))
        return connect_bad(call, field, "a string");
    *ret_s = arena_copy(&call->arena, json_string_value(v), json_string_length(v));
    return *ret_s ? 0 : problem_set(&call->problem, SPARROW_TOO_LARGE, "the message is too large");
}

/* A number, or one in a string, as proto3's JSON has it. */
static bool connect_json_number(const json_t *v, double *ret_value)
{
    if (json_is_number(v)) {
        *ret_value = json_number_value(v);
        return true;
    }
    if (!json_is_string(v))
        return false;
    json_t *inner = json_loads(json_string_value(v), JSON_DECODE_ANY, NULL);
    bool number = json_is_number(inner);
    if (number)
        *ret_value = json_number_value(inner);
    json_decref(inner);
    return number;
}

static int connect_json_uint(struct api_call *call, const json_t *v, const char *field,
                             uint32_t *ret_value)
{
    double d;
    if (!v)
        return 0;
    if (!connect_json_number(v, &d) || !(d >= 0 && d <= UINT32_MAX) || d != floor(d))
        return connect_bad(call, field, "a whole number from 0 to 4294967295");
    *ret_value = (uint32_t)d;
    return 0;
}

static int connect_json_bytes(struct api_call *call, const json_t *v, const char *field,
                              struct call_clip *clip)
{
    if (!json_is_string(v))
        return connect_bad(call, field, "base64 in a string");
    unsigned char *out = arena_alloc(&call->arena, json_string_length(v) / 4 * 3 + 3);
    if (!out)
        return problem_set(&call->problem, SPARROW_TOO_LARGE, "the message is too large");
    clip->bytes = out;
    if (!connect_base64(json_string_value(v), json_string_length(v), out, &clip->size))
        return connect_bad(call, field, "base64");
    return 0;
}

static int connect_json_clip(struct api_call *call, const json_t *v)
{
    struct call_clip clip = {.bytes = ""};
    if (!json_is_object(v))
        return connect_bad(call, "clip", "an object");
    const json_t *audio = connect_get(v, "audio", NULL),
                 *features = connect_get(v, "features", NULL);
    if (audio && features)
        return problem_set(&call->problem, SPARROW_BAD_PARAMETER,
                           "a clip has either audio or features");
    clip.is_features = features != NULL;
    int rc = audio ? connect_json_bytes(call, audio, "audio", &clip) : 0;
    if (rc == 0 && features)
        rc = connect_json_bytes(call, features, "features", &clip);
    if (rc == 0)
        rc = connect_json_text(call, connect_get(v, "mediaType", "media_type"), "media_type",
                               &clip.media_type);
    if (rc == 0)
        rc = connect_json_text(call, connect_get(v, "name", NULL), "name", &clip.name);
    clip.name = connect_or_null(clip.name);
    clip.media_type = connect_or_null(clip.media_type);
    return rc ? rc : call_add_clip(call, &clip);
}

static int connect_json_keywords(struct api_call *call, const json_t *list)
{
    if (list && !json_is_array(list))
        return connect_bad(call, "keywords", "a list of strings");
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        if (!json_is_string(v))
            return connect_bad(call, "keywords", "a list of strings");
        rc = params_keyword(&call->params, json_string_value(v), &call->arena, &call->problem);
    }
    return rc;
}

static int connect_json_options(struct api_call *call, const json_t *v)
{
    const char *model = NULL;
    uint32_t top = 0, hop_ms = 0;
    double threshold = 0;
    if (!v)
        return 0;
    if (!json_is_object(v))
        return connect_bad(call, "options", "an object");
    const json_t *t = connect_get(v, "keywordsThreshold", "keywords_threshold");
    int rc = connect_json_text(call, connect_get(v, "model", NULL), "model", &model);
    if (rc == 0)
        rc = connect_json_uint(call, connect_get(v, "top", NULL), "top", &top);
    if (rc == 0)
        rc = connect_json_uint(call, connect_get(v, "hopMs", "hop_ms"), "hop_ms", &hop_ms);
    if (rc == 0 && t && !connect_json_number(t, &threshold))
        rc = connect_bad(call, "keywords_threshold", "a number from 0 to 1");
    if (rc == 0)
        rc = connect_json_keywords(call, connect_get(v, "keywords", NULL));
    return rc ? rc : connect_options(call, model, top, threshold, hop_ms);
}

static int connect_json_request(struct api_call *call, const json_t *root, bool batch)
{
    int rc = 0;
    if (!json_is_object(root))
        return problem_set(&call->problem, SPARROW_BAD_REQUEST, "the body must be a JSON object");
    const json_t *clips = connect_get(root, batch ? "clips" : "clip", NULL);
    if (clips && batch && !json_is_array(clips))
        return connect_bad(call, "clips", "a list");
    if (clips && batch)
        for (size_t i = 0; rc == 0 && i < json_array_size(clips); i++)
            rc = connect_json_clip(call, json_array_get(clips, i));
    else if (clips)
        rc = connect_json_clip(call, clips);
    return rc ? rc : connect_json_options(call, connect_get(root, "options", NULL));
}

int connect_read_json(struct api_call *call, const char *bytes, size_t n, bool batch)
{
    json_error_t error;
    if (!connect_json_modest(bytes, n))
        return problem_set(&call->problem, SPARROW_TOO_LARGE,
                           "the JSON is nested deeper than %d or has more than %d members",
                           CONNECT_DEPTH_MAX, CONNECT_MARKS_MAX);
    json_t *root = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return problem_set(&call->problem, SPARROW_BAD_REQUEST,
                           "the body is not JSON: %s (line %d)", error.text, error.line);
    int rc = connect_json_request(call, root, batch);
    json_decref(root);
    return rc;
}
