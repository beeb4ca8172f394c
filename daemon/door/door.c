/* door.c - the acceptor on the main loop.
 * A connection travels to its lane in a hand-over (one allocation per connection, none per
 * request). Until the lane has taken it, it counts as `coming`, so that a burst of connections is
 * spread evenly and the limit holds. A lane that does not turn gets no new ones, and those on their
 * way to it are called back and placed again: who takes the descriptor out of the hand-over first,
 * lane or door, has the connection.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "daemon/door/door.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/door/listener.h"

#define ACCEPT_BURST                                                                               \
    64u               /* connections taken from one socket before the loop looks at the others     \
                       */
#define PAUSE_MS 100u /* after the kernel ran out of memory or descriptors */
#define STUCK_US                                                                                   \
    500000u /* a lane beats every 100 ms: after this it is not to be trusted with a connection */
#define RECALL_MS 250u /* how often hand-overs on their way are looked at */
#define OTHER_FILES                                                                                \
    512u /* descriptors that are not connections: loops, models, sensors, the log                  \
          */

struct place {
    struct door_lane to;
    _Atomic unsigned coming; /* handed over, not yet taken: the door adds, the lane subtracts */
};

struct handover {
    struct lane_message message;
    struct handover *next; /* the door's list of those on their way */
    struct door *door;
    struct place *place;
    uint64_t since_us;
    struct address from;
    _Atomic int fd;          /* -1: somebody has it */
    _Atomic unsigned owners; /* the lane's inbox and the door's list */
};

struct gate { /* one listening socket on the loop */
    struct door *door;
    struct listener listener;
    uv_poll_t poll;
    char text[ADDRESS_TEXT];
};

struct door {
    struct gate gates[DOOR_LISTENERS];
    unsigned gate_count;
    struct place *places;
    unsigned place_count;
    unsigned max_connections;
    door_take_fn take;
    struct metrics_block *metrics;
    struct log *log;
    uv_timer_t pause;
    uv_timer_t recall;
    struct handover *on_their_way;
    int spare_fd; /* given up for a moment when descriptors run out: lets us accept, and close */
    unsigned open_handles;
    bool accepting, stopped;
};

/* ---- placing ---- */

static void handover_unref(struct handover *h)
{
    if (atomic_fetch_sub(&h->owners, 1) == 1)
        free(h);
}

static void on_handover(struct lane *lane, struct lane_message *message)
{
    struct handover *h = (struct handover *)message;
    int fd = atomic_exchange(&h->fd, -1);
    if (fd >= 0)
        h->door->take(h->place->to.arg, lane, fd, &h->from.sa, h->from.len);
    atomic_fetch_sub_explicit(&h->place->coming, 1, memory_order_release);
    handover_unref(h);
}

static bool is_stuck(const struct place *p, uint64_t now_us)
{
    uint64_t beat = lane_heartbeat_us(p->to.lane);
    return now_us > beat && now_us - beat > STUCK_US;
}

/* The place with the least to do, of those that turn (of all, if none does), and how many
 * connections there are in all. */
static struct place *least_loaded(struct door *door, unsigned *ret_connections)
{
    struct place *best = NULL;
    uint64_t best_load = UINT64_MAX, now_us = lane_clock_us();
    unsigned connections = 0;
    for (unsigned i = 0; i < door->place_count; i++) {
        struct place *p = &door->places[i];
        unsigned coming = atomic_load_explicit(&p->coming, memory_order_acquire);
        uint64_t load = (uint64_t)lane_load(p->to.lane) + coming +
                        (is_stuck(p, now_us) ? (uint64_t)1 << 40 : 0);
        connections += lane_connections(p->to.lane) + coming;
        if (load < best_load) {
            best_load = load;
            best = p;
        }
    }
    *ret_connections = connections;
    return best;
}

