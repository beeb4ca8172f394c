/* man.h - the man page sparrow(1), made from the option tables.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_MAN_H
#define CLIENTS_SPARROW_MAN_H

#include <stdio.h>

#include "clients/sparrow/options.h"

/* What sparrow is, in a few sentences; also the head of `sparrow --help`. */
const char *man_summary(void);

/* Prints the page as roff. `commands` ends with NULL. */
void man_print(const struct options_command *const *commands, FILE *out);

#endif
