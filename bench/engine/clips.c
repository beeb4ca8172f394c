/* clips.c - audio files to features.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine/clips.h"

#include <err.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/engine/weights.h"

#define MOST_CLIPS 4096

static void *read_file(const char *path, size_t *ret_bytes)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        err(1, "%s", path);
    size_t room = (size_t)1 << 20;
    uint8_t *bytes = weights_memory(room, 1);
    *ret_bytes = fread(bytes, 1, room, f);
    fclose(f);
    return bytes;
}

static void read_clip(const struct sparrow_model *model, struct sparrow_scratch *scratch,
                      struct sparrow_audio *audio, const char *path, uint8_t *features)
{
    size_t n;
    struct sparrow_error err;
    uint8_t *bytes = read_file(path, &n);
    if (sparrow_audio_decode(audio, bytes, n, NULL, &err) != 0)
        errx(1, "%s: %s", path, err.text);
    size_t samples = sparrow_audio_count(audio), most = model->frames * model->hop;
    if (samples > most)
        samples = most;
    sparrow_features(model, scratch, sparrow_audio_samples(audio), samples, features);
    free(bytes);
}

void clips_read(const struct sparrow_model *model, const char *pattern, size_t extra,
                struct clips *ret_clips)
{
    glob_t found;
    struct sparrow_scratch *scratch;
    struct sparrow_audio *audio;
    if (glob(pattern, 0, NULL, &found) != 0)
        errx(1, "%s: no clips", pattern);
    if (sparrow_scratch_new(model, &scratch, NULL) != 0 || sparrow_audio_new(&audio, NULL) != 0)
        errx(1, "%s: no memory", pattern);
    size_t count = found.gl_pathc < MOST_CLIPS ? found.gl_pathc : MOST_CLIPS;
    size_t n = model->frames * model->bands;
    ret_clips->count = count;
    ret_clips->bytes = weights_memory(count, n);
    ret_clips->rows = weights_memory(count + extra, sizeof(*ret_clips->rows));
    for (size_t i = 0; i < count; i++)
        read_clip(model, scratch, audio, found.gl_pathv[i], ret_clips->bytes + i * n);
    for (size_t i = 0; i < count + extra; i++)
        ret_clips->rows[i] = ret_clips->bytes + i % count * n;
    sparrow_audio_free(audio);
    sparrow_scratch_free(scratch);
    globfree(&found);
}
