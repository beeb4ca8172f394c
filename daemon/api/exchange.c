/* exchange.c - what a codec and the api share about one request: body bytes in, header lines out.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/api/exchange.h"

#include <assert.h>
#include <stdio.h>

#include "engine/sparrow.h"

int exchange_append(struct exchange *x, const void *bytes, size_t n)
{
    if (n > x->body_limit || x->body.len > x->body_limit - n)
        return SPARROW_TOO_LARGE;
    text_add(&x->body, bytes, n);
    return x->body.bad ? SPARROW_NO_MEMORY : 0;
}

/* A value that does not fit is cut; control characters, which would split the answer's head, end
 * it. */
void exchange_add_header(struct exchange *x, const char *name, const char *value)
{
    assert(x->header_count < EXCHANGE_HEADERS);
    char *out = x->headers[x->header_count].value;
    size_t cap = sizeof x->headers[0].value, n = 0;
    while (n + 1 < cap && (unsigned char)value[n] >= 0x20 && value[n] != 0x7f) {
        out[n] = value[n];
        n++;
    }
    out[n] = '\0';
    x->headers[x->header_count++].name = name;
}
