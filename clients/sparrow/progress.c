/* progress.c - a bar on the terminal for what takes long.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clients/sparrow/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "clients/sparrow/clock.h"

void progress_begin(struct progress *progress)
{
    *progress = (struct progress){.shown = isatty(STDERR_FILENO), .begin_ns = clock_now_ns()};
}

void progress_show(struct progress *progress, uint64_t done, uint64_t total)
{
    enum { WIDTH = 40 };
    uint64_t now = clock_now_ns();
    if (!progress->shown || total == 0 || now - progress->last_ns < 100000000u)
        return;
    progress->last_ns = now;
    double share = (double)done / (double)total;
    double gone_s = (double)(now - progress->begin_ns) / 1e9;
    int filled = (int)(share * WIDTH);
    fprintf(stderr, "\r[%.*s%*s] %3.0f %%", filled,
            "========================================", WIDTH - filled, "", 100 * share);
    if (share > 0.02)
        fprintf(stderr, ", %.0f s to go\033[K", gone_s * (1 - share) / share);
    fflush(stderr);
}

void progress_end(struct progress *progress)
{
    if (progress->shown && progress->last_ns)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}
