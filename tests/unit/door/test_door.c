/* test_door.c - addresses, listening, placing, limits, running out of descriptors, the drain.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/door/address.h"
#include "daemon/door/door.h"
#include "daemon/door/listener.h"

#define LANES 2u

/* One door, two lanes, and what arrived on each. */
struct house {
    uv_loop_t loop;
    struct log *log;
    struct metrics *metrics;
    struct lane *lanes[LANES];
    struct door_lane places[LANES];
    struct door *door;
    _Atomic unsigned taken[LANES];
    int fds[256];
    _Atomic unsigned fd_count;
};

static void take(void *arg, struct lane *lane, int fd, const struct sockaddr_storage *address,
                 socklen_t len)
{
    struct house *h = arg;
    (void)address;
    (void)len;
    lane_load_add(lane, 1, 0);
    atomic_fetch_add(&h->taken[lane_index(lane)], 1);
    h->fds[atomic_fetch_add(&h->fd_count, 1)] = fd;
}

static struct house *house_new(void)
{
    struct house *h = calloc(1, sizeof *h);
    ck_assert_ptr_nonnull(h);
    uv_loop_init(&h->loop);
    h->log = log_new();
    h->metrics = metrics_new();
    log_set_level(h->log, "error");
    for (unsigned i = 0; i < LANES; i++) {
        ck_assert_int_eq(lane_new(i, metrics_block(h->metrics), h->log, &h->lanes[i], NULL), 0);
        ck_assert_int_eq(lane_start(h->lanes[i], NULL), 0);
        h->places[i] = (struct door_lane){h->lanes[i], h};
    }
    return h;
}

static int house_open(struct house *h, const char *listen, bool insecure, unsigned max,
                      struct sparrow_error *err)
{
    struct door_options o = {
        .listen = listen,
        .insecure = insecure,
        .max_connections = max,
        .lanes = h->places,
        .lane_count = LANES,
        .take = take,
        .metrics = metrics_block(h->metrics),
        .log = h->log,
    };
    return door_open(&h->loop, &o, &h->door, err);
}

static void house_free(struct house *h)
{
    if (h->door)
        door_stop(h->door);
    for (unsigned i = 0; i < LANES; i++) {
        lane_stop(h->lanes[i]);
        lane_join(h->lanes[i]);
    }
    door_free(h->door);
    uv_run(&h->loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&h->loop), 0);
    for (unsigned i = 0; i < LANES; i++)
        lane_free(h->lanes[i]);
    for (unsigned i = 0; i < h->fd_count; i++)
        close(h->fds[i]);
    metrics_free(h->metrics);
    log_free(h->log);
    free(h);
}

