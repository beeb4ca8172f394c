/* utf8.h - whether bytes are UTF-8 (no surrogates, no overlong forms, nothing past U+10FFFF).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_API_UTF8_H
#define DAEMON_API_UTF8_H

#include <stdbool.h>
#include <stddef.h>

bool utf8_valid(const char *bytes, size_t n);

#endif
