/* fuzz_response.c - the HTTP answer parser on any bytes: cut anywhere, it says the same.
 *
 * The first two bytes say where the rest is cut.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "clients/sparrow/response.h"

static void require(int truth)
{
    if (!truth)
        abort();
}

/* Feeds a copy of exactly the bytes, so that a sanitizer sees a read past them. Returns how many
 * were taken. */
static size_t feed(struct response *r, const char *data, size_t count)
{
    size_t used = 0;
    char *copy = malloc(count + 1);
    require(copy != NULL);
    memcpy(copy, data, count);
    memmove(copy + 1, copy, count);
    enum response_state state = response_feed(r, copy + 1, count, &used);
    require(state == r->state && used <= count);
    require(used == count || state == RESPONSE_DONE || state == RESPONSE_BAD);
    free(copy);
    return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct response *whole = calloc(1, sizeof(*whole)), *parts = calloc(1, sizeof(*parts));
    require(whole && parts);
    if (n >= 2) {
        const char *data = (const char *)bytes + 2;
        size_t count = n - 2, cut = count ? ((size_t)bytes[0] << 8 | bytes[1]) % (count + 1) : 0;
        size_t used = feed(whole, data, count), first = feed(parts, data, cut), second = 0;
        if (parts->state != RESPONSE_DONE && parts->state != RESPONSE_BAD)
            second = feed(parts, data + cut, count - cut);
        require(whole->state == parts->state && whole->status == parts->status &&
                whole->close == parts->close);
        require(whole->state == RESPONSE_BAD ||
                (used == first + second && whole->body_bytes == parts->body_bytes));
        require(whole->state != RESPONSE_DONE || (whole->status >= 200 && whole->status <= 999));
        require(whole->body_bytes <= count);
    }
    free(whole);
    free(parts);
    return 0;
}