static void refuse(struct door *door, int fd, const char *why)
{
    close(fd);
    metrics_count(door->metrics, METRIC_REFUSED, REFUSED_CONNECTION_LIMIT, 1);
    log_event(door->log, LOG_WARNING, "connection refused", "reason", why, NULL);
}

static void on_recall(uv_timer_t *timer);

static void place_connection(struct door *door, int fd, const struct address *from)
{
    unsigned connections;
    struct place *place = least_loaded(door, &connections);
    if (connections >= door->max_connections) {
        refuse(door, fd, "server.max_connections is reached");
        return;
    }
    struct handover *h = malloc(sizeof *h);
    if (!h) {
        refuse(door, fd, "out of memory");
        return;
    }
    *h = (struct handover){.message.run = on_handover,
                           .next = door->on_their_way,
                           .door = door,
                           .place = place,
                           .since_us = lane_clock_us(),
                           .from = *from,
                           .fd = fd,
                           .owners = 2};
    if (!door->on_their_way)
        uv_timer_start(&door->recall, on_recall, RECALL_MS, RECALL_MS);
    door->on_their_way = h;
    atomic_fetch_add_explicit(&place->coming, 1, memory_order_relaxed);
    lane_post(place->to.lane, &h->message);
}

/* Forgets the hand-overs that arrived, and calls back those that wait for a lane that does not
 * turn. */
static void on_recall(uv_timer_t *timer)
{
    struct door *door = timer->data;
    uint64_t now_us = lane_clock_us();
    struct handover *list = door->on_their_way, *next;
    door->on_their_way = NULL;
    for (struct handover *h = list; h; h = next) {
        next = h->next;
        bool late = now_us - h->since_us > STUCK_US && is_stuck(h->place, now_us);
        int fd = late ? atomic_exchange(&h->fd, -1) : atomic_load(&h->fd);
        if (fd >= 0 && !late) {
            h->next = door->on_their_way;
            door->on_their_way = h;
            continue;
        }
        if (fd >= 0)
            place_connection(door, fd, &h->from);
        handover_unref(h);
    }
    if (!door->on_their_way)
        uv_timer_stop(&door->recall);
}

/* ---- accepting ---- */

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_pause_over(uv_timer_t *timer)
{
    struct door *door = timer->data;
    for (unsigned i = 0; i < door->gate_count && door->accepting; i++)
        uv_poll_start(&door->gates[i].poll, UV_READABLE, on_readable);
}

/* The listening sockets stay readable: without a pause the loop would spin on them. */
static void pause_accepting(struct door *door, const char *why)
{
    log_event(door->log, LOG_WARNING, "not accepting for a moment", "reason", why, NULL);
    for (unsigned i = 0; i < door->gate_count; i++)
        uv_poll_stop(&door->gates[i].poll);
    uv_timer_start(&door->pause, on_pause_over, PAUSE_MS, 0);
}

/* No descriptor left: a client that waits in the queue should learn it at once instead of at its
 * own timeout. */
static void out_of_files(struct door *door, int listen_fd)
{
    if (door->spare_fd >= 0) {
        close(door->spare_fd);
        int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            refuse(door, fd, "out of file descriptors");
    }
    door->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (door->spare_fd < 0)
        pause_accepting(door, "out of file descriptors");
}

