/* scratches.c - the working memory of one thread.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/scratches.h"

#include <string.h>

static void drop(struct scratches_set *slot)
{
    for (size_t i = 0; i < MODELS_MAX; i++)
        sparrow_scratch_free(slot->of[i]);
    model_set_unref(slot->set); /* after its scratches: a model outlives them */
    memset(slot, 0, sizeof *slot);
}

void scratches_init(struct scratches *s)
{
    memset(s, 0, sizeof *s);
}

void scratches_done(struct scratches *s)
{
    for (size_t i = 0; i < SCRATCHES_SETS; i++)
        drop(&s->sets[i]);
}

struct sparrow_scratch *scratches_get(struct scratches *s, const struct model_entry *entry)
{
    if (s->sets[0].set != entry->set) {
        if (s->sets[1].set != entry->set) {
            drop(&s->sets[1]);
            s->sets[1].set = model_set_ref(entry->set);
        }
        struct scratches_set first = s->sets[1];
        s->sets[1] = s->sets[0];
        s->sets[0] = first;
    }
    struct sparrow_scratch **scratch = &s->sets[0].of[entry->index];
    if (!*scratch && sparrow_scratch_new(entry->model, scratch, NULL) < 0)
        return NULL;
    return *scratch;
}

void scratches_keep(struct scratches *s, const struct model_set *set)
{
    for (size_t i = 0; i < SCRATCHES_SETS; i++)
        if (s->sets[i].set && s->sets[i].set != set)
            drop(&s->sets[i]);
}
