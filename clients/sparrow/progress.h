/* progress.h - a bar on the terminal for what takes long.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_PROGRESS_H
#define CLIENTS_SPARROW_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* All zero is one that shows nothing. */
struct progress {
    bool shown;
    uint64_t begin_ns, last_ns;
    int width; /* of the bar, as the terminal has room */
};

/* Begins; shows something only if stderr is a terminal. */
void progress_begin(struct progress *progress);

/* `done` of `total` things are done; redraws at most ten times a second. */
void progress_show(struct progress *progress, uint64_t done, uint64_t total);

/* Clears the line. */
void progress_end(struct progress *progress);

#endif
