/* clip.c - what the audio tests are made of.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/audio/clip.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void clip_done(struct clip *c)
{
    free(c->bytes);
    *c = (struct clip){.n = 0};
}

void clip_put(struct clip *c, const void *bytes, size_t n)
{
    uint8_t *grown = realloc(c->bytes, c->n + n + 1);
    if (grown == NULL)
        abort();
    c->bytes = grown;
    if (n > 0)
        memcpy(c->bytes + c->n, bytes, n);
    c->n += n;
}

void clip_id(struct clip *c, const char *id)
{
    clip_put(c, id, 4);
}

void clip_le16(struct clip *c, unsigned x)
{
    clip_put(c, (uint8_t[]){(uint8_t)x, (uint8_t)(x >> 8)}, 2);
}

void clip_le32(struct clip *c, uint32_t x)
{
    clip_le16(c, x & 0xffff);
    clip_le16(c, x >> 16);
}

void clip_be16(struct clip *c, unsigned x)
{
    clip_put(c, (uint8_t[]){(uint8_t)(x >> 8), (uint8_t)x}, 2);
}

void clip_be32(struct clip *c, uint32_t x)
{
    clip_be16(c, x >> 16);
    clip_be16(c, x & 0xffff);
}

void clip_riff(struct clip *c)
{
    clip_id(c, "RIFF");
    clip_le32(c, 0x7fff); /* nobody reads it */
    clip_id(c, "WAVE");
}

void clip_fmt(struct clip *c, unsigned tag, unsigned channels, uint32_t rate_hz, unsigned bits)
{
    clip_id(c, "fmt ");
    clip_le32(c, 16);
    clip_le16(c, tag);
    clip_le16(c, channels);
    clip_le32(c, rate_hz);
    clip_le32(c, rate_hz * channels * bits / 8);
    clip_le16(c, channels * bits / 8);
    clip_le16(c, bits);
}

void clip_data(struct clip *c, uint32_t size, const void *bytes, size_t n)
{
    clip_id(c, "data");
    clip_le32(c, size);
    clip_put(c, bytes, n);
}

void clip_wav16(struct clip *c, unsigned channels, uint32_t rate_hz, const int16_t *samples,
                size_t frames)
{
    clip_riff(c);
    clip_fmt(c, 1, channels, rate_hz, 16);
    clip_data(c, (uint32_t)(frames * channels * 2), samples, frames * channels * 2);
}

void clip_file(struct clip *c, const char *path)
{
    const char *top = getenv("top_srcdir");
    char name[4096];
    snprintf(name, sizeof(name), "%s/%s", top != NULL ? top : ".", path);
    FILE *file = fopen(name, "rb");
    if (file == NULL) {
        perror(name);
        abort();
    }
    uint8_t buffer[4096];
    size_t n;
    while ((n = fread(buffer, 1, sizeof(buffer), file)) > 0)
        clip_put(c, buffer, n);
    fclose(file);
}

uint8_t *clip_exact(const struct clip *c, size_t n)
{
    uint8_t *block = malloc(n > 0 ? n : 1);
    if (block == NULL)
        abort();
    if (n > 0)
        memcpy(block, c->bytes, n);
    return block;
}

void clip_tone(int16_t *out, size_t n, double hz, double rate_hz, double amplitude)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (int16_t)lround(amplitude * sin(2 * M_PI * hz * (double)i / rate_hz));
}

const int16_t *clip_yes(struct clip *c)
{
    clip_file(c, "tests/data/samples/yes.wav");
    if (c->n != 44 + 32000)
        abort();
    return (const int16_t *)(const void *)(c->bytes + 44);
}

double clip_alike(const int16_t *a, const int16_t *b, size_t n)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return ab / sqrt(aa * bb + 1e-9);
}

double clip_snr_db(const int16_t *a, const int16_t *b, size_t n)
{
    double signal = 1e-9, noise = 1e-9;
    for (size_t i = 0; i < n; i++) {
        double d = (double)a[i] - b[i];
        signal += (double)a[i] * a[i];
        noise += d * d;
    }
    return 10 * log10(signal / noise);
}
