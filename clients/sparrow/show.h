/* show.h - a server's reply (or local_recognize()'s) as lines for people.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_SHOW_H
#define CLIENTS_SPARROW_SHOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* How lines are printed; `heading_shown` and `clip_width` are show_*()'s own, zero at first. */
struct show {
    bool remote, colour;
    bool heading_shown;
    int clip_width;
};

/* Makes the first column wide enough for a name that will come. */
void show_reserve(struct show *show, const char *name);

/* Prints a line for each result of a reply, further alternatives and keywords under it. What is
 * null or missing shows as "-". `name` is the clip's: the reply is to that one. */
void show_reply(struct show *show, const char *name, const json_t *reply, FILE *out);

#endif
