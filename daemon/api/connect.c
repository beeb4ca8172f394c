/* connect.c - sparrow.v1.Recognizer over Connect's unary protocol
 * (https://connectrpc.com/docs/protocol). POST only, both codecs, no compression; a refusal is JSON
 * {"code", "message"} with the code's HTTP status.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/api/connect.h"

#include <string.h>

#include "daemon/api/media.h"
#include "daemon/api/routes.h"

/* For the refusals whose HTTP status is not that of their code. */
static enum api_verdict connect_refuse_as(struct api_call *call, unsigned http, const char *code)
{
    call->problem.connect_http = http;
    call->problem.connect_code = code;
    return call_refuse(call);
}

enum api_verdict connect_unknown(struct api_call *call)
{
    problem_set(&call->problem, SPARROW_NOT_FOUND,
                "sparrow.v1.Recognizer has Recognize and RecognizeBatch");
    return connect_refuse_as(call, 404, "unimplemented");
}

static int connect_head(struct api_call *call)
{
    struct exchange *x = call->x;
    const char *version = x->header(x, "Connect-Protocol-Version"),
               *timeout = x->header(x, "Connect-Timeout-Ms");
    if (version && strcmp(version, "1") != 0)
        return problem_set(&call->problem, SPARROW_BAD_PARAMETER,
                           "Connect-Protocol-Version must be 1");
    return timeout ? params_timeout(&call->params, "Connect-Timeout-Ms", timeout, &call->problem)
                   : 0;
}

enum api_verdict connect_begin(struct api_call *call)
{
    struct exchange *x = call->x;
    struct problem *p = &call->problem;
    const char *type = x->header(x, "Content-Type");
    bool proto = media_is(type, "application/proto");
    if (!proto && !media_is(type, "application/json")) {
        p->advice_name = "Accept-Post";
        p->advice = "application/proto, application/json";
        problem_set(p, SPARROW_UNSUPPORTED_MEDIA,
                    "the codecs are application/proto and application/json");
        return connect_refuse_as(call, 415, "invalid_argument");
    }
    call->form = proto ? CALL_CONNECT_PROTO : CALL_CONNECT_JSON;
    if (!media_identity(x->header(x, "Content-Encoding"))) {
        p->advice_name = "Accept-Encoding";
        p->advice = "identity";
        problem_set(p, SPARROW_UNSUPPORTED_MEDIA, "the supported Content-Encoding is identity");
        return connect_refuse_as(call, 501, "unimplemented");
    }
    return connect_head(call) ? call_refuse(call) : API_READ_BODY;
}

static int connect_clips(struct api_call *call)
{
    for (size_t i = 0; i < call->clip_count; i++) {
        const struct call_clip *clip = &call->clips[i];
        int rc = 0;
        if (clip->is_features)
            continue; /* intake checks them */
        if (clip->size == 0)
            rc = problem_set(&call->problem, SPARROW_BAD_AUDIO, "a clip without audio or features");
        else if (clip->media_type && !sparrow_audio_accepts(clip->media_type))
            rc = problem_set(&call->problem, SPARROW_UNSUPPORTED_MEDIA,
                             "\"%.100s\" is not audio that is handled here", clip->media_type);
        if (rc)
            return rc;
    }
    return 0;
}

static enum api_verdict connect_finish(struct api_call *call, bool batch)
{
    const struct text *body = &call->x->body;
    /* The message's own bytes once, its structures, and as much again for what is made of them. */
    call->arena.budget = call->arena.used + 4 * body->len + ((size_t)64 << 10);
    int rc = call->form == CALL_CONNECT_PROTO
                 ? connect_read_proto(call, body->data, body->len, batch)
                 : connect_read_json(call, body->data ? body->data : "", body->len, batch);
    if (rc == 0 && call->clip_count == 0)
        rc = problem_set(&call->problem, SPARROW_BAD_PARAMETER, "the request holds no clip");
    if (rc == 0)
        rc = call_find_model(call);
    if (rc == 0)
        rc = connect_clips(call);
    return rc ? call_refuse(call) : call_submit(call);
}

enum api_verdict connect_finish_one(struct api_call *call)
{
    return connect_finish(call, false);
}

enum api_verdict connect_finish_batch(struct api_call *call)
{
    return connect_finish(call, true);
}
