/* worker.h - one thread of `sparrow bench`: the words it works on, and how long each step takes.
 * A worker and what it points to belong to one thread at a time; the words are shared.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_WORKER_H
#define CLIENTS_SPARROW_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clients/sparrow/model.h"
#include "clients/sparrow/wav.h"

#define WORKER_WORDS      64 /* words that differ */
#define WORKER_BATCH_MOST 64

/* Made-up words. All zero is none; worker_words_done() takes it. */
struct worker_words {
    int16_t *pcm[WORKER_WORDS];
    struct wav wav[WORKER_WORDS];
};

/* False: no memory. */
bool worker_words_make(struct worker_words *words, size_t samples);
void worker_words_done(struct worker_words *words);

struct worker {
    const struct model *model;
    const struct worker_words *words;
    struct sparrow_scratch *scratch;
    struct sparrow_audio *audio;
    uint8_t *features; /* of all words */
    int32_t *scores;   /* of WORKER_BATCH_MOST words */
    size_t at;         /* the word whose turn it is */
    size_t batch;      /* words that go through the network together: 1 to WORKER_BATCH_MOST */
    size_t keywords;   /* sum of the labels found, so that nobody leaves out the search for them */
};

/* Features of all words are made. The model and the words must outlive the worker. False: no
 * memory. */
bool worker_make(struct worker *worker, const struct model *model,
                 const struct worker_words *words);
void worker_done(struct worker *worker);

/* A step: the next worker->batch words. */
typedef void (*worker_step)(struct worker *worker);
void worker_features(struct worker *worker);
void worker_network(struct worker *worker);
void worker_keyword(struct worker *worker); /* from the bytes of WAV files to labels */

/* Microseconds a word: the shortest and the median of many samples. */
struct worker_time {
    double min_us, median_us;
};

/* One step after the other for so many seconds on each of `count` threads at once, each with its
 * worker and, if there are so many CPUs, a CPU of its own. ret_time is of all threads together: the
 * words of all in a microsecond, turned over. False: no memory, or no threads. */
bool worker_measure(struct worker *workers, size_t count, worker_step step, double seconds,
                    struct worker_time *ret_time);

#endif
