/* framing.c - the checks. The first thing found wrong is the one that is reported.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/http1/framing.h"

#include <string.h>
#include <strings.h>

static void refuse(struct framing *f, int status, const char *detail)
{
    if (f->status == 0) {
        f->status = status;
        f->detail = detail;
    }
}

/* RFC 9110 5.6.2 */
static bool is_token_char(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_named(const char *name, size_t n, const char *wanted)
{
    return n == strlen(wanted) && strncasecmp(name, wanted, n) == 0;
}

static bool begins_with(const char *name, size_t n, const char *wanted)
{
    size_t len = strlen(wanted);
    return n > len && strncasecmp(name, wanted, len) == 0;
}

static void check_name(struct framing *f, const char *name, size_t n)
{
    bool token = n > 0;
    for (size_t i = 0; i < n; i++)
        token &= is_token_char((unsigned char)name[i]);
    if (!token)
        refuse(f, SPARROW_BAD_REQUEST,
               "a header name has a character that no name may have (a blank before the colon?)");
    /* A folded line reaches us glued to the name: "Content-Length:" CRLF " 5" becomes
     * "Content-Length5". */
    if (begins_with(name, n, "content-length") || begins_with(name, n, "transfer-encoding"))
        refuse(f, SPARROW_BAD_REQUEST,
               "a header name that begins like a framing header (a folded line?)");
}

static void check_value(struct framing *f, const char *value, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)value[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            refuse(f, SPARROW_BAD_REQUEST, "a control character in a header value");
            return;
        }
    }
}

static void read_length(struct framing *f, const char *value, size_t n)
{
    uint64_t length = 0;
    if (f->lengths++)
        refuse(f, SPARROW_BAD_REQUEST, "more than one Content-Length");
    if (n == 0)
        refuse(f, SPARROW_BAD_REQUEST, "an empty Content-Length");
    for (size_t i = 0; i < n; i++) {
        if (value[i] < '0' || value[i] > '9') {
            refuse(f, SPARROW_BAD_REQUEST, "Content-Length is not a number");
            return;
        }
        if (__builtin_mul_overflow(length, 10u, &length) ||
            __builtin_add_overflow(length, (uint64_t)(value[i] - '0'), &length) ||
            length > INT64_MAX) {
            refuse(f, SPARROW_TOO_LARGE, "Content-Length is larger than any body");
            return;
        }
    }
    f->content_length = length;
}

void framing_header(struct framing *f, const char *name, size_t name_len, const char *value,
                    size_t value_len)
{
    check_name(f, name, name_len);
    check_value(f, value, value_len);
    if (is_named(name, name_len, "content-length")) {
        read_length(f, value, value_len);
    } else if (is_named(name, name_len, "transfer-encoding")) {
        if (f->codings++)
            refuse(f, SPARROW_BAD_REQUEST, "more than one Transfer-Encoding");
        if (!is_named(value, value_len, "chunked"))
            refuse(f, SPARROW_BAD_REQUEST, "a Transfer-Encoding other than chunked");
        f->chunked = true;
    } else if (is_named(name, name_len, "host")) {
        f->hosts++;
    } else if (is_named(name, name_len, "expect")) {
        if (!is_named(value, value_len, "100-continue"))
            refuse(f, SPARROW_EXPECTATION_FAILED, "the only expectation known is 100-continue");
        f->expects_continue = true;
    }
}

enum body_rule { BODY_NONE, BODY_WANTED, BODY_ALLOWED };

/* Methods are case-sensitive (RFC 9110 9.1). False: not one that anybody has defined for general
 * use. */
static bool find_method(const char *method, enum body_rule *ret_rule)
{
    static const struct {
        const char *name;
        enum body_rule rule;
    } methods[] = {
        {"GET", BODY_NONE},        {"HEAD", BODY_NONE},    {"POST", BODY_WANTED},
        {"PUT", BODY_WANTED},      {"PATCH", BODY_WANTED}, {"DELETE", BODY_ALLOWED},
        {"OPTIONS", BODY_ALLOWED}, {"TRACE", BODY_NONE},   {"CONNECT", BODY_NONE},
    };
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(method, methods[i].name) == 0) {
            *ret_rule = methods[i].rule;
            return true;
        }
    return false;
}

static void check_target(struct framing *f, const char *target)
{
    for (const char *p = target; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c <= 0x20 || c >= 0x7f || c == '#')
            refuse(f, SPARROW_BAD_REQUEST,
                   "a character in the request target that must be percent-encoded");
        if (c == '%' && p[1] == '0' && p[2] == '0')
            refuse(f, SPARROW_BAD_REQUEST, "a NUL (%00) in the request target");
    }
    if (target[0] != '/' && strcmp(target, "*") != 0 && strncasecmp(target, "http://", 7) != 0 &&
        strncasecmp(target, "https://", 8) != 0)
        refuse(f, SPARROW_BAD_REQUEST, "the request target is neither a path nor a URL");
}

void framing_end(struct framing *f, const char *method, const char *target, const char *version)
{
    bool v10 = strcmp(version, "HTTP/1.0") == 0;
    if (!v10 && strcmp(version, "HTTP/1.1") != 0)
        refuse(f, SPARROW_BAD_REQUEST, "the only versions known are HTTP/1.1 and HTTP/1.0");
    if (f->hosts > 1 || (f->hosts == 0 && !v10))
        refuse(f, SPARROW_BAD_REQUEST, "there must be exactly one Host");
    if (f->lengths && f->codings)
        refuse(f, SPARROW_BAD_REQUEST, "both Content-Length and Transfer-Encoding");
    if (f->codings && v10)
        refuse(f, SPARROW_BAD_REQUEST, "Transfer-Encoding in an HTTP/1.0 request");
    check_target(f, target);
    enum body_rule rule;
    if (!find_method(method, &rule))
        refuse(f, SPARROW_METHOD_UNKNOWN,
               "a method that is not known here (methods are upper case)");
    else if (rule == BODY_WANTED && !f->lengths && !f->codings)
        refuse(f, SPARROW_LENGTH_REQUIRED, "neither Content-Length nor Transfer-Encoding: chunked");
    else if (rule == BODY_NONE && framing_has_body(f))
        refuse(f, SPARROW_BAD_REQUEST, "a body with a method that has none");
}

bool framing_has_body(const struct framing *f)
{
    return f->chunked || f->content_length > 0;
}
