/* sniff.h - which container the first bytes of a clip announce.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_AUDIO_SNIFF_H
#define SP_AUDIO_SNIFF_H

#include <stddef.h>
#include <stdint.h>

enum sp_container {
    SP_CONTAINER_UNKNOWN,
    SP_CONTAINER_WAV, /* RIFF, RIFX or RF64 with WAVE inside */
    SP_CONTAINER_FLAC,
    SP_CONTAINER_OGG,
    SP_CONTAINER_MPEG, /* audio layers 1 to 3 */
    SP_CONTAINER_AIFF, /* AIFF, AIFF-C */
    SP_CONTAINER_AU,
    SP_CONTAINER_CAF,
    SP_CONTAINER_FOREIGN /* known by name, and not handled */
};

struct sp_sniff {
    enum sp_container container;
    const char *name; /* for people: "WAV", "MP4"; static; never NULL */
    size_t skip;      /* ID3 tags in front: the container begins here */
};

/* Reads no more than the tags in front and 64 bytes. Never fails: what it does not know is UNKNOWN.
 */
struct sp_sniff sp_sniff(const uint8_t *bytes, size_t n);

#endif
