/* say.c - the exit codes, and how the program tells a person that something went wrong.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clients/sparrow/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *say_exit_help(enum say_exit code)
{
    static const char *const help[SAY_EXIT_COUNT] = {
        [SAY_FINE] = "everything was done",
        [SAY_FAILED] = "a clip, a file or a request could not be used (the others were)",
        [SAY_USAGE] = "the command line is wrong; nothing was done",
        [SAY_MODEL] = "the model could not be found or loaded",
        [SAY_SERVER] = "the server could not be reached",
    };
    return (unsigned)code < SAY_EXIT_COUNT ? help[code] : "";
}

void say_error(const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (n < 0)
        text[0] = '\0';
    for (char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    }
    fflush(stdout);
    fprintf(stderr, "sparrow: %s\n", text);
}

bool say_colour(void)
{
    const char *term = getenv("TERM");
    const char *no_colour = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && !(no_colour && *no_colour) && term && strcmp(term, "dumb") != 0;
}
