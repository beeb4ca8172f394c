/* vorbis.h - Ogg Vorbis, by libvorbis.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_AUDIO_VORBIS_H
#define SP_AUDIO_VORBIS_H

#include "engine/audio/audio.h"
#include "engine/audio/ogg.h"

/* Decodes a stream whose first packet is `first`, slice by slice, into audio (begin and put). A
 * stream that breaks off gives what came before the break. Allocates, and asks audio's interrupt
 * between slices.
 * Errors: SPARROW_BAD_AUDIO (damaged headers, tables that unpack to more than any encoder writes,
 * no samples), and those of begin and put. */
int sp_vorbis_decode(struct sp_ogg *ogg, const ogg_packet *first, struct sparrow_audio *audio,
                     struct sparrow_error *err);

/* How many numbers the codebooks of a setup header (the third packet) unpack to.
 * Errors: SPARROW_BAD_AUDIO: not a setup header, or one that breaks off in its codebooks. */
int sp_vorbis_table_size(const uint8_t *packet, size_t n, uint64_t *ret_numbers,
                         struct sparrow_error *err);

#endif
