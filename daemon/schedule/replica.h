/* replica.h - one replica: the table of functions that a back end fills, and what schedule and
 * health know of each. A back end knows words: features in, scores out. It never sees requests,
 * lanes or queues.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_SCHEDULE_REPLICA_H
#define DAEMON_SCHEDULE_REPLICA_H

#include <stdatomic.h>

#include "daemon/schedule/replicas.h"

/* What a test asks of a replica: at its at_word-th word it dies, or hangs for `seconds` (0: for
 * ever). The known word is its first, however often it is computed at the start. */
struct replica_fault {
    enum { REPLICA_FAULT_NONE, REPLICA_FAULT_DIE, REPLICA_FAULT_HANG } kind;
    uint64_t at_word;
    double seconds;
};

/* Words in one call of a back end, at most: what replicas.batch may be set to. */
#define REPLICA_BATCH 16u

struct replica_setup {
    unsigned id;
    double word_cost_s; /* each word takes at least this long */
    struct replica_fault fault;
};

/* All but open are called by the replica's own thread, one at a time. */
struct replica_backend {
    const char *name;   /* "cpu" */
    const char *device; /* "cpu0": the one with the power sensor */
    int (*open)(const struct replica_setup *setup, void **ret_state, struct sparrow_error *err);
    /* Computes `words` words; returns when their scores are written. SPARROW_BACKEND: it is lost,
     * close it. SPARROW_NO_MEMORY. */
    int (*run)(void *state, const struct model_entry *entry, const uint8_t *const *features,
               size_t words, int32_t *scores);
    /* Lets go of the memory for all other sets. */
    void (*keep)(void *state, const struct model_set *set);
    void (*close)(void *state); /* takes NULL */
};

/* Written by the replica's thread and by whoever finds it hung; read by all. */
struct replica {
    unsigned id;
    bool on_lane;
    const struct replica_backend *backend;
    struct replica_setup setup;

    /* the replica's thread */
    _Alignas(64) void *state;
    int32_t *test_scores; /* room for the known word's answer */
    size_t test_labels, test_next;
    bool wrong; /* it once computed wrong scores: never trusted again */

    /* written by the replica's thread, read by others */
    _Alignas(64) _Atomic uint64_t words;
    _Atomic uint64_t busy_ns;
    _Atomic uint64_t selftest_us;
    _Atomic uint64_t
        test_every_us;           /* the interval when it was tested: it holds until the next test */
    _Atomic uint64_t service_ns; /* of a word, an ageing mean; 0: not known */
    _Atomic uint64_t quick_ns; /* of a word, what the quick ones of late took: at most what the last
                                  one did; 0: not known */
    _Atomic uint64_t ended_us; /* when it was done with words last */
    _Atomic uint64_t began_us; /* since when it works without progress; 0: it has nothing to do */

    /* written by others too */
    _Alignas(64) _Atomic int up; /* enum replica_state */
    _Atomic uint64_t
        epoch; /* one more each time it is lost: jobs sent before belong to others now */
    _Atomic unsigned load; /* words sent to it that it has not let go of */
};

int replica_init(struct replica *r, const struct replica_backend *backend,
                 const struct replica_setup *setup, bool on_lane, struct sparrow_error *err);
void replica_done(struct replica *r);
/* Opens the back end anew, without the test's fault: after a loss. */
int replica_reopen(struct replica *r);

/* How many words make one call, `most` at most (1 .. REPLICA_BATCH): enough to share its cost, few
 * enough that the first answer does not wait long for the last, nor a lane's loop for both. [any
 * thread] */
unsigned replica_batch(const struct replica *r, unsigned most);

/* Computes words on the calling thread and keeps the books: words, busy time, service time. *ret_ns
 * (may be NULL): how long it took. On failure the replica is lost (replica_lose), unless it is
 * SPARROW_NO_MEMORY. */
int replica_run(struct replica *r, const struct model_entry *entry, const uint8_t *const *features,
                size_t words, int32_t *scores, uint64_t *ret_ns);

/* Computes the known word of the next model of the set and compares; after that it is up, or dead.
 * The first time it does so several times, to learn what a word takes. every_us: when the next test
 * will come. True: right. */
bool replica_selftest(struct replica *r, struct model_set *set, uint64_t every_us, struct log *log);

enum replica_state replica_state(const struct replica *r);
/* From up to hung or dead. True for the one caller who did it. */
bool replica_lose(struct replica *r, enum replica_state to);

#endif
