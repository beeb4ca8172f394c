/* identity.c - request ids and trace context. The ids need to be different, not secret:
 * xoshiro256** (Blackman, Vigna) will do.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/api/identity.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

bool identity_seed(struct identity_source *source)
{
    return getrandom(source->state, sizeof source->state, 0) == (ssize_t)sizeof source->state;
}

static uint64_t identity_rotate(uint64_t v, unsigned bits)
{
    return v << bits | v >> (64 - bits);
}

uint64_t identity_random(struct identity_source *source)
{
    uint64_t *s = source->state;
    uint64_t result = identity_rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = identity_rotate(s[3], 45);
    return result;
}

static void identity_hex(char *out, uint64_t v)
{
    for (unsigned i = 0; i < 16; i++)
        out[i] = "0123456789abcdef"[v >> (60 - 4 * i) & 15];
}

void identity_request(struct identity_source *source, const char *given, char ret_id[IDENTITY_ID])
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t n = given ? strlen(given) : 0;
    if (n >= 1 && n < IDENTITY_ID && strspn(given, allowed) == n) {
        memcpy(ret_id, given, n + 1);
        return;
    }
    identity_hex(ret_id, identity_random(source));
    identity_hex(ret_id + 16, identity_random(source));
    ret_id[32] = '\0';
}

/* n lower-case hexadecimal digits, and not all of them zero unless zero is fine. */
static bool identity_is_hex(const char *s, size_t n, bool zero_is_fine)
{
    return strspn(s, "0123456789abcdef") >= n && (zero_is_fine || strspn(s, "0") < n);
}

/* version "-" trace-id "-" parent-id "-" trace-flags; ff is no version; a later version than 00 may
 * go on after a dash. */
static bool identity_trace_valid(const char *s)
{
    if (!s || strlen(s) < 55 || !identity_is_hex(s, 2, true) || memcmp(s, "ff", 2) == 0)
        return false;
    if (s[2] != '-' || !identity_is_hex(s + 3, 32, false) || s[35] != '-' ||
        !identity_is_hex(s + 36, 16, false))
        return false;
    if (s[52] != '-' || !identity_is_hex(s + 53, 2, true))
        return false;
    return s[55] == '\0' || (memcmp(s, "00", 2) != 0 && s[55] == '-');
}

bool identity_trace(struct identity_source *source, const char *given,
                    char ret_trace[IDENTITY_TRACE])
{
    if (!identity_trace_valid(given))
        return false;
    uint64_t span = identity_random(source);
    memcpy(ret_trace, "00-", 3);
    memcpy(ret_trace + 3, given + 3, 33);
    identity_hex(ret_trace + 36, span ? span : 1);
    memcpy(ret_trace + 52, given + 52, 3);
    ret_trace[55] = '\0';
    return true;
}
