/* arrival.c - asks TCP_INFO, in a file of its own: the C library's struct tcp_info ends before the
 * byte counters, and the kernel's header cannot stand beside it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/http1/arrival.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

bool arrival_read(int fd, struct arrival *ret_arrival)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
        return false;
    bool counts = len >= offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(uint64_t);
    *ret_arrival = (struct arrival){.bytes = counts ? info.tcpi_bytes_received : UINT64_MAX,
                                    .ago_ms = info.tcpi_last_data_recv};
    return true;
}