/* Accepts one. False: nothing waits, or it must stop for now. */
static bool accept_one(struct gate *gate)
{
    struct door *door = gate->door;
    struct address from = {.len = sizeof from.sa};
    int fd = accept4(gate->listener.fd, (struct sockaddr *)&from.sa, &from.len,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        if (from.len > sizeof from.sa)
            from.len = sizeof from.sa;
        place_connection(door, fd, &from);
        return true;
    }
    switch (errno) {
    case EAGAIN:
        return false;
    case EMFILE:
    case ENFILE:
        out_of_files(door, gate->listener.fd);
        return door->spare_fd >= 0;
    case ENOBUFS:
    case ENOMEM:
        pause_accepting(door, "the kernel is out of memory");
        return false;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EOPNOTSUPP: /* the socket itself is of no use (somebody shut it down): no reason to spin on
                        it */
        pause_accepting(door, strerror(errno));
        return false;
    default: /* the connection died in the queue (ECONNABORTED and its like, accept(2)) */
        return true;
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct gate *gate = poll->data;
    (void)status;
    (void)events;
    for (unsigned i = 0; i < ACCEPT_BURST && accept_one(gate); i++)
        continue;
}

/* ---- opening ---- */

static void raise_file_limit(struct door *door)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)door->max_connections + OTHER_FILES;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur =
        limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= wanted ? wanted : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur < wanted) {
        char have[24], need[24];
        snprintf(have, sizeof have, "%llu", (unsigned long long)limit.rlim_cur);
        snprintf(need, sizeof need, "%llu", (unsigned long long)wanted);
        log_event(door->log, LOG_WARNING,
                  "the limit of open files is too low for server.max_connections", "limit", have,
                  "wanted", need, NULL);
    }
}

static int too_open(struct sparrow_error *err, const struct address *address)
{
    if (err) {
        char text[ADDRESS_TEXT];
        address_print(address, text, sizeof text);
        err->status = SPARROW_CONFIG;
        snprintf(err->text, sizeof err->text,
                 "server.listen: %.60s can be reached from other machines, and nothing here "
                 "encrypts or authenticates: "
                 "say server.insecure = yes if that is meant",
                 text);
    }
    return SPARROW_CONFIG;
}

static int bad_count(struct sparrow_error *err, const char *what)
{
    if (err) {
        err->status = SPARROW_CONFIG;
        snprintf(err->text, sizeof err->text, "server.listen: %s (1 to %u are possible)", what,
                 DOOR_LISTENERS);
    }
    return SPARROW_CONFIG;
}

static int adopt_all(struct door *door, const struct door_options *o, struct sparrow_error *err)
{
    for (unsigned i = 0; i < o->fd_count; i++) {
        if (door->gate_count == DOOR_LISTENERS)
            return bad_count(err, "too many sockets from systemd");
        struct listener *l = &door->gates[door->gate_count].listener;
        int status = listener_adopt(o->fds[i], l, err);
        if (status)
            return status;
        if (!o->insecure && !address_is_local(&l->address))
            return too_open(err, &l->address);
        door->gate_count++;
    }
    return 0;
}

/* The next address of a list, moving *list on. 1: there is one; 0: the list ends; or a status. */
static int next_address(const char **list, bool insecure, struct address *ret_address,
                        struct sparrow_error *err)
{
    const char *p = *list + strspn(*list, ", \t");
    size_t n = strcspn(p, ", \t");
    if (n == 0)
        return 0;
    int status = address_parse(p, n, ret_address, err);
    if (status)
        return status;
    if (!insecure && !address_is_local(ret_address))
        return too_open(err, ret_address);
    *list = p + n;
    return 1;
}

int door_check(const char *listen, bool insecure, struct sparrow_error *err)
{
    struct address address;
    unsigned count = 0;
    int status;
    while ((status = next_address(&listen, insecure, &address, err)) > 0)
        if (++count > DOOR_LISTENERS)
            return bad_count(err, "too many addresses");
    if (status < 0)
        return status;
    return count ? 0 : bad_count(err, "no address");
}

static int bind_all(struct door *door, const struct door_options *o, struct sparrow_error *err)
{
    const char *list = o->listen;
    struct address address;
    int status = door_check(o->listen, o->insecure, err);
    if (status)
        return status;
    while (next_address(&list, o->insecure, &address, err) > 0) {
        if ((status = listener_bind(&address, &door->gates[door->gate_count].listener, err)))
            return status;
        door->gate_count++;
    }
    return 0;
}

