/* models.c - loads model files into immutable sets and swaps them.
 * The mutex guards nothing but the pointer to the current set: taking a reference under it is what
 * makes "read the pointer, count one up" safe against a swap in between. Counts of answers belong
 * to a model's name and labels, not to a set: a set that follows another takes them over, so that a
 * reload does not set counters back.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/models.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct tally { /* answers by label; shared by the sets that hold the same model */
    atomic_uint refs;
    size_t count;
    _Atomic uint64_t counts[];
};

struct model_set {
    atomic_uint refs;
    size_t count, default_index;
    struct model_entry entries[MODELS_MAX];
    struct tally *tallies[MODELS_MAX];
};

struct models {
    pthread_mutex_t lock;
    struct model_set *current;        /* under lock */
    struct model_set *_Atomic latest; /* the same, to compare with: no reference is taken by it */
    struct log *log;
    uint64_t serial; /* of the last entry made; whoever loads */
};

__attribute__((format(printf, 3, 4))) static int
fail(struct sparrow_error *err, enum sparrow_status status, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        err->status = status;
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return status;
}

/* ---- sets ---- */

static void tally_unref(struct tally *tally)
{
    if (tally && atomic_fetch_sub(&tally->refs, 1) == 1)
        free(tally);
}

struct model_set *model_set_ref(struct model_set *set)
{
    atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
    return set;
}

void model_set_unref(struct model_set *set)
{
    if (!set || atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < set->count; i++) {
        struct model_entry *e = &set->entries[i];
        sparrow_model_free(e->model);
        free((void *)e->test_features);
        free((void *)e->test_scores);
        tally_unref(set->tallies[i]);
    }
    free(set);
}

size_t model_set_count(const struct model_set *set)
{
    return set->count;
}

const struct model_entry *model_set_at(const struct model_set *set, size_t index)
{
    return index < set->count ? &set->entries[index] : NULL;
}

const struct model_entry *model_set_find(const struct model_set *set, const char *name)
{
    if (!name || !*name)
        return &set->entries[set->default_index];
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(sparrow_model_name(set->entries[i].model), name) == 0)
            return &set->entries[i];
    return NULL;
}

/* ---- loading ---- */

static bool same_labels(const struct sparrow_model *a, const struct sparrow_model *b)
{
    if (sparrow_model_label_count(a) != sparrow_model_label_count(b))
        return false;
    for (size_t i = 0; i < sparrow_model_label_count(a); i++)
        if (strcmp(sparrow_model_label(a, i), sparrow_model_label(b, i)) != 0)
            return false;
    return true;
}

static struct tally *tally_for(const struct sparrow_model *model, struct model_set *before)
{
    const struct model_entry *old =
        before ? model_set_find(before, sparrow_model_name(model)) : NULL;
    if (old && same_labels(old->model, model)) {
        struct tally *tally = before->tallies[old->index];
        atomic_fetch_add(&tally->refs, 1);
        return tally;
    }
    size_t count = sparrow_model_label_count(model), bytes;
    if (__builtin_mul_overflow(count, sizeof(uint64_t), &bytes) ||
        __builtin_add_overflow(bytes, sizeof(struct tally), &bytes))
        return NULL;
    struct tally *tally = calloc(1, bytes);
    if (!tally)
        return NULL;
    atomic_init(&tally->refs, 1);
    tally->count = count;
    return tally;
}

/* The known word: noise within the features' range, with rows fading in and out so that no layer
 * sees silence alone. */
static void fill_test_word(const struct sparrow_model *model, uint8_t *features)
{
    struct sparrow_front_end front_end = {.size = sizeof front_end};
    unsigned top = sparrow_model_front_end(model, &front_end) == 0 && front_end.max_value
                       ? front_end.max_value
                       : 255;
    size_t frames = sparrow_model_frames(model), bands = sparrow_model_bands(model);
    uint32_t state = 2463534242u;
    for (size_t f = 0; f < frames; f++)
        for (size_t b = 0; b < bands; b++) {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            size_t middle = f < frames - f ? f : frames - f;
            features[f * bands + b] =
                (uint8_t)(state % (top + 1u) * (middle + 1) / (frames / 2 + 1));
        }
}

/* The scores of the known word by the scalar kernels, which are the truth: so a self-test also
 * compares the kernels in use with them. */
