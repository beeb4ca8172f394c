/* error.h - how the engine says what went wrong.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_ENGINE_ERROR_H
#define SP_ENGINE_ERROR_H

#include "engine/sparrow.h"

/* Writes status and one printf-formatted sentence into *err (NULL: nowhere; too long: cut off) and
 * returns status, so that a failing function can end with `return sp_error_set(...)`. */
int sp_error_set(struct sparrow_error *err, enum sparrow_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
