/* put.c - JSON values onto a text, without the C library's locale in the numbers that every answer
 * holds.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/api/put.h"

#include <math.h>
#include <string.h>

void put_string(struct text *t, const char *s)
{
    if (s)
        text_json(t, s, strlen(s));
    else
        text_puts(t, "null");
}

void put_uint(struct text *t, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    text_add(t, digits + at, sizeof digits - at);
}

void put_fixed(struct text *t, double value, unsigned decimals)
{
    if (!isfinite(value) || fabs(value) >= 1e9) {
        text_puts(t, "null");
        return;
    }
    uint64_t scale = 1;
    for (unsigned i = 0; i < decimals; i++)
        scale *= 10;
    uint64_t n = (uint64_t)(fabs(value) * (double)scale + 0.5);
    if (value < 0 && n)
        text_puts(t, "-");
    put_uint(t, n / scale);
    n %= scale;
    if (!n)
        return;
    char digits[10] = ".";
    size_t len = 1;
    for (scale /= 10; n; scale /= 10) {
        digits[len++] = (char)('0' + n / scale);
        n %= scale;
    }
    text_add(t, digits, len);
}

void put_real(struct text *t, double value)
{
    if (isfinite(value))
        text_printf(t, "%.6g", value);
    else
        text_puts(t, "null");
}

void put_bool(struct text *t, bool value)
{
    text_puts(t, value ? "true" : "false");
}
