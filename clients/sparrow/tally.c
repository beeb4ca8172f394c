/* tally.c - what was heard against what was said, for each label.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clients/sparrow/tally.h"

#include <stdlib.h>
#include <string.h>

#include "clients/sparrow/interval.h"
#include "clients/sparrow/table.h"

struct tally_entry {
    char *name;
    enum sparrow_label_kind kind;
};

struct tally {
    size_t labels;
    struct tally_entry *entries;
    size_t *counts; /* [said][heard] */
};

static const char *const group_names[TALLY_GROUPS] = {
    [SPARROW_KEYWORD] = "keywords",
    [SPARROW_SILENCE] = "silence",
    [SPARROW_UNKNOWN_WORD] = "unknown",
    [TALLY_ALL] = "all",
};

struct tally *tally_new(size_t labels)
{
    struct tally *tally = calloc(1, sizeof(*tally));
    size_t cells;
    if (!tally || __builtin_mul_overflow(labels, labels, &cells)) {
        free(tally);
        return NULL;
    }
    tally->labels = labels;
    tally->entries = calloc(labels, sizeof(*tally->entries));
    tally->counts = calloc(cells, sizeof(*tally->counts));
    if (!tally->entries || !tally->counts) {
        tally_free(tally);
        return NULL;
    }
    return tally;
}

void tally_free(struct tally *tally)
{
    if (!tally)
        return;
    for (size_t i = 0; tally->entries && i < tally->labels; i++)
        free(tally->entries[i].name);
    free(tally->entries);
    free(tally->counts);
    free(tally);
}

bool tally_name(struct tally *tally, size_t label, const char *name, enum sparrow_label_kind kind)
{
    char *copy = strdup(name);
    free(tally->entries[label].name);
    tally->entries[label] = (struct tally_entry){copy, kind};
    return copy;
}

size_t tally_labels(const struct tally *tally)
{
    return tally->labels;
}

const char *tally_label(const struct tally *tally, size_t label)
{
    return tally->entries[label].name;
}

size_t tally_find(const struct tally *tally, const char *name, bool strict)
{
    size_t unknown = tally->labels;
    for (size_t i = 0; i < tally->labels; i++) {
        if (strcmp(tally->entries[i].name, name) == 0)
            return i;
        if (tally->entries[i].kind == SPARROW_UNKNOWN_WORD)
            unknown = i;
    }
    return strict ? tally->labels : unknown;
}

void tally_add(struct tally *tally, size_t said, size_t heard)
{
    tally->counts[said * tally->labels + heard]++;
}

static size_t row_count(const struct tally *tally, size_t said)
{
    size_t count = 0;
    for (size_t heard = 0; heard < tally->labels; heard++)
        count += tally->counts[said * tally->labels + heard];
    return count;
}

void tally_group(const struct tally *tally, int group, size_t *ret_hits, size_t *ret_count)
{
    size_t hits = 0, count = 0;
    for (size_t i = 0; i < tally->labels; i++) {
        if (group != TALLY_ALL && (int)tally->entries[i].kind != group)
            continue;
        hits += tally->counts[i * tally->labels + i];
        count += row_count(tally, i);
    }
    *ret_hits = hits;
    *ret_count = count;
}

void tally_print_groups(const struct tally *tally, bool colour, FILE *out)
{
    static const int order[] = {TALLY_ALL, SPARROW_KEYWORD, SPARROW_UNKNOWN_WORD, SPARROW_SILENCE};
    struct table *table = table_new("lrrrl");
    static const char *const heads[] = {"CLIPS", "COUNT", "RIGHT", "ACCURACY", "95 % INTERVAL"};
    for (size_t i = 0; i < 5; i++)
        table_cell(table, "%s", heads[i]);
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        size_t hits, count;
        double low, high;
        char text[32];
        tally_group(tally, order[i], &hits, &count);
        if (count == 0)
            continue;
        interval_wilson(hits, count, &low, &high);
        table_cell(table, "%s", group_names[order[i]]);
        table_cell(table, "%s", table_thousands(count, text, sizeof(text)));
        table_cell(table, "%s", table_thousands(hits, text, sizeof(text)));
        table_cell(table, "%.2f %%", 100.0 * (double)hits / (double)count);
        table_cell(table, "%.2f to %.2f %%", 100 * low, 100 * high);
    }
    table_print(table, 0, colour, out);
    table_free(table);
}

void tally_print_confusion(const struct tally *tally, bool colour, FILE *out)
{
    enum { MOST_LABELS = 60 };
    char columns[MOST_LABELS + 3];
    if (tally->labels > MOST_LABELS) {
        fprintf(out, "(%zu labels are too many for a confusion table: --json has it)\n",
                tally->labels);
        return;
    }
    memset(columns, 'r', sizeof(columns));
    columns[0] = 'l';
    columns[tally->labels + 2] = '\0';
    struct table *table = table_new(columns);
    table_cell(table, "SAID \\ HEARD");
    for (size_t i = 0; i < tally->labels; i++)
        table_cell(table, "%s", tally->entries[i].name);
    table_cell(table, "RIGHT");
    for (size_t said = 0; said < tally->labels; said++) {
        size_t count = row_count(tally, said);
        table_cell(table, "%s", tally->entries[said].name);
        for (size_t heard = 0; heard < tally->labels; heard++) {
            size_t cell = tally->counts[said * tally->labels + heard];
            if (cell)
                table_cell(table, "%zu", cell);
            else
                table_cell(table, ".");
        }
        if (count)
            table_cell(table, "%.1f %%",
                       100.0 * (double)tally->counts[said * tally->labels + said] / (double)count);
        else
            table_cell(table, "-");
    }
    table_print(table, 0, colour, out);
    table_free(table);
}

json_t *tally_json_groups(const struct tally *tally)
{
    json_t *groups = json_object();
    for (int group = 0; group < TALLY_GROUPS; group++) {
        size_t hits, count;
        double low, high;
        tally_group(tally, group, &hits, &count);
        interval_wilson(hits, count, &low, &high);
        json_t *accuracy = count ? json_real((double)hits / (double)count) : json_null();
        json_object_set_new(groups, group_names[group],
                            json_pack("{s:I, s:I, s:o, s:f, s:f}", "count", (json_int_t)count,
                                      "right", (json_int_t)hits, "accuracy", accuracy, "low", low,
                                      "high", high));
    }
    return groups;
}

json_t *tally_json_confusion(const struct tally *tally)
{
    json_t *rows = json_object();
    for (size_t said = 0; said < tally->labels; said++) {
        json_t *row = json_object();
        for (size_t heard = 0; heard < tally->labels; heard++)
            json_object_set_new(
                row, tally->entries[heard].name,
                json_integer((json_int_t)tally->counts[said * tally->labels + heard]));
        json_object_set_new(rows, tally->entries[said].name, row);
    }
    return rows;
}
