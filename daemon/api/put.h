/* put.h - writing JSON onto a text: the caller writes the braces and commas as text, these write
 * the values.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_API_PUT_H
#define DAEMON_API_PUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/text.h"

void put_string(struct text *t, const char *s); /* NULL writes null */
void put_uint(struct text *t, uint64_t value);
/* At most `decimals` (0..9) digits behind the point, without trailing zeros; not finite, or 1e9 and
 * beyond: null. */
void put_fixed(struct text *t, double value, unsigned decimals);
void put_real(struct text *t, double value); /* six significant digits; not finite: null */
void put_bool(struct text *t, bool value);

#endif
