/* replica.c - what every replica does, whatever it is made of: run, account, test itself, be lost
 * and come back.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/schedule/replica.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/loop/lane.h"

#define AGEING     8  /* a new service time counts for one eighth */
#define FIRST_RUNS 3u /* of the known word: on a busy machine any one of them may be slow */
#define BATCH_NS                                                                                   \
    1000000u /* words that take longer than this together are not one call: answers would wait     \
                for each other, and the clock is looked at between calls only */

int replica_init(struct replica *r, const struct replica_backend *backend,
                 const struct replica_setup *setup, bool on_lane, struct sparrow_error *err)
{
    memset(r, 0, sizeof *r);
    r->id = setup->id;
    r->on_lane = on_lane;
    r->backend = backend;
    r->setup = *setup;
    r->setup.fault.at_word += FIRST_RUNS - 1; /* these count as one word */
    atomic_init(&r->up, REPLICA_STARTING);
    return backend->open(&r->setup, &r->state, err);
}

void replica_done(struct replica *r)
{
    r->backend->close(r->state);
    r->state = NULL;
    free(r->test_scores);
    r->test_scores = NULL;
}

int replica_reopen(struct replica *r)
{
    r->backend->close(r->state);
    r->state = NULL;
    r->setup.fault.kind = REPLICA_FAULT_NONE;
    return r->backend->open(&r->setup, &r->state, NULL);
}

enum replica_state replica_state(const struct replica *r)
{
    return (enum replica_state)atomic_load(&r->up);
}

bool replica_lose(struct replica *r, enum replica_state to)
{
    int up = REPLICA_UP;
    if (!atomic_compare_exchange_strong(&r->up, &up, to))
        return false;
    atomic_fetch_add(&r->epoch, 1);
    return true;
}

/* One writer: a load and a store do. */
static void add(_Atomic uint64_t *to, uint64_t n)
{
    atomic_store_explicit(to, atomic_load_explicit(to, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static uint64_t aged(uint64_t old, uint64_t word_ns)
{
    if (old && word_ns > 8 * old)
        word_ns = 8 * old; /* one hiccup is not a new price */
    uint64_t next = old ? old + word_ns / AGEING - old / AGEING : word_ns;
    return next ? next : 1;
}

static void learn(struct replica *r, uint64_t word_ns)
{
    uint64_t mean_ns = atomic_load_explicit(&r->service_ns, memory_order_relaxed);
    uint64_t quick_ns = atomic_load_explicit(&r->quick_ns, memory_order_relaxed);
    mean_ns = aged(mean_ns, word_ns);
    quick_ns = aged(word_ns < quick_ns ? 0 : quick_ns, word_ns);
    atomic_store_explicit(&r->service_ns, mean_ns, memory_order_relaxed);
    atomic_store_explicit(&r->quick_ns, quick_ns, memory_order_relaxed);
}

unsigned replica_batch(const struct replica *r, unsigned most)
{
    uint64_t service_ns = atomic_load_explicit(&r->service_ns, memory_order_relaxed);
    uint64_t words = service_ns ? BATCH_NS / service_ns : most;
    return words < 1 ? 1 : words > most ? most : (unsigned)words;
}

int replica_run(struct replica *r, const struct model_entry *entry, const uint8_t *const *features,
                size_t words, int32_t *scores, uint64_t *ret_ns)
{
    uint64_t began = lane_clock_ns();
    int rc = r->backend->run(r->state, entry, features, words, scores);
    uint64_t took = lane_clock_ns() - began;
    if (rc < 0) {
        if (rc != SPARROW_NO_MEMORY)
            replica_lose(r, REPLICA_DEAD);
        return rc;
    }
    add(&r->words, words);
    add(&r->busy_ns, took);
    learn(r, took / words);
    atomic_store_explicit(&r->ended_us, (began + took) / 1000u, memory_order_relaxed);
    if (ret_ns)
        *ret_ns = took;
    return 0;
}

static bool reserve_test_scores(struct replica *r, size_t labels)
{
    if (labels <= r->test_labels)
        return true;
    int32_t *scores = reallocarray(r->test_scores, labels, sizeof *scores);
    if (!scores)
        return false;
    r->test_scores = scores;
    r->test_labels = labels;
    return true;
}

static void log_test(const struct replica *r, struct log *log, enum log_level level,
                     const char *event, const char *model)
{
    char id[16];
    snprintf(id, sizeof id, "%u", r->id);
    if (log)
        log_event(log, level, event, "replica", id, "backend", r->backend->name, "model", model,
                  NULL);
}

/* Computes the known word and compares. *ret_ns: how long it took, at its quickest. */
static int run_known(struct replica *r, const struct model_entry *entry, size_t labels,
                     uint64_t *ret_ns)
{
    bool first = atomic_load_explicit(&r->service_ns, memory_order_relaxed) == 0;
    const uint8_t *word = entry->test_features;
    uint64_t least_ns = UINT64_MAX;
    for (unsigned left = first ? FIRST_RUNS : 1; left > 0; left--) {
        memset(r->test_scores, 0xa5, labels * sizeof *r->test_scores);
        uint64_t began = lane_clock_ns();
        int rc = r->backend->run(r->state, entry, &word, 1, r->test_scores);
        uint64_t took = lane_clock_ns() - began;
        if (rc < 0)
            return rc;
        r->wrong = memcmp(r->test_scores, entry->test_scores, labels * sizeof *r->test_scores) != 0;
        if (r->wrong)
            return SPARROW_BACKEND;
        least_ns = took < least_ns ? took : least_ns;
    }
    *ret_ns = least_ns;
    return 0;
}

bool replica_selftest(struct replica *r, struct model_set *set, uint64_t every_us, struct log *log)
{
    if (r->wrong || !r->state)
        return false;
    r->backend->keep(r->state, set);
    const struct model_entry *entry = r->test_next == 0
                                          ? model_set_find(set, NULL)
                                          : model_set_at(set, r->test_next % model_set_count(set));
    r->test_next = r->test_next + 1 < model_set_count(set) ? r->test_next + 1 : 0;
    const char *name = sparrow_model_name(entry->model);
    size_t labels = sparrow_model_label_count(entry->model);
    if (!reserve_test_scores(r, labels))
        return false;
    uint64_t took = 0;
    int rc = run_known(r, entry, labels, &took);
    if (rc == SPARROW_NO_MEMORY)
        return false;
    if (rc < 0) {
        if (!replica_lose(r, REPLICA_DEAD))
            atomic_store(&r->up, REPLICA_DEAD);
        log_test(r, log, LOG_ERROR,
                 r->wrong ? "replica computes wrong scores: out of service"
                          : "replica failed its self-test",
                 name);
        return false;
    }
    learn(r, took);
    atomic_store_explicit(&r->selftest_us, lane_clock_us(), memory_order_relaxed);
    atomic_store_explicit(&r->test_every_us, every_us, memory_order_release);
    int before = atomic_exchange(&r->up, REPLICA_UP);
    if (before == REPLICA_HUNG || before == REPLICA_DEAD)
        log_test(r, log, LOG_WARNING, "replica is back", name);
    return true;
}
