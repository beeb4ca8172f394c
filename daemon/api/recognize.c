/* recognize.c - POST /v1/recognize: audio in the body, or a form with any number of clips.
 * What can be refused by the head alone is refused before the body is read.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <string.h>
#include <strings.h>

#include "daemon/api/utf8.h"
#include "daemon/api/media.h"
#include "daemon/api/multipart.h"
#include "daemon/api/routes.h"

#define RECOGNIZE_FIELD_MAX 4096 /* bytes of a form's field */

static int recognize_unsupported(struct api_call *call, const char *type, const char *hint)
{
    call->problem.advice_name = "Accept";
    call->problem.advice = MEDIA_AUDIO;
    return problem_set(&call->problem, SPARROW_UNSUPPORTED_MEDIA,
                       "\"%.100s\" is not audio that is handled here%s", type, hint);
}

/* NULL, nothing, and "just bytes" mean: look at the first bytes. Returns what the engine is told.
 */
static const char *recognize_sniff(const char *type)
{
    return !type || !*type || media_is(type, "application/octet-stream") ? NULL : type;
}

static int recognize_type(struct api_call *call, const char *type)
{
    char rate[16];
    type = recognize_sniff(type);
    if (type && media_is(type, "audio/l16") && !media_parameter(type, "rate", rate, sizeof rate))
        return recognize_unsupported(call, type,
                                     "; audio/l16 needs its rate, as audio/l16;rate=16000");
    if (!type || sparrow_audio_accepts(type))
        return 0;
    if (media_is(type, "application/x-www-form-urlencoded"))
        return recognize_unsupported(
            call, type,
            "; curl says this by itself: name the type, as -H 'Content-Type: audio/wav'");
    return recognize_unsupported(call, type, "");
}

/* The header, which wins over the parameter. */
static int recognize_timeout(struct api_call *call)
{
    static const char name[] = "X-Request-Timeout-Ms";
    const char *timeout = call->x->header(call->x, name);
    return timeout ? params_timeout(&call->params, name, timeout, &call->problem) : 0;
}

static int recognize_head(struct api_call *call)
{
    struct exchange *x = call->x;
    struct problem *p = &call->problem;
    const char *type = x->header(x, "Content-Type");
    if (!media_quality(x->header(x, "Accept"), "application/json"))
        return problem_set(p, SPARROW_NOT_ACCEPTABLE,
                           "the answer is application/json, which Accept excludes");
    if (!media_identity(x->header(x, "Content-Encoding"))) {
        p->advice_name = "Accept-Encoding";
        p->advice = "identity";
        return problem_set(p, SPARROW_UNSUPPORTED_MEDIA,
                           "bodies are taken as they are: no Content-Encoding");
    }
    int rc = media_is(type, "multipart/form-data") ? 0 : recognize_type(call, type);
    if (rc == 0)
        rc = params_query(&call->params, x->query, &call->arena, p);
    if (rc == 0)
        rc = recognize_timeout(call);
    return rc ? rc : call_find_model(call);
}

enum api_verdict recognize_begin(struct api_call *call)
{
    return recognize_head(call) ? call_refuse(call) : API_READ_BODY;
}

/* A part without a file name that is not audio sets a parameter, as one of the query would. */
static int recognize_field(struct api_call *call, const struct multipart_part *part)
{
    char value[RECOGNIZE_FIELD_MAX + 1];
    if (!params_known(part->name))
        return 0;
    if (part->size > RECOGNIZE_FIELD_MAX) {
        call->problem.limit = RECOGNIZE_FIELD_MAX;
        return problem_set(&call->problem, SPARROW_TOO_LARGE,
                           "a form's field is longer than %d bytes", RECOGNIZE_FIELD_MAX);
    }
    memcpy(value, part->bytes, part->size);
    value[part->size] = '\0';
    if (strlen(value) != part->size || !utf8_valid(value, part->size))
        return problem_set(&call->problem, SPARROW_BAD_PARAMETER,
                           "a form's field is not UTF-8 text");
    return params_set(&call->params, part->name, value, &call->arena, &call->problem);
}

static bool recognize_is_field(const struct multipart_part *part)
{
    if (part->filename)
        return false;
    return !part->media_type || strncasecmp(part->media_type, "text/", 5) == 0 ||
           media_is(part->media_type, "application/json");
}

static int recognize_part(struct api_call *call, const struct multipart_part *part)
{
    if (part->encoded) {
        call->problem.clip = part->filename ? part->filename : part->name;
        return problem_set(&call->problem, SPARROW_UNSUPPORTED_MEDIA,
                           "a part's Content-Transfer-Encoding must be binary, 8bit or 7bit");
    }
    if (recognize_is_field(part))
        return recognize_field(call, part);
    int rc = recognize_type(call, part->media_type);
    if (rc) {
        call->problem.clip = part->filename ? part->filename : part->name;
        return rc;
    }
    const struct call_clip clip = {
        .name = part->filename && *part->filename ? part->filename : part->name,
        .media_type = recognize_sniff(part->media_type),
        .bytes = part->bytes,
        .size = part->size,
    };
    return call_add_clip(call, &clip);
}

static int recognize_form(struct api_call *call, const char *type)
{
    struct exchange *x = call->x;
    struct multipart form;
    struct multipart_part part;
    int rc = multipart_begin(&form, type, x->body.data, x->body.len, &call->problem);
    if (rc)
        return rc;
    while ((rc = multipart_next(&form, &call->arena, &part, &call->problem)) > 0)
        if ((rc = recognize_part(call, &part)))
            return rc;
    if (rc == 0 && call->clip_count == 0)
        return problem_set(&call->problem, SPARROW_BAD_REQUEST,
                           "the form holds no clip (a part with a file name, or of an audio type)");
    if (rc == 0)
        rc = recognize_timeout(call); /* over a field's */
    return rc ? rc : call_find_model(call);
}

static int recognize_body(struct api_call *call, const char *type)
{
    type = recognize_sniff(type);
    const struct text *body = &call->x->body;
    struct call_clip clip = {.bytes = body->len ? body->data : "", .size = body->len};
    if (body->len == 0)
        return problem_set(&call->problem, SPARROW_BAD_AUDIO, "the body is empty");
    if (type && !(clip.media_type = arena_copy(&call->arena, type, strlen(type))))
        return problem_set(&call->problem, SPARROW_TOO_LARGE, "the media type is too long");
    return call_add_clip(call, &clip);
}

enum api_verdict recognize_finish(struct api_call *call)
{
    struct exchange *x = call->x;
    const char *type = x->header(x, "Content-Type");
    /* Names and media types of parts: the rest of a form is never copied. */
    call->arena.budget = call->arena.used + x->body.len + ((size_t)64 << 10);
    int rc = media_is(type, "multipart/form-data") ? recognize_form(call, type)
                                                   : recognize_body(call, type);
    return rc ? call_refuse(call) : call_submit(call);
}