static int make_test_word(const char *file, struct model_entry *entry, struct sparrow_error *err)
{
    size_t words = sparrow_model_frames(entry->model) * sparrow_model_bands(entry->model);
    size_t labels = sparrow_model_label_count(entry->model);
    uint8_t *features = calloc(words, 1);
    int32_t *scores = calloc(labels, sizeof *scores);
    entry->test_features = features; /* freed with the entry */
    entry->test_scores = scores;
    if (!features || !scores)
        return fail(err, SPARROW_NO_MEMORY, "%.100s: no memory for its known word", file);
    fill_test_word(entry->model, features);
    struct sparrow_model_options scalar = {.size = sizeof scalar, .cpu = "scalar"};
    struct sparrow_model *truth = NULL;
    struct sparrow_scratch *scratch = NULL;
    int rc = sparrow_model_load(file, &scalar, &truth, err);
    if (rc == 0 && strcmp(sparrow_model_digest(truth), sparrow_model_digest(entry->model)) != 0)
        rc = fail(err, SPARROW_IO, "%.100s: changed while it was read", file);
    if (rc == 0)
        rc = sparrow_scratch_new(truth, &scratch, err);
    if (rc == 0) {
        const uint8_t *word = features;
        sparrow_run(truth, scratch, &word, 1, scores);
    }
    sparrow_scratch_free(scratch);
    sparrow_model_free(truth);
    return rc;
}

struct loading {
    struct models *models;
    const struct config *config;
    struct model_set *set;    /* being filled */
    struct model_set *before; /* the current one, or NULL */
};

static int add_file(struct loading *l, const char *file, struct sparrow_error *err)
{
    struct model_set *set = l->set;
    if (set->count == MODELS_MAX)
        return fail(err, SPARROW_CONFIG, "%.100s: more than %d models", file, MODELS_MAX);
    struct model_entry *e = &set->entries[set->count];
    struct sparrow_model_options options = {.size = sizeof options, .cpu = l->config->replicas_cpu};
    struct sparrow_error why = {0};
    int rc = sparrow_model_load(file, &options, &e->model, &why);
    if (rc < 0) /* the engine begins with the file, as far as 100 bytes, or does not name it */
        return strncmp(why.text, file, strnlen(file, 100)) == 0
                   ? fail(err, rc, "%s", why.text)
                   : fail(err, rc, "%.100s: %s", file, why.text);
    set->count++; /* from here on model_set_unref cleans it up */
    e->set = set;
    e->index = set->count - 1;
    e->serial = ++l->models->serial;
    for (size_t i = 0; i < e->index; i++)
        if (strcmp(sparrow_model_name(set->entries[i].model), sparrow_model_name(e->model)) == 0)
            return fail(err, SPARROW_CONFIG, "%.100s: a second model of the name '%.60s'", file,
                        sparrow_model_name(e->model));
    struct tally *tally = tally_for(e->model, l->before);
    if (!tally)
        return fail(err, SPARROW_NO_MEMORY, "%.100s: no memory", file);
    set->tallies[e->index] = tally;
    e->label_counts = tally->counts;
    return make_test_word(file, e, err);
}

struct found {
    struct loading *loading;
    struct sparrow_error *err;
};

static int add_found(const char *path, void *arg)
{
    struct found *found = arg;
    return add_file(found->loading, path, found->err);
}

static int add_path(struct loading *l, const char *path, struct sparrow_error *err)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return fail(err, SPARROW_IO, "models.path: %.100s: %s", path, strerror(errno));
    struct found found = {.loading = l, .err = err};
    return S_ISDIR(st.st_mode) ? sparrow_model_files(path, add_found, &found, err)
                               : add_file(l, path, err);
}

static int add_paths(struct loading *l, struct sparrow_error *err)
{
    const char *rest = l->config->models_path;
    if (!rest || !*rest)
        return add_path(l, MODEL_FOLDER, err);
    int rc = 0;
    while (rc == 0 && *rest) {
        size_t n = strcspn(rest, ",");
        const char *from = rest + strspn(rest, " ");
        size_t length = (size_t)(rest + n - from);
        while (length > 0 && from[length - 1] == ' ')
            length--;
        if (length > 0 && from < rest + n) {
            char *path = strndup(from, length);
            rc = path ? add_path(l, path, err)
                      : fail(err, SPARROW_NO_MEMORY, "models.path: no memory");
            free(path);
        }
        rest += n + (rest[n] == ',');
    }
    return rc;
}

/* A set that holds one model needs no default: people who bring their own should not have to name
 * it twice. */
static int choose_default(struct model_set *set, const struct config *config,
                          struct sparrow_error *err)
{
    if (set->count == 0)
        return fail(err, SPARROW_CONFIG, "models.path: no model (*.sparrow) in %.100s",
                    *config->models_path ? config->models_path : MODEL_FOLDER);
    const struct model_entry *e = model_set_find(set, config->models_default);
    if (!e && set->count > 1)
        return fail(err, SPARROW_CONFIG, "models.default: no model is named '%.100s'",
                    config->models_default);
    set->default_index = e ? e->index : 0;
    return 0;
}

