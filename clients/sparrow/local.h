/* local.h - recognises a clip in this process and answers in the words of the server.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_LOCAL_H
#define CLIENTS_SPARROW_LOCAL_H

#include <jansson.h>
#include <stddef.h>

#include "clients/sparrow/clip.h"
#include "clients/sparrow/model.h"

struct local_options {
    size_t top;           /* alternatives wanted, at least 1 */
    const char *keywords; /* comma list to look for in all of the clip, or NULL */
    double threshold;     /* least confidence of a keyword found */
    double hop_ms; /* a result for the word that begins every so many milliseconds (rounded to whole
                      frames); 0: one result, of the word that answers for the clip */
    double max_seconds;
};

/* Checks that each word of a comma list is a keyword of the model; says on stderr which is not. */
bool local_check_keywords(const struct model *model, const char *keywords);

/* Recognises what clip_read() read. Returns the reply of POST /v1/recognize (with null for what
 * only a server knows) or NULL after a message on stderr. The caller owns it. */
json_t *local_recognize(const struct model *model, struct clip *clip, const char *name,
                        const struct local_options *options);

#endif
