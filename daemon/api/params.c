/* params.c - names and values to struct params, each with its bounds.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/api/params.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/api/utf8.h"

#define PARAMS_HOP_MAX_MS 60000

void params_init(struct params *p)
{
    *p = (struct params){.top = 1, .threshold = PARAMS_THRESHOLD};
}

static int params_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool params_decode(const char *s, size_t n, bool plus, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        char c = s[i];
        if (c == '%') {
            int high = n - i > 2 ? params_hex(s[i + 1]) : -1;
            int low = high >= 0 ? params_hex(s[i + 2]) : -1;
            if (low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (plus && c == '+') {
            c = ' ';
        }
        if (c == '\0')
            return false;
        out[len++] = c;
    }
    out[len] = '\0';
    return utf8_valid(out, len);
}

static int params_bad(struct problem *problem, const char *name, const char *wanted)
{
    if (!problem->status)
        problem->parameter = name;
    return problem_set(problem, SPARROW_BAD_PARAMETER, "%s must be %s", name, wanted);
}

/* Digits only: strtoull alone would take blanks, signs and hexadecimal. */
static bool params_uint(const char *value, uint64_t max, uint64_t *ret_value)
{
    uint64_t n = 0;
    if (!*value)
        return false;
    for (; *value; value++) {
        if (*value < '0' || *value > '9' || n > (max - (uint64_t)(*value - '0')) / 10)
            return false;
        n = n * 10 + (uint64_t)(*value - '0');
    }
    *ret_value = n;
    return n <= max;
}

static bool params_real(const char *value, double *ret_value)
{
    char *end;
    if (!*value || strspn(value, "0123456789.eE+-") != strlen(value))
        return false;
    errno = 0;
    double v = strtod(value, &end);
    if (*end)
        return false;
    *ret_value = v;
    return true;
}

static int params_top(struct params *p, const char *value, struct problem *problem)
{
    uint64_t n;
    if (strcmp(value, "all") == 0)
        p->top = PARAMS_TOP_ALL;
    else if (params_uint(value, UINT32_MAX, &n) && n > 0)
        p->top = (size_t)n;
    else
        return params_bad(problem, "top", "a whole number from 1, or \"all\"");
    return 0;
}

/* Watson's name for top; its 0 means 1. */
static int params_max_alternatives(struct params *p, const char *value, struct problem *problem)
{
    uint64_t n;
    if (!params_uint(value, UINT32_MAX, &n))
        return params_bad(problem, "max_alternatives", "a whole number");
    p->top = n ? (size_t)n : 1;
    return 0;
}

static int params_threshold(struct params *p, const char *value, struct problem *problem)
{
    double v;
    if (!params_real(value, &v) || !(v >= 0 && v <= 1))
        return params_bad(problem, "keywords_threshold", "a number from 0 to 1");
    p->threshold = v;
    return 0;
}

static int params_hop(struct params *p, const char *value, struct problem *problem)
{
    uint64_t n;
    if (!params_uint(value, PARAMS_HOP_MAX_MS, &n) || n == 0)
        return params_bad(problem, "hop_ms", "a whole number of milliseconds from 1 to 60000");
    p->hop_ms = (uint32_t)n;
    return 0;
}

int params_timeout(struct params *p, const char *name, const char *value, struct problem *problem)
{
    uint64_t ms;
    if (!params_uint(value, 9999999999, &ms) || ms == 0)
        return params_bad(problem, name,
                          "a whole number of milliseconds from 1, of at most 10 digits");
    p->timeout_us = ms * 1000;
    return 0;
}

int params_keyword(struct params *p, const char *keyword, struct arena *arena,
                   struct problem *problem)
{
    for (size_t i = 0; i < p->keyword_count; i++)
        if (strcmp(p->keywords[i].text, keyword) == 0)
            return 0;
    if (p->keyword_count == PARAMS_KEYWORDS_MAX) {
        problem->limit = PARAMS_KEYWORDS_MAX;
        return params_bad(problem, "keywords", "no more than 256 words");
    }
    if (p->keyword_count == p->keyword_room) {
        size_t room = p->keyword_room ? p->keyword_room * 2 : 16;
        struct params_keyword *grown = arena_array(arena, room, sizeof *grown);
        if (!grown)
            return problem_set(problem, SPARROW_NO_MEMORY, "no memory for the keywords");
        if (p->keyword_count)
            memcpy(grown, p->keywords, p->keyword_count * sizeof *grown);
        p->keywords = grown;
        p->keyword_room = room;
    }
    char *copy = arena_copy(arena, keyword, strlen(keyword));
    if (!copy)
        return problem_set(problem, SPARROW_NO_MEMORY, "no memory for the keywords");
    p->keywords[p->keyword_count++] = (struct params_keyword){.text = copy};
    return 0;
}

