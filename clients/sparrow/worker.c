/* worker.c - one thread of `sparrow bench`: the words it works on, and how long each step takes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clients/sparrow/worker.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "clients/sparrow/clock.h"
#include "clients/sparrow/machine.h"

/* A sample of time is at least so long, so that the clock's own cost does not count. */
#define SAMPLE_NS    200000u
#define MOST_SAMPLES 20000

/* Words that differ: tones that glide, under noise. What they say does not matter, that their
 * activations are alive does. */
static void make_word(int16_t *pcm, size_t count, uint32_t seed)
{
    double phase = 0;
    for (size_t i = 0; i < count; i++) {
        double t = (double)i / (double)count;
        seed = seed * 1664525u + 1013904223u;
        phase += (150.0 + 40.0 * (double)(seed % 7 == 0) + 2500.0 * t * (1 - t)) / 16000.0;
        double loud = sin(3.141592653589793 * t);
        double noise = (double)(int32_t)seed / 2147483648.0;
        pcm[i] = (int16_t)(9000 * loud * sin(6.283185307179586 * phase) + 1200 * noise);
    }
}

bool worker_words_make(struct worker_words *words, size_t samples)
{
    for (size_t i = 0; i < WORKER_WORDS; i++) {
        words->pcm[i] = calloc(samples, sizeof(int16_t));
        if (!words->pcm[i])
            return false;
        make_word(words->pcm[i], samples, (uint32_t)i * 7919u + 1);
        if (!wav_make(&words->wav[i], words->pcm[i], samples))
            return false;
    }
    return true;
}

void worker_words_done(struct worker_words *words)
{
    for (size_t i = 0; i < WORKER_WORDS; i++) {
        free(words->pcm[i]);
        wav_done(&words->wav[i]);
    }
    *words = (struct worker_words){0};
}

bool worker_make(struct worker *worker, const struct model *model, const struct worker_words *words)
{
    *worker = (struct worker){.model = model, .words = words, .batch = 1};
    worker->features = calloc(WORKER_WORDS, model->word_bytes);
    worker->scores = calloc(WORKER_BATCH_MOST * model->labels, sizeof(*worker->scores));
    if (!worker->features || !worker->scores ||
        sparrow_scratch_new(model->engine, &worker->scratch, NULL) < 0 ||
        sparrow_audio_new(&worker->audio, NULL) < 0) {
        worker_done(worker);
        return false;
    }
    for (size_t i = 0; i < WORKER_WORDS; i++)
        worker_features(worker);
    return true;
}

void worker_done(struct worker *worker)
{
    free(worker->features);
    free(worker->scores);
    sparrow_scratch_free(worker->scratch);
    sparrow_audio_free(worker->audio);
    *worker = (struct worker){0};
}

/* ---- the steps ---- */

static size_t word_at(const struct worker *w, size_t i)
{
    return (w->at + i) % WORKER_WORDS;
}

static uint8_t *features_at(const struct worker *w, size_t i)
{
    return w->features + word_at(w, i) * w->model->word_bytes;
}

void worker_features(struct worker *w)
{
    for (size_t i = 0; i < w->batch; i++)
        sparrow_features(w->model->engine, w->scratch, w->words->pcm[word_at(w, i)],
                         w->model->word_samples, features_at(w, i));
    w->at = word_at(w, w->batch);
}

static void run_network(struct worker *w)
{
    const uint8_t *rows[WORKER_BATCH_MOST];
    for (size_t i = 0; i < w->batch; i++)
        rows[i] = features_at(w, i);
    sparrow_run(w->model->engine, w->scratch, rows, w->batch, w->scores);
}

void worker_network(struct worker *w)
{
    run_network(w);
    w->at = word_at(w, w->batch);
}

void worker_keyword(struct worker *w)
{
    struct sparrow_audio_options options = {
        .size = sizeof(options), .media_type = "audio/wav", .borrow = true};
    for (size_t i = 0; i < w->batch; i++) {
        const struct wav *wav = &w->words->wav[word_at(w, i)];
        if (sparrow_audio_decode(w->audio, wav->data, wav->count, &options, NULL) < 0)
            return; /* never: they are ours */
        sparrow_features(w->model->engine, w->scratch, sparrow_audio_samples(w->audio),
                         sparrow_audio_count(w->audio), features_at(w, i));
    }
    run_network(w);
    for (size_t i = 0; i < w->batch; i++)
        w->keywords += model_best(w->model, w->scores + i * w->model->labels);
    w->at = word_at(w, w->batch);
}

/* ---- measuring ---- */

struct job {
    struct worker *worker;
    worker_step step;
    double seconds;
    size_t cpu;
    bool pinned;
    double *samples; /* microseconds a word */
    size_t count;
};

static uint64_t time_rounds(const struct job *job, size_t rounds)
{
    uint64_t begin = clock_now_ns();
    for (size_t i = 0; i < rounds; i++)
        job->step(job->worker);
    return clock_now_ns() - begin;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void *run_job(void *arg)
{
    struct job *job = arg;
    if (job->pinned)
        machine_pin(job->cpu);
    time_rounds(job, WORKER_WORDS / job->worker->batch + 1); /* into the caches */
    size_t rounds = 1;
    while (rounds < 1u << 20 && time_rounds(job, rounds) < SAMPLE_NS)
        rounds *= 2;
    double words = (double)(rounds * job->worker->batch);
    uint64_t end = clock_now_ns() + (uint64_t)(job->seconds * 1e9);
    do
        job->samples[job->count++] = (double)time_rounds(job, rounds) / 1e3 / words;
    while (job->count < MOST_SAMPLES && clock_now_ns() < end);
    qsort(job->samples, job->count, sizeof(*job->samples), by_value);
    return NULL;
}

/* Each on a thread of its own, since one that was tied to a CPU stays there. */
static bool run_jobs(struct job *jobs, size_t count)
{
    pthread_t *threads = calloc(count, sizeof(*threads));
    size_t started = 0;
    while (threads && started < count &&
           pthread_create(&threads[started], NULL, run_job, &jobs[started]) == 0)
        started++;
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    return started == count;
}

bool worker_measure(struct worker *workers, size_t count, worker_step step, double seconds,
                    struct worker_time *ret_time)
{
    struct job *jobs = calloc(count, sizeof(*jobs));
    double *samples = calloc(count, MOST_SAMPLES * sizeof(*samples));
    bool ok = jobs && samples;
    for (size_t i = 0; ok && i < count; i++)
        jobs[i] = (struct job){.worker = &workers[i],
                               .step = step,
                               .seconds = seconds,
                               .cpu = i,
                               .pinned = count <= machine_cpus(),
                               .samples = samples + i * MOST_SAMPLES};
    ok = ok && run_jobs(jobs, count);
    double fastest = 0, usual = 0;
    for (size_t i = 0; ok && i < count; i++) {
        fastest += 1 / jobs[i].samples[0];
        usual += 1 / jobs[i].samples[jobs[i].count / 2];
    }
    if (ok)
        *ret_time = (struct worker_time){1 / fastest, 1 / usual};
    free(samples);
    free(jobs);
    return ok;
}
