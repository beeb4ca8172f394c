/* utf8.c - is this text?
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/api/utf8.h"

/* How many bytes the sequence at p takes, 0 if it is none. Table 3-7 of the Unicode standard. */
static size_t utf8_sequence(const unsigned char *p, size_t n)
{
    if (p[0] < 0x80)
        return 1;
    size_t len = p[0] >= 0xc2 && p[0] <= 0xdf   ? 2
                 : (p[0] & 0xf0) == 0xe0        ? 3
                 : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
                                                : 0;
    if (!len || len > n)
        return 0;
    unsigned char low = 0x80, high = 0xbf;
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed)
        high = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

bool utf8_valid(const char *bytes, size_t n)
{
    const unsigned char *p = (const unsigned char *)bytes;
    while (n) {
        size_t len = utf8_sequence(p, n);
        if (!len)
            return false;
        p += len;
        n -= len;
    }
    return true;
}
