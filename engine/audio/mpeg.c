/* mpeg.c - MP3 (and layers 1 and 2), by libmpg123.
 *
 * Not through libsndfile, which uses the same library: there it prints a warning to stderr for each
 * damaged frame, so a client could fill the journal, and there is no way to tell it otherwise. Here
 * it is told.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/audio/mpeg.h"

#include <mpg123.h>

#include "engine/error.h"

#define MAX_BYTES_PER_SECOND 56000  /* layer 1 at 448 kbit/s */
#define MAX_TAG_BYTES        262144 /* tags behind the frames */
#define FEED_BYTES           16384
#define RESYNC_BYTES         4096 /* of garbage to skip before giving up */

static int failed(enum sparrow_status status, const char *text, struct sparrow_error *err)
{
    return sp_error_set(err, status, "%s", text);
}

/* 16-bit samples at the stream's own rate and channels, nothing else. */
static bool want_s16(mpg123_handle *decoder)
{
    const long *rates;
    size_t count;
    mpg123_rates(&rates, &count);
    bool fine = mpg123_format_none(decoder) == MPG123_OK;
    for (size_t i = 0; fine && i < count; i++)
        fine = mpg123_format(decoder, rates[i], MPG123_MONO | MPG123_STEREO,
                             MPG123_ENC_SIGNED_16) == MPG123_OK;
    return fine;
}

static int open_decoder(mpg123_handle **ret_decoder, struct sparrow_error *err)
{
    mpg123_handle *decoder = mpg123_new(NULL, NULL);
    if (decoder == NULL)
        return failed(SPARROW_NO_MEMORY, "Out of memory for the MPEG audio decoder.", err);
    long flags = MPG123_QUIET | MPG123_GAPLESS | MPG123_SKIP_ID3V2 | MPG123_NO_FRANKENSTEIN;
    if (mpg123_param(decoder, MPG123_ADD_FLAGS, flags, 0) != MPG123_OK ||
        mpg123_param(decoder, MPG123_REMOVE_FLAGS, MPG123_AUTO_RESAMPLE, 0) != MPG123_OK ||
        mpg123_param(decoder, MPG123_RESYNC_LIMIT, RESYNC_BYTES, 0) != MPG123_OK ||
        !want_s16(decoder) || mpg123_open_feed(decoder) != MPG123_OK) {
        mpg123_delete(decoder);
        return failed(SPARROW_INTERNAL, "The MPEG audio decoder does not start.", err);
    }
    *ret_decoder = decoder;
    return SPARROW_OK;
}

/* The decoder has met its first frame, or one of another kind. Only the first may say what the clip
 * is. */
static int take_format(mpg123_handle *decoder, struct sparrow_audio *audio,
                       struct sparrow_error *err)
{
    long rate;
    int channels, encoding;
    if (mpg123_getformat(decoder, &rate, &channels, &encoding) != MPG123_OK || rate < 0 ||
        rate > INT32_MAX || channels < 1 || encoding != MPG123_ENC_SIGNED_16)
        return failed(SPARROW_BAD_AUDIO, "The MPEG audio stream is damaged.", err);
    if (audio->rate_hz == 0)
        return sp_audio_begin(audio, "mpeg", NULL, (unsigned)rate, (unsigned)channels, err);
    if (audio->rate_hz != (unsigned)rate || audio->channels != (unsigned)channels)
        return failed(SPARROW_BAD_AUDIO,
                      "The MPEG audio stream changes its rate or its channels in the middle.", err);
    return SPARROW_OK;
}

/* Everything that can be decoded from what was fed. *ret_more: the decoder would take more. */
static int drain(mpg123_handle *decoder, struct sparrow_audio *audio, struct sp_audio_work *work,
                 bool *ret_more, struct sparrow_error *err)
{
    for (;;) {
        /* before the first frame the channels are unknown; then nothing is written */
        unsigned channels = audio->channels > 0 ? audio->channels : 1;
        size_t room = SP_AUDIO_SLICE_FRAMES * channels * sizeof(work->samples[0]);
        size_t given = 0;
        int result = mpg123_read(decoder, (void *)work->samples, room, &given);
        size_t frames = given / (channels * sizeof(work->samples[0]));
        int status = SPARROW_OK;
        if (frames > 0 && audio->rate_hz != 0)
            status = sp_audio_put(audio, work->samples, frames, err);
        if (status == SPARROW_OK && result == MPG123_NEW_FORMAT)
            status = take_format(decoder, audio, err);
        if (status != SPARROW_OK)
            return status;
        if (result != MPG123_OK && result != MPG123_NEW_FORMAT) {
            *ret_more = result == MPG123_NEED_MORE;
            return SPARROW_OK;
        }
    }
}

static int decode(mpg123_handle *decoder, const struct sp_input *in, struct sparrow_audio *audio,
                  struct sparrow_error *err)
{
    struct sp_audio_work *work = sp_audio_work(audio);
    if (work == NULL)
        return failed(SPARROW_NO_MEMORY, "Out of memory for a slice of samples.", err);
    bool more = true;
    for (size_t at = 0; more && at < in->n; at += FEED_BYTES) {
        size_t n = in->n - at < FEED_BYTES ? in->n - at : FEED_BYTES;
        if (mpg123_feed(decoder, in->bytes + at, n) != MPG123_OK)
            break;
        int status = sp_audio_poll(audio, err);
        if (status == SPARROW_OK)
            status = drain(decoder, audio, work, &more, err);
        if (status != SPARROW_OK)
            return status;
    }
    if (audio->frames == 0)
        return failed(SPARROW_BAD_AUDIO, "The MPEG audio stream has no frame that can be decoded.",
                      err);
    return SPARROW_OK;
}

int sp_mpeg_decode(const struct sp_input *in, struct sparrow_audio *audio,
                   struct sparrow_error *err)
{
    if ((double)in->n > audio->max_seconds * MAX_BYTES_PER_SECOND + MAX_TAG_BYTES)
        return sp_audio_too_long(audio, err);
    mpg123_handle *decoder = NULL;
    int status = open_decoder(&decoder, err);
    if (status != SPARROW_OK)
        return status;
    status = decode(decoder, in, audio, err);
    mpg123_delete(decoder);
    return status;
}
