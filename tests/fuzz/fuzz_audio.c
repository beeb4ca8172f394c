/* fuzz_audio.c - sparrow_audio_decode on any media type and any bytes.
 * An input is a media type, a NUL (or the input's end), and the body. An empty type stands for none.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "engine/sparrow.h"

#define MAX_SECONDS 2.0

static void require(int truth)
{
    if (!truth)
        abort();
}

/* A second object would hide what one clip leaves behind for the next: each input is decoded twice by one. */
static void decode(struct sparrow_audio *audio, const uint8_t *bytes, size_t n,
                   const struct sparrow_audio_options *opt)
{
    struct sparrow_error err = {.text = ""};
    int status = sparrow_audio_decode(audio, bytes, n, opt, &err);
    size_t count = sparrow_audio_count(audio);
    if (status == SPARROW_OK) {
        require(count > 0 && (double) count <= MAX_SECONDS * 16000 + 1);
        require(sparrow_audio_samples(audio) != NULL && sparrow_audio_format(audio)[0] != '\0');
        require(sparrow_audio_channels(audio) >= 1 && sparrow_audio_channels(audio) <= 8);
        return;
    }
    require(count == 0 && sparrow_audio_format(audio)[0] == '\0');
    require(status == SPARROW_BAD_AUDIO || status == SPARROW_UNSUPPORTED_MEDIA ||
            status == SPARROW_TOO_LARGE);
    require(err.status == (enum sparrow_status) status && err.text[0] != '\0');
    for (const char *p = err.text; *p != '\0'; p++)
        require(*p >= 0x20 && *p < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char type[300] = "";
    size_t length = strnlen((const char *) bytes, n < sizeof(type) - 1 ? n : sizeof(type) - 1);
    memcpy(type, bytes, length);
    size_t body = length < n ? length + 1 : n;
    struct sparrow_audio_options opt = {.size = sizeof(opt), .max_seconds = MAX_SECONDS};
    opt.media_type = type[0] != '\0' ? type : NULL;
    struct sparrow_audio *audio = NULL;
    require(sparrow_audio_new(&audio, NULL) == SPARROW_OK);
    bool cheap = sparrow_audio_is_cheap(bytes + body, n - body, &opt, 1.0);
    decode(audio, bytes + body, n - body, &opt);
    if (cheap)
        require(sparrow_audio_count(audio) <= 16000 && sparrow_audio_rate_hz(audio) <= 16000);
    decode(audio, bytes + body, n - body, &opt);
    sparrow_audio_free(audio);
    return 0;
}
