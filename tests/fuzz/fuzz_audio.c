/* fuzz_audio.c - sparrow_audio_decode on any media type and any bytes.
 * An input is a media type, a NUL (or the input's end), and the body. An empty type stands for
 * none. The type "audio/ogg;x=y" has the checksums of its pages set right first, or no mutation
 * would pass libogg.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

#include <ogg/ogg.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sparrow.h"

#define MAX_SECONDS 2.0

static void require(int truth)
{
    if (!truth)
        abort();
}

/* A second object would hide what one clip leaves behind for the next: each input is decoded twice
 * by one. */
static void decode(struct sparrow_audio *audio, const uint8_t *bytes, size_t n,
                   const struct sparrow_audio_options *opt)
{
    struct sparrow_error err = {.text = ""};
    int status = sparrow_audio_decode(audio, bytes, n, opt, &err);
    size_t count = sparrow_audio_count(audio);
    if (status == SPARROW_OK) {
        require(count > 0 && (double)count <= MAX_SECONDS * 16000 + 1);
        require(sparrow_audio_samples(audio) != NULL && sparrow_audio_format(audio)[0] != '\0');
        require(sparrow_audio_channels(audio) >= 1 && sparrow_audio_channels(audio) <= 8);
        return;
    }
    require(count == 0 && sparrow_audio_format(audio)[0] == '\0');
    require(status == SPARROW_BAD_AUDIO || status == SPARROW_UNSUPPORTED_MEDIA ||
            status == SPARROW_TOO_LARGE);
    require(err.status == (enum sparrow_status)status && err.text[0] != '\0');
    for (const char *p = err.text; *p != '\0'; p++)
        require(*p >= 0x20 && *p < 0x7f);
}

/* A copy with right checksums, in a block of exactly its size. */
static uint8_t *mend_pages(const uint8_t *bytes, size_t n)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);
    require(copy != NULL);
    memcpy(copy, bytes, n);
    for (size_t at = 0; at + 27 <= n; at++) {
        size_t header = (size_t)27 + copy[at + 26], body = 0;
        if (memcmp(copy + at, "OggS", 4) != 0 || header > n - at)
            continue;
        for (size_t i = 27; i < header; i++)
            body += copy[at + i];
        if (body > n - at - header)
            continue;
        ogg_page page = {copy + at, (long)header, copy + at + header, (long)body};
        ogg_page_checksum_set(&page);
        at += header + body - 1;
    }
    return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char type[300] = "";
    size_t length = strnlen((const char *)bytes, n < sizeof(type) - 1 ? n : sizeof(type) - 1);
    memcpy(type, bytes, length);
    size_t body = length < n ? length + 1 : n;
    struct sparrow_audio_options opt = {.size = sizeof(opt), .max_seconds = MAX_SECONDS};
    opt.media_type = type[0] != '\0' ? type : NULL;
    uint8_t *mended =
        strcmp(type, "audio/ogg;x=y") == 0 ? mend_pages(bytes + body, n - body) : NULL;
    const uint8_t *clip = mended != NULL ? mended : bytes + body;
    struct sparrow_audio *audio = NULL;
    require(sparrow_audio_new(&audio, NULL) == SPARROW_OK);
    bool cheap = sparrow_audio_is_cheap(clip, n - body, &opt, 1.0);
    decode(audio, clip, n - body, &opt);
    if (cheap)
        require(sparrow_audio_count(audio) <= 16000 && sparrow_audio_rate_hz(audio) <= 16000);
    decode(audio, clip, n - body, &opt);
    sparrow_audio_free(audio);
    free(mended);
    return 0;
}
