/* text.c - which texts of a model file may be shown to people and put into replies.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/model/text.h"

#include <stdint.h>
#include <string.h>

/* The code point at *at, which then moves behind it; UINT32_MAX where the bytes are not
 * well-formed. */
static uint32_t next_point(const unsigned char **at)
{
    static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *s = *at;
    size_t more = s[0] < 0x80 ? 0 : s[0] >= 0xc2 && s[0] < 0xe0 ? 1 : (s[0] & 0xf0) == 0xe0 ? 2 : 3;
    if (more == 3 && (s[0] < 0xf0 || s[0] > 0xf4))
        return UINT32_MAX;
    uint32_t point = more == 0 ? s[0] : s[0] & (0x3fu >> more);
    for (size_t i = 1; i <= more; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return UINT32_MAX;
        point = point << 6 | (s[i] & 0x3fu);
    }
    if (point < smallest[more] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return UINT32_MAX;
    *at = s + more + 1;
    return point;
}

static bool is_unseen(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) ||
           (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2060 && point <= 0x2069) || point == 0xfeff || (point & 0xfffe) == 0xfffe;
}

bool sp_text_is_printable(const char *text, size_t limit, bool lines)
{
    if (strnlen(text, limit + 1) > limit)
        return false;
    const unsigned char *at = (const unsigned char *)text;
    while (*at != 0) {
        uint32_t point = next_point(&at);
        if (point == UINT32_MAX || (is_unseen(point) && !(lines && point == '\n')))
            return false;
    }
    return true;
}

bool sp_text_is_name(const char *text, size_t limit)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    return n >= 1 && n <= limit && text[n] == 0;
}
