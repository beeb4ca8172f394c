/* test_memory.c - when the decoder allocates, and what happens when it cannot.
 * Linked with -Wl,--wrap for malloc, calloc and realloc: calls from our own objects are counted
 * here, those inside shared libraries are not.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/sparrow.h"

#include <string.h>

#include "tests/unit/audio/clip.h"
#include "tests/unit/audio/run.h"

static unsigned calls;
static unsigned fail_at; /* 0: never */

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *old, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *old, size_t n);

static bool fails(void)
{
    return ++calls == fail_at;
}

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t n)
{
    return fails() ? NULL : __real_calloc(count, n);
}

void *__wrap_realloc(void *old, size_t n)
{
    return fails() ? NULL : __real_realloc(old, n);
}

static struct clip tone(uint32_t rate_hz, unsigned seconds, unsigned channels)
{
    size_t n = (size_t)rate_hz * seconds;
    int16_t *samples = calloc(n * channels, 2);
    ck_assert_ptr_nonnull(samples);
    clip_tone(samples, n * channels, 440, rate_hz, 9000);
    struct clip c = {.n = 0};
    clip_wav16(&c, channels, rate_hz, samples, n);
    free(samples);
    return c;
}

START_TEST(decode_16_khz_mono_into_a_buffer_that_is_large_enough_allocates_nothing)
{
    struct clip longer = tone(16000, 2, 1), shorter = tone(16000, 1, 1);
    struct sparrow_audio *audio;
    ck_assert_int_eq(sparrow_audio_new(&audio, NULL), SPARROW_OK);
    calls = 0;
    int status = sparrow_audio_decode(audio, longer.bytes, longer.n, NULL, NULL);
    unsigned first = calls;
    ck_assert_int_eq(status, SPARROW_OK);
    ck_assert_uint_eq(first, 1); /* the buffer is made: the counter works */
    const int16_t *samples = sparrow_audio_samples(audio);
    struct sparrow_audio_options opt = {.size = sizeof(opt), .media_type = "audio/l16;rate=16000"};
    struct sparrow_error err;
    calls = 0;
    bool fine = true;
    for (int i = 0; i < 10;
         i++) { /* no ck_assert here: Check itself allocates, and is linked statically */
        fine &= sparrow_audio_decode(audio, shorter.bytes, shorter.n, NULL, NULL) == SPARROW_OK;
        fine &= sparrow_audio_decode(audio, longer.bytes, longer.n, NULL, &err) == SPARROW_OK;
        fine &= sparrow_audio_decode(audio, shorter.bytes, shorter.n, &opt, &err) == SPARROW_OK;
        fine &= sparrow_audio_decode(audio, shorter.bytes, 20, NULL, &err) == SPARROW_BAD_AUDIO;
        fine &= sparrow_audio_is_cheap(shorter.bytes, shorter.n, NULL, 1);
    }
    unsigned counted = calls;
    ck_assert_uint_eq(counted, 0);
    ck_assert(fine);
    ck_assert_ptr_eq(sparrow_audio_samples(audio), samples);
    sparrow_audio_free(audio);
    clip_done(&longer);
    clip_done(&shorter);
}
END_TEST

START_TEST(new_and_decode_out_of_memory_anywhere_say_so)
{
    struct clip clips[4] = {tone(16000, 3, 1), tone(8000, 3, 2), tone(48000, 3, 1), {.n = 0}};
    clip_file(&clips[3], "tests/data/audio/yes.flac");
    struct clip mp3 = {.n = 0};
    clip_file(&mp3, "tests/data/audio/yes.mp3");
    struct sparrow_error err = {.status = SPARROW_OK};
    struct sparrow_audio *audio = NULL;
    calls = 0;
    fail_at = 1;
    int made = sparrow_audio_new(&audio, &err);
    ck_assert_int_eq(made, SPARROW_NO_MEMORY);
    ck_assert_ptr_null(audio);
    for (size_t i = 0; i < 5; i++) {
        struct clip *c = i < 4 ? &clips[i] : &mp3;
        unsigned failures = 0;
        for (unsigned at = 1;; at++) {
            fail_at = 0;
            ck_assert_int_eq(sparrow_audio_new(&audio, NULL), SPARROW_OK);
            calls = 0;
            fail_at = at;
            int status = sparrow_audio_decode(audio, c->bytes, c->n, NULL, &err);
            unsigned counted = calls;
            fail_at = 0;
            if (status == SPARROW_OK) {
                ck_assert_uint_lt(counted, at);
                sparrow_audio_free(audio);
                break;
            }
            failures++;
            ck_assert_int_eq(status, SPARROW_NO_MEMORY);
            ck_assert_int_eq(err.status, SPARROW_NO_MEMORY);
            ck_assert_uint_eq(sparrow_audio_count(audio), 0);
            ck_assert_int_eq(sparrow_audio_decode(audio, c->bytes, c->n, NULL, &err), SPARROW_OK);
            sparrow_audio_free(audio);
        }
        ck_assert_uint_ge(failures, 1);
        clip_done(c);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        decode_16_khz_mono_into_a_buffer_that_is_large_enough_allocates_nothing,
        new_and_decode_out_of_memory_anywhere_say_so,
    };
    return RUN_TESTS("memory", tests);
}
