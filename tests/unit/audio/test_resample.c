/* test_resample.c - rates to 16 kHz: right length, right place in time, right sound; the same again
 * when used again.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/sparrow.h"

#include <math.h>
#include <string.h>

#include "tests/unit/audio/clip.h"
#include "tests/unit/audio/run.h"

static const uint32_t rates[] = {4000,  6000,  7999,  8000,  11025, 12000, 16000,  22050,
                                 24000, 32000, 44100, 48000, 88200, 96000, 176400, 192000};
#define RATE_COUNT (sizeof(rates) / sizeof(rates[0]))

static struct sparrow_audio *new_audio(void)
{
    struct sparrow_audio *audio;
    ck_assert_int_eq(sparrow_audio_new(&audio, NULL), SPARROW_OK);
    return audio;
}

/* One second of 600 Hz in `channels` channels (each of its own loudness) through the whole decoder.
 */
static void decode_tone(struct sparrow_audio *audio, uint32_t rate_hz, unsigned channels)
{
    int16_t *mono = calloc(rate_hz, 2), *all = calloc((size_t)rate_hz * channels, 2);
    ck_assert(mono != NULL && all != NULL);
    for (unsigned c = 0; c < channels; c++) {
        clip_tone(mono, rate_hz, 600, rate_hz, 8000.0 * 2 * (c + 1) / (channels + 1));
        for (size_t i = 0; i < rate_hz; i++)
            all[i * channels + c] = mono[i];
    }
    struct clip c = {.n = 0};
    clip_wav16(&c, channels, rate_hz, all, rate_hz);
    struct sparrow_error err = {.text = ""};
    int status = sparrow_audio_decode(audio, c.bytes, c.n, NULL, &err);
    ck_assert_msg(status == SPARROW_OK, "%u Hz, %u channels: %s", rate_hz, channels, err.text);
    clip_done(&c);
    free(all);
    free(mono);
}

START_TEST(decode_any_rate_and_channels_gives_the_tone_where_it_was)
{
    int16_t expected[16000];
    clip_tone(expected, 16000, 600, 16000, 8000);
    struct sparrow_audio *audio = new_audio();
    for (size_t i = 0; i < RATE_COUNT; i++) {
        for (unsigned channels = 1; channels <= 8; channels += 1 + channels / 3) {
            decode_tone(audio, rates[i], channels);
            ck_assert_uint_eq(sparrow_audio_rate_hz(audio), rates[i]);
            ck_assert_uint_eq(sparrow_audio_channels(audio), channels);
            size_t count = sparrow_audio_count(audio);
            ck_assert_msg(count == 16000, "%u Hz: %zu samples", rates[i], count);
            double db = clip_snr_db(expected + 800, sparrow_audio_samples(audio) + 800, 14400);
            ck_assert_msg(db > 70, "%u Hz, %u channels: %.1f dB", rates[i], channels, db);
        }
    }
    sparrow_audio_free(audio);
}
END_TEST

START_TEST(decode_again_and_between_other_rates_is_the_same_to_the_bit)
{
    int16_t first[16000];
    struct sparrow_audio *audio = new_audio();
    decode_tone(audio, 48000, 1);
    memcpy(first, sparrow_audio_samples(audio), sizeof(first));
    static const uint32_t between[] = {48000, 44100, 16000, 48000, 8000};
    for (size_t i = 0; i < 5; i++) {
        decode_tone(audio, between[i], 1);
        decode_tone(audio, 48000, 1);
        ck_assert_mem_eq(sparrow_audio_samples(audio), first, sizeof(first));
    }
    sparrow_audio_free(audio);
}
END_TEST

static int stop_at_fifth(void *arg)
{
    return ++*(int *)arg == 5;
}

START_TEST(decode_after_a_cancelled_clip_hears_nothing_of_it)
{
    int16_t first[16000];
    struct sparrow_audio *audio = new_audio();
    decode_tone(audio, 8000, 1);
    memcpy(first, sparrow_audio_samples(audio), sizeof(first));
    int16_t loud[24000];
    memset(loud, 0x7f, sizeof(loud));
    struct clip c = {.n = 0};
    clip_wav16(&c, 1, 8000, loud, 24000);
    int calls = 0;
    struct sparrow_audio_options opt = {
        .size = sizeof(opt), .interrupt = stop_at_fifth, .interrupt_arg = &calls};
    ck_assert_int_eq(sparrow_audio_decode(audio, c.bytes, c.n, &opt, NULL), SPARROW_CANCELLED);
    ck_assert_int_eq(calls, 5);
    clip_done(&c);
    decode_tone(audio, 8000, 1);
    ck_assert_mem_eq(sparrow_audio_samples(audio), first, sizeof(first));
    sparrow_audio_free(audio);
}
END_TEST

START_TEST(decode_loud_clips_saturate_and_do_not_wrap)
{
    struct sparrow_audio *audio = new_audio();
    int16_t square[48000];
    for (size_t i = 0; i < 48000; i++)
        square[i] = i / 48 % 2 ? INT16_MIN : INT16_MAX;
    struct clip c = {.n = 0};
    clip_wav16(&c, 1, 48000, square, 48000);
    ck_assert_int_eq(sparrow_audio_decode(audio, c.bytes, c.n, NULL, NULL), SPARROW_OK);
    clip_done(&c);
    const int16_t *out = sparrow_audio_samples(audio);
    for (size_t i = 4; i < 16000 - 4; i++) /* away from an edge the sign is the square's */
        if (i % 16 >= 3 && i % 16 <= 13)
            ck_assert_msg((out[i] < 0) == (i / 16 % 2 == 1), "sample %zu: %d", i, out[i]);
    sparrow_audio_free(audio);
}
END_TEST

START_TEST(decode_very_short_clips_of_any_rate_have_samples)
{
    struct sparrow_audio *audio = new_audio();
    for (size_t i = 0; i < RATE_COUNT; i++) {
        for (size_t frames = 1; frames < 60; frames += 7) {
            int16_t samples[60] = {100, 200, 300};
            struct clip c = {.n = 0};
            clip_wav16(&c, 1, rates[i], samples, frames);
            int status = sparrow_audio_decode(audio, c.bytes, c.n, NULL, NULL);
            double exact = (double)frames * 16000 / rates[i];
            if (status == SPARROW_OK)
                ck_assert_double_eq_tol((double)sparrow_audio_count(audio), exact, 1.0);
            else
                ck_assert_msg(status == SPARROW_BAD_AUDIO && exact <= 0.5, "%u Hz, %zu frames: %d",
                              rates[i], frames, status);
            clip_done(&c);
        }
    }
    sparrow_audio_free(audio);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        decode_any_rate_and_channels_gives_the_tone_where_it_was,
        decode_again_and_between_other_rates_is_the_same_to_the_bit,
        decode_after_a_cancelled_clip_hears_nothing_of_it,
        decode_loud_clips_saturate_and_do_not_wrap,
        decode_very_short_clips_of_any_rate_have_samples,
    };
    return RUN_TESTS("resample", tests);
}
