/* scratches.h - the working memory of one thread: a scratch for each model it met lately.
 * Not thread safe: belongs to one lane, worker or decode thread. Holds a reference on at most two
 * model sets, so that requests that began before a reload and those that began after it do not push
 * each other out.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_SCRATCHES_H
#define DAEMON_SCRATCHES_H

#include "daemon/models.h"

#define SCRATCHES_SETS 2

struct scratches {
    struct scratches_set {
        struct model_set *set;
        struct sparrow_scratch *of[MODELS_MAX];
    } sets[SCRATCHES_SETS]; /* the one used last comes first */
};

void scratches_init(struct scratches *s);
void scratches_done(struct scratches *s);
/* The scratch for this model; made when it is met first. NULL: no memory. */
struct sparrow_scratch *scratches_get(struct scratches *s, const struct model_entry *entry);
/* Lets go of every set but this one. */
void scratches_keep(struct scratches *s, const struct model_set *set);

#endif
