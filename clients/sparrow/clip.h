/* clip.h - a file as decoded samples.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_CLIP_H
#define CLIENTS_SPARROW_CLIP_H

#include <stdbool.h>

#include "clients/sparrow/bytes.h"
#include "engine/sparrow.h"

/* More than any clip a server takes; what is larger is a mistake. */
#define CLIP_MAX_BYTES ((size_t)256 << 20)

/* One clip at a time; the buffers are used again. Zero is an empty one; clip_done() takes it. */
struct clip {
    struct bytes bytes;          /* as in the file */
    struct sparrow_audio *audio; /* 16 kHz mono */
    const char *media_type;
};

/* Reads a file without decoding it; `type` NULL: by the file's name. Failures are said on stderr.
 */
bool clip_read(struct clip *clip, const char *path, const char *type);

/* Decodes what was read; `name` is for the message on stderr when that fails. */
bool clip_decode(struct clip *clip, const char *name, double max_seconds);

void clip_done(struct clip *clip);

#endif
