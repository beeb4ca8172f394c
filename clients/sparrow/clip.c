/* clip.c - a file as decoded samples.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clients/sparrow/clip.h"

#include "clients/sparrow/media.h"
#include "clients/sparrow/say.h"

bool clip_read(struct clip *clip, const char *path, const char *type)
{
    clip->media_type = type ? type : media_by_name(path);
    if (!clip->media_type) {
        say_error(
            "%s: a file without a header needs --type, as --type 'audio/l16;rate=16000;channels=1'",
            path);
        return false;
    }
    return bytes_read(&clip->bytes, path, CLIP_MAX_BYTES);
}

bool clip_decode(struct clip *clip, const char *name, double max_seconds)
{
    struct sparrow_error err;
    struct sparrow_audio_options options = {.size = sizeof(options),
                                            .media_type = clip->media_type,
                                            .max_seconds = max_seconds,
                                            .borrow = true};
    if (!clip->audio && sparrow_audio_new(&clip->audio, &err) < 0) {
        say_error("%s: %s", name, err.text);
        return false;
    }
    if (sparrow_audio_decode(clip->audio, clip->bytes.data, clip->bytes.count, &options, &err) <
        0) {
        say_error("%s: %s", name, err.text);
        return false;
    }
    return true;
}

void clip_done(struct clip *clip)
{
    bytes_done(&clip->bytes);
    sparrow_audio_free(clip->audio);
    *clip = (struct clip){0};
}
