/* raw.h - samples without a header: audio/l16, audio/basic, audio/mulaw, audio/alaw.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_AUDIO_RAW_H
#define SP_AUDIO_RAW_H

#include "engine/audio/format.h"

/* 16-bit PCM; ;rate= is required, ;channels= defaults to 1, ;endianness= to little-endian (RFC 2586
 * says big-endian; Watson's clients, who send most of it, do not).
 * Errors: SPARROW_UNSUPPORTED_MEDIA: no rate. */
int sp_raw_open_l16(const struct sp_input *in, struct sp_pcm *ret_pcm, struct sparrow_error *err);

/* mu-law and A-law; ;rate= defaults to 8000, ;channels= to 1. Cannot fail. */
int sp_raw_open_mulaw(const struct sp_input *in, struct sp_pcm *ret_pcm, struct sparrow_error *err);
int sp_raw_open_alaw(const struct sp_input *in, struct sp_pcm *ret_pcm, struct sparrow_error *err);

/* RFC 2046: mu-law, 8000 Hz, mono, whatever the parameters. Cannot fail. */
int sp_raw_open_basic(const struct sp_input *in, struct sp_pcm *ret_pcm, struct sparrow_error *err);

#endif
