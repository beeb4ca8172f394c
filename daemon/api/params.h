/* params.h - what a request asks for beside its clips: the query of /v1/recognize, fields of a
 * form, Connect's Options.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_API_PARAMS_H
#define DAEMON_API_PARAMS_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/api/arena.h"
#include "daemon/api/problem.h"
#include "engine/sparrow.h"

#define PARAMS_KEYWORDS_MAX 256
#define PARAMS_TOP_ALL      SIZE_MAX
#define PARAMS_THRESHOLD    0.5 /* of a keyword, where the request names none */

struct params_keyword {
    const char *text; /* as asked */
    size_t label;     /* set by params_resolve() */
};

struct params {
    const char *model; /* NULL or "": the default */
    size_t top;        /* alternatives of each result, or PARAMS_TOP_ALL */
    struct params_keyword *keywords;
    size_t keyword_count, keyword_room;
    double threshold;
    uint32_t hop_ms;     /* 0: the best second */
    uint64_t timeout_us; /* 0: none asked for */
};

void params_init(struct params *p);

/* Each returns 0 or problem->status. Strings are copied into the arena. Unknown names are ignored,
 * as Watson does. */
int params_query(struct params *p, const char *query, struct arena *arena, struct problem *problem);
int params_set(struct params *p, const char *name, const char *value, struct arena *arena,
               struct problem *problem);
int params_keyword(struct params *p, const char *keyword, struct arena *arena,
                   struct problem *problem);
/* Whether params_set() does anything with it. */
bool params_known(const char *name);
/* Milliseconds in a header; name is for the complaint. */
int params_timeout(struct params *p, const char *name, const char *value, struct problem *problem);

/* Finds the keywords among the model's labels (letter case of ASCII does not count). */
int params_resolve(struct params *p, const struct sparrow_model *model, struct problem *problem);

/* Undoes %XX (and '+' if plus) into out, which has room for n + 1 bytes. False: a broken escape,
 * NUL, or not UTF-8. */
bool params_decode(const char *s, size_t n, bool plus, char *out);

#endif
