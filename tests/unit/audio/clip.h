/* clip.h - what the audio tests are made of: files built byte by byte, tones, and how alike two
 * signals are.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_CLIP_H
#define TEST_CLIP_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that grow. Begins as {0}; every function aborts the test when memory runs out. */
struct clip {
    uint8_t *bytes;
    size_t n;
};

void clip_done(struct clip *c);
void clip_put(struct clip *c, const void *bytes, size_t n);
void clip_id(struct clip *c, const char *id); /* four letters */
void clip_le16(struct clip *c, unsigned x);
void clip_le32(struct clip *c, uint32_t x);
void clip_be16(struct clip *c, unsigned x);
void clip_be32(struct clip *c, uint32_t x);

/* "RIFF" size "WAVE", then clip_fmt() and so on. */
void clip_riff(struct clip *c);
/* A plain fmt chunk of 16 bytes. */
void clip_fmt(struct clip *c, unsigned tag, unsigned channels, uint32_t rate_hz, unsigned bits);
/* A data chunk that announces `size` and has n bytes. */
void clip_data(struct clip *c, uint32_t size, const void *bytes, size_t n);
/* A whole file of 16-bit samples, host order little-endian. */
void clip_wav16(struct clip *c, unsigned channels, uint32_t rate_hz, const int16_t *samples,
                size_t frames);

/* A file of the source tree, as "tests/data/samples/yes.wav". */
void clip_file(struct clip *c, const char *path);
/* A copy in a block of exactly its size, for the address sanitizer. The caller frees it. */
uint8_t *clip_exact(const struct clip *c, size_t n);

/* sin, phase 0 at sample 0, amplitude in s16. */
void clip_tone(int16_t *out, size_t n, double hz, double rate_hz, double amplitude);
/* The samples of tests/data/samples/yes.wav: 16,000 of them. */
const int16_t *clip_yes(struct clip *c);

/* Correlation of two signals, 1 = the same but for loudness. */
double clip_alike(const int16_t *a, const int16_t *b, size_t n);
/* Signal to noise of b against a, in dB. */
double clip_snr_db(const int16_t *a, const int16_t *b, size_t n);

#endif
