/* progress.c - a bar on the terminal for what takes long.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clients/sparrow/progress.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clients/sparrow/clock.h"

void progress_begin(struct progress *progress)
{
    enum { WIDEST = 40, BESIDES = 28 }; /* "[", "] 100 %, 99999 s to go" */
    struct winsize window;
    *progress = (struct progress){.shown = isatty(STDERR_FILENO), .begin_ns = clock_now_ns()};
    bool told = progress->shown && ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col;
    int room = told ? (int)window.ws_col - BESIDES : WIDEST;
    progress->width = room > WIDEST ? WIDEST : room > 0 ? room : 0;
}

void progress_show(struct progress *progress, uint64_t done, uint64_t total)
{
    uint64_t now = clock_now_ns();
    if (!progress->shown || total == 0 || now - progress->last_ns < 100000000u)
        return;
    progress->last_ns = now;
    double share = (double)done / (double)total;
    double gone_s = (double)(now - progress->begin_ns) / 1e9;
    int filled = (int)(share * progress->width);
    fprintf(stderr, "\r[%.*s%*s] %3.0f %%", filled,
            "========================================", progress->width - filled, "", 100 * share);
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
