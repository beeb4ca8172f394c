/* fuzz_wav.c - the WAV reader on any bytes: what it says must lie inside them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "engine/audio/wav.h"

static void require(int truth)
{
    if (!truth)
        abort();
}

/* The first samples of what was found, converted: reads them all, and a block of the output. */
static void convert(const struct sp_pcm *pcm)
{
    int16_t out[256];
    size_t n = pcm->n / pcm->coding->bytes;
    n = n < 256 ? n : 256;
    pcm->coding->to_s16(pcm->bytes, n, out);
    if (pcm->channels > 0)
        sp_pcm_mix(out, n / pcm->channels, pcm->channels, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct sp_media media = {.type = ""};
    struct sp_input in = {bytes, n, &media};
    struct sp_pcm pcm = {.coding = NULL};
    struct sparrow_error err = {.text = ""};
    int status = sp_wav_open(&in, &pcm, &err);
    if (status != SPARROW_OK) {
        require(status == SPARROW_BAD_AUDIO || status == SPARROW_UNSUPPORTED_MEDIA);
        require(err.status == (enum sparrow_status)status && err.text[0] != '\0');
        require(memchr(err.text, '\0', sizeof(err.text)) != NULL);
        return 0;
    }
    require(pcm.bytes >= bytes && pcm.n <= n && (size_t)(pcm.bytes - bytes) <= n - pcm.n);
    if (pcm.coding != NULL)
        convert(&pcm);
    return 0;
}