static int load_set(struct models *m, const struct config *config, struct model_set *before,
                    struct model_set **ret_set, struct sparrow_error *err)
{
    struct loading l = {
        .models = m, .config = config, .before = before, .set = calloc(1, sizeof *l.set)};
    if (!l.set)
        return fail(err, SPARROW_NO_MEMORY, "no memory for models");
    atomic_init(&l.set->refs, 1);
    int rc = add_paths(&l, err);
    if (rc == 0)
        rc = choose_default(l.set, config, err);
    if (rc < 0) {
        model_set_unref(l.set);
        return rc;
    }
    *ret_set = l.set;
    return 0;
}

static void log_set(struct models *m, const struct model_set *set)
{
    for (size_t i = 0; m->log && i < set->count; i++) {
        const struct sparrow_model *model = set->entries[i].model;
        log_event(m->log, LOG_INFO, "model loaded", "model", sparrow_model_name(model), "version",
                  sparrow_model_version(model), "kernels", sparrow_model_cpu(model), "digest",
                  sparrow_model_digest(model), "default", i == set->default_index ? "yes" : "no",
                  NULL);
    }
}

/* ---- metrics ---- */

static void write_keywords(void *arg, struct metrics_writer *w)
{
    struct model_set *set = models_current(arg);
    for (size_t i = 0; i < set->count; i++) {
        const struct model_entry *e = &set->entries[i];
        char name[128], label[256], labels[448];
        metrics_label(sparrow_model_name(e->model), name, sizeof name);
        for (size_t k = 0; k < sparrow_model_label_count(e->model); k++) {
            metrics_label(sparrow_model_label(e->model, k), label, sizeof label);
            snprintf(labels, sizeof labels, "model=\"%s\",keyword=\"%s\"", name, label);
            metrics_gauge(w, labels,
                          (double)atomic_load_explicit(&e->label_counts[k], memory_order_relaxed));
        }
    }
    model_set_unref(set);
}

static void write_models(void *arg, struct metrics_writer *w)
{
    struct model_set *set = models_current(arg);
    for (size_t i = 0; i < set->count; i++) {
        const struct sparrow_model *model = set->entries[i].model;
        char name[128], version[128], labels[448];
        metrics_label(sparrow_model_name(model), name, sizeof name);
        metrics_label(sparrow_model_version(model), version, sizeof version);
        snprintf(labels, sizeof labels, "model=\"%s\",version=\"%s\",digest=\"%.64s\"", name,
                 version, sparrow_model_digest(model));
        metrics_gauge(w, labels, 1);
    }
    model_set_unref(set);
}

/* ---- the current set ---- */

int models_new(const struct config *config, struct log *log, struct metrics *metrics,
               struct models **ret_models, struct sparrow_error *err)
{
    struct models *m = calloc(1, sizeof *m);
    if (!m)
        return fail(err, SPARROW_NO_MEMORY, "no memory for models");
    m->log = log;
    pthread_mutex_init(&m->lock, NULL);
    int rc = load_set(m, config, NULL, &m->current, err);
    if (rc == 0 && metrics &&
        (metrics_add_source(metrics, METRIC_KEYWORDS, write_keywords, m) < 0 ||
         metrics_add_source(metrics, METRIC_MODEL_INFO, write_models, m) < 0))
        rc = fail(err, SPARROW_NO_MEMORY, "no memory for metrics");
    if (rc < 0) {
        models_free(m);
        return rc;
    }
    atomic_init(&m->latest, m->current);
    log_set(m, m->current);
    *ret_models = m;
    return 0;
}

int models_reload(struct models *m, const struct config *config, struct sparrow_error *err)
{
    struct model_set *next = NULL, *before = models_current(m);
    int rc = load_set(m, config, before, &next, err);
    model_set_unref(before);
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&m->lock);
    before = m->current;
    m->current = next;
    atomic_store_explicit(&m->latest, next, memory_order_release);
    pthread_mutex_unlock(&m->lock);
    model_set_unref(before);
    log_set(m, next);
    return 0;
}

void models_free(struct models *m)
{
    if (!m)
        return;
    model_set_unref(m->current);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

struct model_set *models_current(struct models *m)
{
    pthread_mutex_lock(&m->lock);
    struct model_set *set = model_set_ref(m->current);
    pthread_mutex_unlock(&m->lock);
    return set;
}

/* A set that is kept cannot be freed, so none of the same address can be the latest: to compare is
 * enough. */
struct model_set *models_follow(struct models *m, struct model_set **kept)
{
    if (atomic_load_explicit(&m->latest, memory_order_acquire) != *kept) {
        model_set_unref(*kept);
        *kept = models_current(m);
    }
    return model_set_ref(*kept);
}
