/* models.h - the loaded models: immutable sets, reference-counted; a reload makes a new set and
 * swaps it in; a request keeps the set it began with.
 * Threads: models_current() and the reference counts may be used from any thread; a set is never
 * changed.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_MODELS_H
#define DAEMON_MODELS_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/config.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "engine/sparrow.h"

struct models; /* owned by main: holds the current set */
struct model_set;
#define MODELS_MAX 32

struct model_entry { /* belongs to its set */
    struct model_set *set;
    size_t index;    /* position in the set */
    uint64_t serial; /* unique over the life of the process: replicas key their scratch by it */
    struct sparrow_model *model;
    const uint8_t *test_features; /* one known word ... */
    const int32_t *
        test_scores; /* ... and its scores, computed by the scalar kernels at load: the self-test */
    _Atomic uint64_t *label_counts; /* clips answered, one per label, shared by all lanes; shown as
                                       sparrow_keywords_total */
};

/* Loads what the configuration names. Is the metrics source of sparrow_keywords_total and
 * sparrow_model_info.
 * Errors: as sparrow_model_load, SPARROW_CONFIG (no model, two of one name, no default); the text
 * names the file. */
int models_new(const struct config *config, struct log *log, struct metrics *metrics,
               struct models **ret_models, struct sparrow_error *err);
/* Loads again; on failure the current set stays. One at a time, on any thread; blocks on files. */
int models_reload(struct models *m, const struct config *config, struct sparrow_error *err);
void models_free(struct models *m);

struct model_set *models_current(struct models *m); /* with a new reference */
/* The same through *kept, a reference that a lane keeps (NULL at first) and gives back itself: takes
 * the lock only after a reload, so that lanes do not meet at it for each request. */
struct model_set *models_follow(struct models *m, struct model_set **kept);
struct model_set *model_set_ref(struct model_set *set);
void model_set_unref(struct model_set *set); /* the last one frees it */
size_t model_set_count(const struct model_set *set);
const struct model_entry *model_set_at(const struct model_set *set, size_t index);
/* name NULL or "": the default. NULL if there is none of that name. */
const struct model_entry *model_set_find(const struct model_set *set, const char *name);

#endif