/* Turns the door's loop until `count` connections arrived. */
static void house_wait(struct house *h, unsigned count)
{
    for (int i = 0; i < 2000 && h->fd_count < count; i++) {
        uv_run(&h->loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    ck_assert_uint_eq(h->fd_count, count);
}

static int connect_to(const char *text)
{
    struct address a;
    ck_assert_int_eq(address_parse(text, strlen(text), &a, NULL), 0);
    int fd = socket(a.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_msg(connect(fd, (struct sockaddr *)&a.sa, a.len) == 0, "%s: %s", text,
                  strerror(errno));
    return fd;
}

/* 0: closed by the other side; -1: still open after `ms`. */
static int ended(int fd, int ms)
{
    struct timeval tv = {ms / 1000, ms % 1000 * 1000};
    char byte;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    return recv(fd, &byte, 1, 0) == 0 || errno == ECONNRESET ? 0 : -1;
}

static const struct {
    const char *text, *printed;
    bool local;
} addresses[] = {
    {"127.0.0.1:8770", "127.0.0.1:8770", true},
    {"127.3.2.1:1", "127.3.2.1:1", true},
    {"0.0.0.0:80", "0.0.0.0:80", false},
    {"192.0.2.1:80", "192.0.2.1:80", false},
    {"[::1]:8770", "[::1]:8770", true},
    {"[::]:0", "[::]:0", false},
    {"[::ffff:127.0.0.1]:5", "[::ffff:127.0.0.1]:5", true},
    {"[::ffff:192.0.2.1]:5", "[::ffff:192.0.2.1]:5", false},
    {"unix:/run/x.sock", "unix:/run/x.sock", true},
};

START_TEST(parse_good_prints_back)
{
    struct address a;
    char text[ADDRESS_TEXT];
    ck_assert_int_eq(address_parse(addresses[_i].text, strlen(addresses[_i].text), &a, NULL), 0);
    address_print(&a, text, sizeof text);
    ck_assert_str_eq(text, addresses[_i].printed);
    ck_assert_int_eq(address_is_local(&a), addresses[_i].local);
}
END_TEST

static const char *const rubbish[] = {
    "",
    ":",
    ":80",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:x",
    "127.0.0.1:-1",
    "127.0.0.1:65536",
    "127.0.0.1:123456",
    "::1:80",
    "[::1",
    "[]:80",
    "[::g]:1",
    "unix:",
    "unix:relative",
    "999.0.0.1:80",
};

START_TEST(parse_rubbish_says_which)
{
    struct address a;
    struct sparrow_error err = {0};
    ck_assert_int_eq(address_parse(rubbish[_i], strlen(rubbish[_i]), &a, &err), SPARROW_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, rubbish[_i]));
}
END_TEST

START_TEST(parse_unix_path_too_long_is_refused)
{
    char text[200];
    memset(text, 'a', sizeof text);
    memcpy(text, "unix:/", 6);
    struct address a;
    ck_assert_int_eq(address_parse(text, sizeof text, &a, NULL), SPARROW_CONFIG);
    ck_assert_int_eq(address_parse(text, 5 + 107, &a, NULL), 0);
    ck_assert_int_eq(address_parse(text, 5 + 108, &a, NULL), SPARROW_CONFIG);
}
END_TEST

START_TEST(open_beyond_loopback_needs_insecure)
{
    struct house *h = house_new();
    struct sparrow_error err = {0};
    ck_assert_int_eq(house_open(h, "127.0.0.1:0, 0.0.0.0:0", false, 10, &err), SPARROW_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "server.insecure"));
    ck_assert_ptr_nonnull(strstr(err.text, "0.0.0.0:0"));
    ck_assert_int_eq(house_open(h, "127.0.0.1:0, 0.0.0.0:0", true, 10, &err), 0);
    ck_assert_uint_eq(door_count(h->door), 2);
    house_free(h);
}
END_TEST

START_TEST(open_port_taken_names_the_address)
{
    struct house *h = house_new(), *other = house_new();
    struct sparrow_error err = {0};
    ck_assert_int_eq(house_open(h, "127.0.0.1:0", false, 10, NULL), 0);
    ck_assert_int_eq(house_open(other, door_address(h->door, 0), false, 10, &err), SPARROW_IO);
    ck_assert_ptr_nonnull(strstr(err.text, door_address(h->door, 0)));
    house_free(other);
    house_free(h);
}
END_TEST

START_TEST(burst_is_spread_evenly)
{
    struct house *h = house_new();
    int fds[40];
    ck_assert_int_eq(house_open(h, "127.0.0.1:0", false, 100, NULL), 0);
    for (int i = 0; i < 40; i++)
        fds[i] = connect_to(door_address(h->door, 0));
    door_start(h->door);
    house_wait(h, 40);
    ck_assert_uint_ge(h->taken[0],
                      18); /* a lane that is just taking one may count it twice for a moment */
    ck_assert_uint_ge(h->taken[1], 18);
    for (int i = 0; i < 40; i++)
        close(fds[i]);
    house_free(h);
}
END_TEST

START_TEST(above_the_limit_is_closed_at_once_and_counted)
{
    struct house *h = house_new();
    int fds[4];
    ck_assert_int_eq(house_open(h, "127.0.0.1:0", false, 3, NULL), 0);
    door_start(h->door);
    for (unsigned i = 0; i < 3; i++) {
        fds[i] = connect_to(door_address(h->door, 0));
        house_wait(h, i + 1);
    }
    fds[3] = connect_to(door_address(h->door, 0));
    for (int i = 0; i < 50; i++) {
        uv_run(&h->loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    ck_assert_int_eq(ended(fds[3], 2000), 0);
    ck_assert_int_eq(ended(fds[0], 20), -1);
    ck_assert_uint_eq(metrics_value(h->metrics, METRIC_REFUSED, REFUSED_CONNECTION_LIMIT), 1);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    house_free(h);
}
END_TEST

static void stand_still(struct lane *lane, struct lane_message *message)
{
    (void)lane;
    (void)message;
    usleep(3000000);
}

START_TEST(stuck_lane_gets_no_connections_and_gives_back_those_on_their_way)
{
    struct house *h = house_new();
    struct lane_message message = {.run = stand_still};
    int fds[12];
    ck_assert_int_eq(house_open(h, "127.0.0.1:0", false, 100, NULL), 0);
    door_start(h->door);
    lane_post(h->lanes[0], &message);
    usleep(50000);
    uint64_t begin = lane_clock_us();
    for (int i = 0; i < 6; i++)
        fds[i] = connect_to(
            door_address(h->door, 0)); /* nobody knows yet: half of them go to the stuck lane */
    house_wait(h, 6);
    for (int i = 6; i < 12; i++)
        fds[i] = connect_to(door_address(h->door, 0));
    house_wait(h, 12);
    ck_assert_uint_lt(lane_clock_us() - begin, 2500000);
    ck_assert_uint_eq(h->taken[0], 0);
    ck_assert_uint_eq(h->taken[1], 12);
    for (int i = 0; i < 12; i++)
        close(fds[i]);
    house_free(h);
}
END_TEST

START_TEST(out_of_descriptors_closes_the_newcomer_and_goes_on)
{
    struct house *h = house_new();
    ck_assert_int_eq(house_open(h, "127.0.0.1:0", false, 10, NULL), 0);
    door_start(h->door);
    struct rlimit limit = {200, 200};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    struct address a;
    ck_assert_int_eq(
        address_parse(door_address(h->door, 0), strlen(door_address(h->door, 0)), &a, NULL), 0);
    int first = socket(AF_INET, SOCK_STREAM, 0), second = socket(AF_INET, SOCK_STREAM, 0),
        fillers[200], n = 0;
    while ((fillers[n] = dup(0)) >= 0)
        n++;
    ck_assert_int_eq(connect(first, (struct sockaddr *)&a.sa, a.len), 0);
    for (int i = 0; i < 50; i++) {
        uv_run(&h->loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    ck_assert_int_eq(ended(first, 2000), 0);
    ck_assert_uint_eq(h->fd_count, 0);
    ck_assert_uint_ge(metrics_value(h->metrics, METRIC_REFUSED, REFUSED_CONNECTION_LIMIT), 1);
    while (n > 0)
        close(fillers[--n]);
    ck_assert_int_eq(connect(second, (struct sockaddr *)&a.sa, a.len), 0);
    house_wait(h, 1);
    close(first);
    close(second);
    house_free(h);
}
END_TEST

START_TEST(stop_takes_what_waits_and_then_refuses)
{
    struct house *h = house_new();
    int fds[200];
    char address[ADDRESS_TEXT];
    ck_assert_int_eq(house_open(h, "127.0.0.1:0", false, 1000, NULL), 0);
    snprintf(address, sizeof address, "%s", door_address(h->door, 0));
    door_start(h->door);
    for (int i = 0; i < 200; i++)
        fds[i] = connect_to(address);
    door_stop(h->door);
    house_wait(h, 200);
    struct address a;
    address_parse(address, strlen(address), &a, NULL);
    int late = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(late, (struct sockaddr *)&a.sa, a.len), -1);
    ck_assert_int_eq(errno, ECONNREFUSED);
    close(late);
    for (int i = 0; i < 200; i++)
        close(fds[i]);
    house_free(h);
}
END_TEST

START_TEST(unix_socket_stale_file_is_replaced_live_one_is_not)
{
    char folder[] = "/tmp/sparrow-door-XXXXXX", text[ADDRESS_TEXT], path[100];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(text, sizeof text, "unix:%s/s", folder);
    snprintf(path, sizeof path, "%s/s", folder);
    struct address a;
    ck_assert_int_eq(address_parse(text, strlen(text), &a, NULL), 0);
    int stale = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(stale, (struct sockaddr *)&a.sa, a.len), 0);
    close(stale); /* the file stays, nobody listens */

    struct house *h = house_new(), *other = house_new();
    struct sparrow_error err = {0};
    ck_assert_msg(house_open(h, text, false, 10, &err) == 0, "%s", err.text);
    ck_assert_str_eq(door_address(h->door, 0), text);
    ck_assert_int_eq(house_open(other, text, false, 10, &err), SPARROW_IO);
    door_start(h->door);
    int fd = connect_to(text);
    house_wait(h, 2); /* the other's question whether anybody is there counts as one */
    close(fd);
    house_free(other);
    house_free(h);
    ck_assert_int_eq(access(path, F_OK), -1);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(adopt_takes_a_listening_socket_only)
{
    struct listener l;
    struct sparrow_error err = {0};
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ck_assert_int_eq(listener_adopt(pair[0], &l, &err), SPARROW_CONFIG);
    close(pair[0]);
    close(pair[1]);
    struct address a;
    ck_assert_int_eq(address_parse("127.0.0.1:0", 11, &a, NULL), 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a.sa, a.len), 0);
    ck_assert_int_eq(listener_adopt(fd, &l, &err), SPARROW_CONFIG);
    ck_assert_int_eq(listen(fd, 5), 0);
    ck_assert_int_eq(listener_adopt(fd, &l, &err), 0);
    ck_assert(l.inherited);
    ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
    listener_close(&l);
    ck_assert_int_eq(l.fd, -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("door");
    TCase *cases = tcase_create("door");
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, parse_good_prints_back, 0, sizeof addresses / sizeof *addresses);
    tcase_add_loop_test(cases, parse_rubbish_says_which, 0, sizeof rubbish / sizeof *rubbish);
    tcase_add_test(cases, parse_unix_path_too_long_is_refused);
    tcase_add_test(cases, open_beyond_loopback_needs_insecure);
    tcase_add_test(cases, open_port_taken_names_the_address);
    tcase_add_test(cases, burst_is_spread_evenly);
    tcase_add_test(cases, above_the_limit_is_closed_at_once_and_counted);
    tcase_add_test(cases, stuck_lane_gets_no_connections_and_gives_back_those_on_their_way);
    tcase_add_test(cases, out_of_descriptors_closes_the_newcomer_and_goes_on);
    tcase_add_test(cases, stop_takes_what_waits_and_then_refuses);
    tcase_add_test(cases, unix_socket_stale_file_is_replaced_live_one_is_not);
    tcase_add_test(cases, adopt_takes_a_listening_socket_only);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
