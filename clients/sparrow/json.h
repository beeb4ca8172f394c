/* json.h - small helps around jansson.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_JSON_H
#define CLIENTS_SPARROW_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Prints one value and a newline, reals with 9 digits (what a float needs). False, said on stderr,
 * if root is NULL (no memory) or cannot be written. `flags` are jansson's. */
bool json_print(const json_t *root, size_t flags, FILE *out);

/* A member's text; NULL if there is none. Takes NULL. */
const char *json_text(const json_t *object, const char *key);

/* A member's number; NAN if there is none or it is null. Takes NULL. */
double json_number(const json_t *object, const char *key);

/* json_real(), or null for what is not a number. */
json_t *json_real_or_null(double value);

#endif
