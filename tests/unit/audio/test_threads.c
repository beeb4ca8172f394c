/* test_threads.c - one object each, many at once: the libraries behind us keep nothing between them
 * that shows.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/sparrow.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/audio/clip.h"
#include "tests/unit/audio/run.h"

enum { THREADS = 4, ROUNDS = 6, FILES = 9 };

static const char *const names[FILES] = {
    "yes.flac",          "yes.ogg",  "yes.opus", "yes.mp3",  "yes-44k-stereo-id3.mp3",
    "extensible-24.wav", "pipe.wav", "rf64.wav", "rifx.wav",
};

struct expected {
    struct clip file;
    int16_t samples[16000];
    size_t count;
};

static struct expected expected[FILES];

struct worker {
    pthread_t thread;
    unsigned first; /* each begins with another file */
    unsigned wrong;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    struct sparrow_audio *audio = NULL;
    w->wrong = sparrow_audio_new(&audio, NULL) != SPARROW_OK;
    for (unsigned i = 0; w->wrong == 0 && i < ROUNDS * FILES; i++) {
        const struct expected *e = &expected[(i + w->first) % FILES];
        struct sparrow_error err;
        bool fine =
            sparrow_audio_decode(audio, e->file.bytes, e->file.n, NULL, &err) == SPARROW_OK &&
            sparrow_audio_count(audio) == e->count &&
            memcmp(sparrow_audio_samples(audio), e->samples, 2 * e->count) == 0;
        /* failures at once with the others' work: their texts and states are no one else's */
        bool refused = sparrow_audio_decode(audio, e->file.bytes, 20, NULL, &err) != SPARROW_OK &&
                       err.text[0] != '\0';
        w->wrong += !fine || !refused;
    }
    sparrow_audio_free(audio);
    return NULL;
}

START_TEST(decode_in_four_threads_gives_each_what_one_alone_gives)
{
    struct sparrow_audio *audio;
    ck_assert_int_eq(sparrow_audio_new(&audio, NULL), SPARROW_OK);
    for (size_t i = 0; i < FILES; i++) {
        char path[64];
        snprintf(path, sizeof(path), "tests/data/audio/%s", names[i]);
        clip_file(&expected[i].file, path);
        ck_assert_int_eq(
            sparrow_audio_decode(audio, expected[i].file.bytes, expected[i].file.n, NULL, NULL),
            SPARROW_OK);
        expected[i].count = sparrow_audio_count(audio);
        ck_assert_uint_le(expected[i].count, 16000);
        memcpy(expected[i].samples, sparrow_audio_samples(audio), 2 * expected[i].count);
    }
    sparrow_audio_free(audio);
    struct worker workers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.first = i};
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    for (unsigned i = 0; i < THREADS; i++)
        ck_assert_uint_eq(workers[i].wrong, 0);
    for (size_t i = 0; i < FILES; i++)
        clip_done(&expected[i].file);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {decode_in_four_threads_gives_each_what_one_alone_gives};
    return RUN_TESTS("threads", tests);
}
