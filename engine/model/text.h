/* text.h - which texts of a model file may be shown to people and put into replies.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_TEXT_H
#define SP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether text (ended by a zero byte) is at most `limit` bytes of well-formed UTF-8 (RFC 3629)
 * without control characters, line and paragraph separators and marks that turn the writing
 * direction; newlines where `lines`. */
bool sp_text_is_printable(const char *text, size_t limit, bool lines);

/* Whether text is [a-z0-9_-]{1,limit}. */
bool sp_text_is_name(const char *text, size_t limit);

#endif
