/* problem.c - refusals, written out. One row per status (daemon/status.h) decides type, title and
 * codes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/api/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/api/put.h"
#include "daemon/status.h"

int problem_set(struct problem *p, int status, const char *format, ...)
{
    if (p->status)
        return p->status;
    p->status = status;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(p->detail, sizeof p->detail, format, args);
    va_end(args);
    return status;
}

/* Whole seconds, at least one: RFC 9110 section 10.2.3 knows nothing shorter. */
static unsigned problem_retry_s(const struct problem *p)
{
    return p->retry_ms > 1000 ? p->retry_ms / 1000 + (p->retry_ms % 1000 != 0) : 1;
}

static void problem_headers(struct exchange *x, const struct problem *p,
                            const struct status_row *row)
{
    if (row->close)
        x->close = true;
    if (row->retry) {
        char seconds[16];
        (void)snprintf(seconds, sizeof seconds, "%u", problem_retry_s(p));
        exchange_add_header(x, "Retry-After", seconds);
    }
    if (p->advice_name)
        exchange_add_header(x, p->advice_name, p->advice);
}

static void problem_labels(struct text *t, const struct sparrow_model *model)
{
    const char *comma = "";
    text_puts(t, ",\"labels\":[");
    for (size_t i = 0; i < sparrow_model_label_count(model); i++) {
        if (sparrow_model_label_kind(model, i) != SPARROW_KEYWORD)
            continue;
        text_puts(t, comma);
        put_string(t, sparrow_model_label(model, i));
        comma = ",";
    }
    text_puts(t, "]");
}

void problem_answer(struct exchange *x, const struct problem *p, const char *id)
{
    const struct status_row *row = status_row((enum sparrow_status)p->status);
    struct text *t = &x->answer;
    text_clear(t);
    x->status = row->http;
    x->content_type = "application/problem+json";
    problem_headers(x, p, row);
    text_puts(t, "{\"type\":\"/problems/");
    text_puts(t, row->type);
    text_puts(t, "\",\"title\":");
    put_string(t, row->title);
    text_puts(t, ",\"status\":");
    put_uint(t, row->http);
    text_puts(t, ",\"detail\":");
    put_string(t, p->detail);
    text_puts(t, ",\"request_id\":");
    put_string(t, id);
    if (p->parameter) {
        text_puts(t, ",\"parameter\":");
        put_string(t, p->parameter);
    }
    if (p->clip) {
        text_puts(t, ",\"clip\":");
        put_string(t, p->clip);
    }
    if (p->limit) {
        text_puts(t, ",\"limit\":");
        put_uint(t, p->limit);
    } else if (p->limit_s > 0) {
        text_puts(t, ",\"limit\":");
        put_fixed(t, p->limit_s, 3);
    }
    if (row->retry) {
        text_puts(t, ",\"retry_after_s\":");
        put_uint(t, problem_retry_s(p));
    }
    if (p->labels)
        problem_labels(t, p->labels);
    text_puts(t, "}\n");
}

/* https://connectrpc.com/docs/protocol#error-codes */
static unsigned problem_connect_http(const char *code)
{
    static const struct {
        const char *code;
        unsigned http;
    } table[] = {
        {"canceled", 499},
        {"unknown", 500},
        {"invalid_argument", 400},
        {"deadline_exceeded", 504},
        {"not_found", 404},
        {"already_exists", 409},
        {"permission_denied", 403},
        {"resource_exhausted", 429},
        {"failed_precondition", 400},
        {"aborted", 409},
        {"out_of_range", 400},
        {"unimplemented", 501},
        {"internal", 500},
        {"unavailable", 503},
        {"data_loss", 500},
        {"unauthenticated", 401},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].code, code) == 0)
            return table[i].http;
    return 500;
}

void problem_connect(struct exchange *x, const struct problem *p, const char *id)
{
    const struct status_row *row = status_row((enum sparrow_status)p->status);
    const char *code = p->connect_code ? p->connect_code : row->connect;
    struct text *t = &x->answer;
    (void)id; /* the header has it; the error form has no place for it */
    text_clear(t);
    x->status = p->connect_http ? p->connect_http : problem_connect_http(code);
    x->content_type = "application/json";
    problem_headers(x, p, row);
    text_puts(t, "{\"code\":\"");
    text_puts(t, code);
    text_puts(t, "\",\"message\":");
    put_string(t, p->detail);
    text_puts(t, "}");
}

enum metric_refused problem_refused(int status)
{
    switch (status) {
    case SPARROW_BUSY:
        return REFUSED_QUEUE_FULL;
    case SPARROW_DRAINING:
        return REFUSED_DRAINING;
    case SPARROW_NO_REPLICA:
        return REFUSED_NO_REPLICA;
    case SPARROW_DEADLINE:
        return REFUSED_DEADLINE;
    case SPARROW_TOO_LARGE:
        return REFUSED_TOO_LARGE;
    case SPARROW_UNSUPPORTED_MEDIA:
        return REFUSED_UNSUPPORTED_MEDIA;
    case SPARROW_BAD_AUDIO:
        return REFUSED_UNDECODABLE;
    case SPARROW_BAD_PARAMETER:
    case SPARROW_UNKNOWN_MODEL:
    case SPARROW_BAD_ARGUMENT:
        return REFUSED_BAD_PARAMETER;
    case SPARROW_BAD_REQUEST:
    case SPARROW_LENGTH_REQUIRED:
    case SPARROW_METHOD_UNKNOWN:
        return REFUSED_MALFORMED;
    default:
        return REFUSED_OTHER;
    }
}

enum metric_outcome problem_outcome(int status)
{
    switch (status) {
    case SPARROW_OK:
        return OUTCOME_OK;
    case SPARROW_BUSY:
    case SPARROW_DRAINING:
    case SPARROW_NO_REPLICA:
        return OUTCOME_REFUSED;
    case SPARROW_CANCELLED:
        return OUTCOME_CANCELLED;
    default:
        return status_row((enum sparrow_status)status)->http >= 500 ? OUTCOME_SERVER_ERROR
                                                                    : OUTCOME_CLIENT_ERROR;
    }
}
