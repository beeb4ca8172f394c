/* media.c - the media type of a file by the end of its name.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clients/sparrow/media.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

const char *media_by_name(const char *path)
{
    static const struct {
        const char *end, *type;
    } types[] = {
        {"wav", "audio/wav"}, {"wave", "audio/wav"}, {"flac", "audio/flac"}, {"ogg", "audio/ogg"},
        {"oga", "audio/ogg"}, {"opus", "audio/ogg"}, {"mp3", "audio/mpeg"},  {"raw", NULL},
        {"pcm", NULL},        {"s16", NULL},
    };
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcasecmp(dot + 1, types[i].end) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}