static void put_on_loop(struct door *door, uv_loop_t *loop)
{
    uv_timer_init(loop, &door->pause);
    uv_timer_init(loop, &door->recall);
    door->pause.data = door->recall.data = door;
    door->open_handles = 2;
    for (unsigned i = 0; i < door->gate_count; i++) {
        struct gate *gate = &door->gates[i];
        gate->door = door;
        address_print(&gate->listener.address, gate->text, sizeof gate->text);
        uv_poll_init(loop, &gate->poll, gate->listener.fd);
        gate->poll.data = gate;
        door->open_handles++;
    }
}

int door_open(uv_loop_t *loop, const struct door_options *o, struct door **ret_door,
              struct sparrow_error *err)
{
    int status = SPARROW_NO_MEMORY;
    struct door *door = calloc(1, sizeof *door);
    if (!door)
        goto fail;
    door->places = calloc(o->lane_count, sizeof *door->places);
    if (!door->places)
        goto fail_door;
    for (unsigned i = 0; i < o->lane_count; i++)
        door->places[i].to = o->lanes[i];
    door->place_count = o->lane_count;
    door->max_connections = o->max_connections;
    door->take = o->take;
    door->metrics = o->metrics;
    door->log = o->log;
    if ((status = o->fd_count ? adopt_all(door, o, err) : bind_all(door, o, err)))
        goto fail_gates;
    raise_file_limit(door);
    door->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    put_on_loop(door, loop);
    *ret_door = door;
    return 0;

fail_gates:
    for (unsigned i = 0; i < door->gate_count; i++)
        if (!door->gates[i].listener.inherited)
            listener_close(&door->gates[i].listener);
    free(door->places);
fail_door:
    free(door);
fail:
    if (status == SPARROW_NO_MEMORY && err) {
        err->status = SPARROW_NO_MEMORY;
        snprintf(err->text, sizeof err->text, "no memory for the listening sockets");
    }
    return status;
}

void door_start(struct door *door)
{
    door->accepting = true;
    for (unsigned i = 0; i < door->gate_count; i++) {
        uv_poll_start(&door->gates[i].poll, UV_READABLE, on_readable);
        log_event(door->log, LOG_INFO, "listening", "address", door->gates[i].text, NULL);
    }
}

unsigned door_count(const struct door *door)
{
    return door->gate_count;
}

const char *door_address(const struct door *door, unsigned index)
{
    return door->gates[index].text;
}

/* ---- closing ---- */

void door_stop(struct door *door)
{
    if (door->stopped)
        return;
    door->stopped = true;
    for (unsigned i = 0; i < door->gate_count; i++) {
        struct gate *gate = &door->gates[i];
        /* What the kernel has accepted would be reset by close(); the queue of systemd's sockets
         * goes to the next instance. */
        while (door->accepting && !gate->listener.inherited && accept_one(gate))
            continue;
        uv_poll_stop(&gate->poll);
        listener_close(&gate->listener);
    }
    uv_timer_stop(&door->pause);
    door->accepting = false;
}

static void handle_closed(struct door *door)
{
    if (--door->open_handles > 0)
        return;
    free(door->places);
    free(door);
}

static void on_gate_closed(uv_handle_t *handle)
{
    handle_closed(((struct gate *)handle->data)->door);
}

static void on_timer_closed(uv_handle_t *handle)
{
    handle_closed(handle->data);
}

void door_free(struct door *door)
{
    if (!door)
        return;
    door_stop(door);
    if (door->spare_fd >= 0)
        close(door->spare_fd);
    for (unsigned i = 0; i < door->gate_count; i++)
        uv_close((uv_handle_t *)&door->gates[i].poll, on_gate_closed);
    for (struct handover *h = door->on_their_way, *next; h; h = next) {
        next = h->next;
        handover_unref(h);
    }
    uv_close((uv_handle_t *)&door->pause, on_timer_closed);
    uv_close((uv_handle_t *)&door->recall, on_timer_closed);
}
