/* pages.h - files that are part of the program. The bytes are made from docs/openapi.json and
 * daemon/api/index.html by daemon/api/embed.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_API_PAGES_H
#define DAEMON_API_PAGES_H

#include <stddef.h>

extern const unsigned char pages_openapi_bytes[];
extern const size_t pages_openapi_size;
extern const unsigned char pages_index_bytes[];
extern const size_t pages_index_size;

#endif
