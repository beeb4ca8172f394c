/* source.h - labelled clips to measure on: a folder, a tar archive, or a manifest.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_SOURCE_H
#define CLIENTS_SPARROW_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source;

struct source_clip {
    const char *label;      /* what the clip holds */
    const char *name;       /* the file, or the member of an archive; "-" for digital silence */
    const int16_t *samples; /* word_samples of them, 16 kHz: cut, scaled, filled up with zeros */
};

/* `path` is a folder (WORD/FILE), a tar archive (WORD/FILE) or a manifest: a text of lines with
 * tabs between the columns label, archive, member, start, samples, gain, and a heading that says
 * so. Archives of a manifest are tar files in the folder `data`; archive "-" is digital silence. A
 * gain is in 65536ths: (sample * gain + 32768) >> 16. NULL after a message on stderr. */
struct source *source_open(const char *path, const char *data, size_t word_samples);
void source_close(struct source *source);

size_t source_count(const struct source *source);

/* The label of a clip, without reading it. */
const char *source_label(const struct source *source, size_t index);

/* Reads a clip; *ret_clip holds until the next call. False after a message on stderr. */
bool source_read(struct source *source, size_t index, struct source_clip *ret_clip);

#endif
