/* decode.c - one clip from bytes to samples: options, choice of the format, and the rule that
 * failure leaves nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "engine/audio/audio.h"
#include "engine/audio/format.h"
#include "engine/error.h"

#define DEFAULT_MAX_SECONDS 60.0

/* The caller's options in this library's size: an older caller's shorter ones are filled up with
 * zeros. */
static int read_options(const struct sparrow_audio_options *opt,
                        struct sparrow_audio_options *ret_options, struct sparrow_error *err)
{
    *ret_options = (struct sparrow_audio_options){.size = sizeof(*ret_options)};
    if (opt != NULL) {
        if (opt->size < sizeof(opt->size))
            return sp_error_set(err, SPARROW_BAD_ARGUMENT,
                                "The size of the audio options is not set.");
        memcpy(ret_options, opt, opt->size < sizeof(*opt) ? opt->size : sizeof(*opt));
    }
    if (ret_options->max_seconds == 0)
        ret_options->max_seconds = DEFAULT_MAX_SECONDS;
    if (!(ret_options->max_seconds > 0 && ret_options->max_seconds <= SP_AUDIO_MAX_SECONDS))
        return sp_error_set(err, SPARROW_BAD_ARGUMENT, "max_seconds is %g; up to %d are allowed.",
                            ret_options->max_seconds, SP_AUDIO_MAX_SECONDS);
    return SPARROW_OK;
}

static void empty(struct sparrow_audio *audio)
{
    audio->count = 0;
    audio->borrowed = NULL;
    audio->format[0] = '\0';
    audio->rate_hz = audio->channels = 0;
    audio->frames = 0;
    audio->interrupt = NULL;
    audio->interrupt_arg = NULL;
}

static int decode(struct sparrow_audio *audio, const void *bytes, size_t n, const char *media_type,
                  struct sparrow_error *err)
{
    struct sp_media media;
    struct sp_input in;
    const struct sp_format *format;
    struct sp_pcm pcm = {.coding = NULL};
    int status = sp_format_find(media_type, bytes, n, &media, &in, &format, err);
    if (status == SPARROW_OK && format->open != NULL)
        status = format->open(&in, &pcm, err);
    if (status == SPARROW_OK)
        status = pcm.coding != NULL ? sp_audio_put_pcm(audio, format->name, &pcm, err)
                                    : format->decode(&in, audio, err);
    return status == SPARROW_OK ? sp_audio_end(audio, err) : status;
}

int sparrow_audio_decode(struct sparrow_audio *audio, const void *bytes, size_t n,
                         const struct sparrow_audio_options *opt, struct sparrow_error *err)
{
    struct sparrow_audio_options options;
    empty(audio);
    int status = read_options(opt, &options, err);
    if (status != SPARROW_OK)
        return status;
    audio->max_seconds = options.max_seconds;
    audio->borrow = options.borrow;
    audio->interrupt = options.interrupt;
    audio->interrupt_arg = options.interrupt_arg;
    status = decode(audio, bytes, n, options.media_type, err);
    audio->interrupt = NULL; /* the caller's: not ours to keep */
    audio->interrupt_arg = NULL;
    if (status != SPARROW_OK)
        empty(audio);
    return status;
}

bool sparrow_audio_is_cheap(const void *bytes, size_t n, const struct sparrow_audio_options *opt,
                            double max_copy_seconds)
{
    struct sparrow_audio_options options;
    struct sp_media media;
    struct sp_input in;
    const struct sp_format *format;
    struct sp_pcm pcm = {.coding = NULL};
    if (read_options(opt, &options, NULL) != SPARROW_OK ||
        sp_format_find(options.media_type, bytes, n, &media, &in, &format, NULL) != SPARROW_OK ||
        format->open == NULL || format->open(&in, &pcm, NULL) != SPARROW_OK)
        return false;
    if (pcm.coding == NULL || pcm.channels != 1 || pcm.rate_hz != SP_AUDIO_RATE_HZ)
        return false;
    return (double)(pcm.n / pcm.coding->bytes) <= max_copy_seconds * SP_AUDIO_RATE_HZ;
}
