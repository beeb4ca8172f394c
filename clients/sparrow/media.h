/* media.h - the media type of a file by the end of its name.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_MEDIA_H
#define CLIENTS_SPARROW_MEDIA_H

/* "audio/wav" for "x.WAV"; "application/octet-stream" (look at the bytes) for an ending that says
 * nothing. NULL for a headerless file (.raw, .pcm, .s16), whose type only the user knows. */
const char *media_by_name(const char *path);

#endif
