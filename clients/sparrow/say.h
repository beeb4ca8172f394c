/* say.h - the exit codes, and how the program tells a person that something went wrong.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_SAY_H
#define CLIENTS_SPARROW_SAY_H

#include <stdbool.h>

/* What `sparrow` exits with; docs/man and every --help list them from say_exit_help(). */
enum say_exit {
    SAY_FINE = 0,
    SAY_FAILED = 1, /* a clip, a file or a request could not be used; the others were */
    SAY_USAGE = 2,  /* the command line is wrong; nothing was done */
    SAY_MODEL = 3,  /* the model could not be found or loaded */
    SAY_SERVER = 4, /* the server could not be reached, or refused everything */
    SAY_EXIT_COUNT = 5
};

/* One line for an exit code, as "the command line is wrong". Never NULL. */
const char *say_exit_help(enum say_exit code);

/* Writes "sparrow: TEXT" and a newline to stderr; control characters in TEXT are shown as '?'. */
__attribute__((format(printf, 1, 2))) void say_error(const char *format, ...);

/* True if stdout is a terminal that wants colour (NO_COLOR is not set, TERM is not "dumb"). */
bool say_colour(void);

#endif