static int params_model(struct params *p, const char *value, struct arena *arena,
                        struct problem *problem)
{
    p->model = arena_copy(arena, value, strlen(value));
    return p->model ? 0 : problem_set(problem, SPARROW_NO_MEMORY, "no memory for the query");
}

static int params_keywords(struct params *p, const char *list, struct arena *arena,
                           struct problem *problem)
{
    while (*list) {
        list += strspn(list, " ");
        size_t n = strcspn(list, ","), len = n;
        while (len && list[len - 1] == ' ')
            len--;
        char *word = len ? arena_copy(arena, list, len) : NULL;
        if (len && !word)
            return problem_set(problem, SPARROW_NO_MEMORY, "no memory for the keywords");
        int rc = word ? params_keyword(p, word, arena, problem) : 0;
        if (rc)
            return rc;
        list += n + (list[n] == ',');
    }
    return 0;
}

static int params_query_timeout(struct params *p, const char *value, struct problem *problem)
{
    return params_timeout(p, "timeout", value, problem);
}

static const struct params_row {
    const char *name;
    int (*set)(struct params *p, const char *value, struct problem *problem); /* or: keeps a copy */
    int (*keep)(struct params *p, const char *value, struct arena *arena, struct problem *problem);
} params_table[] = {
    {"model", NULL, params_model},
    {"keywords", NULL, params_keywords},
    {"top", params_top, NULL},
    {"max_alternatives", params_max_alternatives, NULL},
    {"keywords_threshold", params_threshold, NULL},
    {"hop_ms", params_hop, NULL},
    {"timeout", params_query_timeout, NULL},
};
#define PARAMS_COUNT (sizeof params_table / sizeof params_table[0])

static const struct params_row *params_find(const char *name)
{
    for (size_t i = 0; i < PARAMS_COUNT; i++)
        if (strcmp(name, params_table[i].name) == 0)
            return &params_table[i];
    return NULL;
}

bool params_known(const char *name)
{
    return params_find(name) != NULL;
}

int params_set(struct params *p, const char *name, const char *value, struct arena *arena,
               struct problem *problem)
{
    const struct params_row *row = params_find(name);
    if (!row)
        return 0;
    return row->set ? row->set(p, value, problem) : row->keep(p, value, arena, problem);
}

int params_query(struct params *p, const char *query, struct arena *arena, struct problem *problem)
{
    while (query && *query) {
        size_t n = strcspn(query, "&");
        const char *equals = memchr(query, '=', n);
        size_t name_len = equals ? (size_t)(equals - query) : n;
        size_t value_len = equals ? n - name_len - 1 : 0;
        char *name = arena_alloc(arena, name_len + 1), *value = arena_alloc(arena, value_len + 1);
        if (!name || !value)
            return problem_set(problem, SPARROW_TOO_LARGE, "the query is too long");
        if (!params_decode(query, name_len, true, name) ||
            !params_decode(equals ? equals + 1 : "", value_len, true, value))
            return problem_set(problem, SPARROW_BAD_PARAMETER,
                               "the query has a broken %% escape or is not UTF-8");
        int rc = params_set(p, name, value, arena, problem);
        if (rc)
            return rc;
        query += n + (query[n] == '&');
    }
    return 0;
}

static bool params_find_label(const struct sparrow_model *model, const char *word,
                              size_t *ret_label)
{
    for (size_t i = 0; i < sparrow_model_label_count(model); i++)
        if (sparrow_model_label_kind(model, i) == SPARROW_KEYWORD &&
            strcasecmp(sparrow_model_label(model, i), word) == 0) {
            *ret_label = i;
            return true;
        }
    return false;
}

int params_resolve(struct params *p, const struct sparrow_model *model, struct problem *problem)
{
    for (size_t i = 0; i < p->keyword_count; i++) {
        if (params_find_label(model, p->keywords[i].text, &p->keywords[i].label))
            continue;
        if (!problem->status) {
            problem->parameter = "keywords";
            problem->labels = model;
        }
        return problem_set(problem, SPARROW_BAD_PARAMETER, "the model %s has no keyword \"%s\"",
                           sparrow_model_name(model), p->keywords[i].text);
    }
    return 0;
}
