/* completion.h - completion for bash, made from the option tables.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_COMPLETION_H
#define CLIENTS_SPARROW_COMPLETION_H

#include <stdio.h>

#include "clients/sparrow/options.h"

/* Prints a script for bash-completion. `commands` ends with NULL. */
void completion_print(const struct options_command *const *commands, FILE *out);

#endif
