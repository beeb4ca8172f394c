/* tally.h - what was heard against what was said, for each label.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_TALLY_H
#define CLIENTS_SPARROW_TALLY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "engine/sparrow.h"

struct tally;

enum {
    TALLY_ALL = 3,
    TALLY_GROUPS = 4
}; /* groups 0 .. 2 are the kinds of labels, TALLY_ALL is everything */

/* `labels` labels; tally_name() then names them. NULL: no memory. */
struct tally *tally_new(size_t labels);
void tally_free(struct tally *tally);

/* Names a label; the text is copied. False: no memory. */
bool tally_name(struct tally *tally, size_t label, const char *name, enum sparrow_label_kind kind);

size_t tally_labels(const struct tally *tally);
const char *tally_label(const struct tally *tally, size_t label);

/* The label of that name, else the model's label for unknown words; tally_labels() if there is none
 * of either, or if the name is no label and `strict`. */
size_t tally_find(const struct tally *tally, const char *name, bool strict);

/* Counts one clip. */
void tally_add(struct tally *tally, size_t said, size_t heard);

/* Clips of a group and how many of them were heard right. */
void tally_group(const struct tally *tally, int group, size_t *ret_hits, size_t *ret_count);

/* Prints the accuracy of each group with its 95 % interval, and the confusion table. */
void tally_print_groups(const struct tally *tally, bool colour, FILE *out);
void tally_print_confusion(const struct tally *tally, bool colour, FILE *out);

/* {"all": {"hits", "count", "accuracy", "low", "high"}, "keyword": ...} and the rows of the
 * confusion table. */
json_t *tally_json_groups(const struct tally *tally);
json_t *tally_json_confusion(const struct tally *tally);

#endif
