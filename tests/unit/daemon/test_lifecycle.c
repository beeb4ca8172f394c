/* test_lifecycle.c - signals, what systemd is told (read from a datagram socket of our own), the
 * watchdog, sockets handed over.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/lifecycle.h"
#include "daemon/notify.h"

struct seen {
    unsigned reloads, drains, stops, asked;
    bool alive;
    uv_loop_t *loop;
};

static void on_reload(void *arg)
{
    ((struct seen *)arg)->reloads++;
}

static void on_drain(void *arg)
{
    ((struct seen *)arg)->drains++;
}

static void on_stop(void *arg)
{
    ((struct seen *)arg)->stops++;
}

static bool is_alive(void *arg)
{
    ((struct seen *)arg)->asked++;
    return ((struct seen *)arg)->alive;
}

struct fixture {
    uv_loop_t loop;
    struct log *log;
    struct seen seen;
    struct lifecycle *lifecycle;
};

static void begin(struct fixture *f)
{
    struct lifecycle_calls calls = {on_reload, on_drain, on_stop, is_alive, &f->seen};
    memset(f, 0, sizeof(*f));
    f->seen.alive = true;
    uv_loop_init(&f->loop);
    f->log = log_new();
    log_set_level(f->log, "error");
    ck_assert_int_eq(lifecycle_new(&f->loop, f->log, &calls, &f->lifecycle), 0);
}

static void end(struct fixture *f)
{
    lifecycle_free(f->lifecycle);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&f->loop), 0); /* every handle of ours is closed */
    log_free(f->log);
}

static void nothing(uv_timer_t *timer)
{
    (void)timer;
}

/* Turns the loop for ms milliseconds. */
static void turn(struct fixture *f, uint64_t ms)
{
    uv_timer_t timer;
    uv_timer_init(&f->loop, &timer);
    uint64_t until = uv_hrtime() / 1000000 + ms;
    do {
        uint64_t now = uv_hrtime() / 1000000;
        uv_timer_start(&timer, nothing, now < until ? until - now : 0, 0);
        uv_run(&f->loop, UV_RUN_ONCE);
    } while (uv_hrtime() / 1000000 < until);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&f->loop, UV_RUN_NOWAIT);
}

/* systemd's end. abstract: a name that begins with NUL. */
static int listen_as_systemd(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = strlen(name);
    memcpy(address.sun_path, name, n);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    else
        unlink(name);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static const char *heard(int fd)
{
    static char text[512];
    struct pollfd p = {fd, POLLIN, 0};
    text[0] = '\0';
    if (poll(&p, 1, 0) == 1) {
        ssize_t n = recv(fd, text, sizeof(text) - 1, 0);
        text[n > 0 ? n : 0] = '\0';
    }
    return text;
}

static int listen_abstract(void)
{
    char name[64];
    snprintf(name, sizeof(name), "@sparrow-test-%ld", (long)getpid());
    return listen_as_systemd(name);
}

START_TEST(signals_reload_drain_stop)
{
    struct fixture f;
    begin(&f);
    kill(getpid(), SIGHUP);
    turn(&f, 20);
    kill(getpid(), SIGHUP);
    turn(&f, 20);
    ck_assert_uint_eq(f.seen.reloads, 2);
    ck_assert_uint_eq(f.seen.drains + f.seen.stops, 0);
    kill(getpid(), SIGTERM);
    turn(&f, 20);
    ck_assert_uint_eq(f.seen.drains, 1);
    ck_assert_uint_eq(f.seen.stops, 0);
    kill(getpid(), SIGINT);
    turn(&f, 20);
    ck_assert_uint_eq(f.seen.drains, 1);
    ck_assert_uint_eq(f.seen.stops, 1);
    end(&f);
}
END_TEST

START_TEST(third_signal_ends_a_process_that_hangs)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct fixture f;
        begin(&f);
        for (int i = 0; i < 2; i++) {
            kill(getpid(), SIGTERM);
            turn(&f, 20);
        }
        if (f.seen.drains != 1 || f.seen.stops != 1)
            _exit(1);
        kill(getpid(), SIGTERM); /* no loop turns any more */
        pause();
        _exit(2);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "status %d", status);
}
END_TEST

START_TEST(broken_pipes_are_no_signal)
{
    struct fixture f;
    int fds[2];
    begin(&f);
    ck_assert_int_eq(pipe(fds), 0);
    close(fds[0]);
    ck_assert_int_eq(write(fds[1], "x", 1), -1);
    close(fds[1]);
    end(&f);
}
END_TEST

START_TEST(states_are_told_in_order)
{
    struct fixture f;
    int fd = listen_abstract();
    begin(&f);
    ck_assert_int_eq(lifecycle_state(f.lifecycle), LIFECYCLE_STARTING);
    ck_assert_str_eq(heard(fd), "");
    lifecycle_status(f.lifecycle, "Loading models\nREADY=1");
    ck_assert_str_eq(heard(fd), "STATUS=Loading models");
    lifecycle_set(f.lifecycle, LIFECYCLE_READY);
    ck_assert_int_eq(lifecycle_state(f.lifecycle), LIFECYCLE_READY);
    ck_assert_str_eq(heard(fd), "READY=1\nSTATUS=Ready.");

    struct timespec now;
    lifecycle_reloading(f.lifecycle, true);
    clock_gettime(CLOCK_MONOTONIC, &now);
    unsigned long long us = 0, us_now = (unsigned long long)now.tv_sec * 1000000 +
                                        (unsigned long long)now.tv_nsec / 1000;
    const char *text = heard(fd);
    ck_assert_msg(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=", &us) == 1, "%s", text);
    ck_assert_msg(us <= us_now && us_now - us < 5000000, "%llu at %llu", us, us_now);
    lifecycle_reloading(f.lifecycle, false);
    ck_assert_str_eq(heard(fd), "READY=1\nSTATUS=Ready.");

    lifecycle_set(f.lifecycle, LIFECYCLE_DRAINING);
    ck_assert_str_eq(heard(fd), "STOPPING=1\nSTATUS=Draining.");
    lifecycle_set(f.lifecycle, LIFECYCLE_STOPPING);
    ck_assert_str_eq(heard(fd), ""); /* once is enough */
    ck_assert_int_eq(lifecycle_state(f.lifecycle), LIFECYCLE_STOPPING);
    end(&f);
    close(fd);
}
END_TEST

START_TEST(path_sockets_work_too_and_bad_ones_are_survived)
{
    char dir[] = "test_lifecycle.XXXXXX", cwd[256], name[300];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_ptr_nonnull(getcwd(cwd, sizeof(cwd)));
    snprintf(name, sizeof(name), "%s/%s/notify", cwd, dir);
    if (strlen(name) < sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
        int fd = listen_as_systemd(name);
        ck_assert(notify_send("READY=1"));
        ck_assert_str_eq(heard(fd), "READY=1");
        close(fd);
        ck_assert(!notify_send("READY=1"));
        unlink(name);
    }
    rmdir(dir);
    setenv("NOTIFY_SOCKET", "relative", 1);
    ck_assert(!notify_send("x"));
    char longest[200];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[0] = '/';
    longest[sizeof(longest) - 1] = '\0';
    setenv("NOTIFY_SOCKET", longest, 1);
    ck_assert(!notify_send("x"));
    setenv("NOTIFY_SOCKET", "", 1);
    ck_assert(notify_send("x"));
    unsetenv("NOTIFY_SOCKET");
    ck_assert(notify_send("x"));
}
END_TEST

START_TEST(watchdog_is_fed_at_half_time_only_while_alive)
{
    struct fixture f;
    int fd = listen_abstract();
    setenv("WATCHDOG_USEC", "100000", 1);
    begin(&f);
    turn(&f, 450); /* the queue holds ten messages and nobody reads meanwhile */
    unsigned fed = 0;
    for (const char *text; (text = heard(fd))[0] != '\0'; fed++)
        ck_assert_str_eq(text, "WATCHDOG=1");
    ck_assert_msg(fed >= 1 && fed <= 10, "fed %u times in 450 ms", fed);
    ck_assert_uint_eq(f.seen.asked, fed);
    f.seen.alive = false;
    turn(&f, 200);
    ck_assert_str_eq(heard(fd), "");
    ck_assert_uint_gt(f.seen.asked, fed);
    f.seen.alive = true;
    turn(&f, 200);
    ck_assert_str_eq(heard(fd), "WATCHDOG=1");
    end(&f);
    close(fd);
}
END_TEST

START_TEST(watchdog_of_somebody_else_is_not_ours)
{
    char pid[32];
    unsetenv("WATCHDOG_USEC");
    ck_assert_uint_eq(notify_watchdog_us(), 0);
    setenv("WATCHDOG_USEC", "5000000", 1);
    ck_assert_uint_eq(notify_watchdog_us(), 5000000);
    snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    ck_assert_uint_eq(notify_watchdog_us(), 5000000);
    setenv("WATCHDOG_PID", "1", 1);
    ck_assert_uint_eq(notify_watchdog_us(), 0);
    unsetenv("WATCHDOG_PID");
    setenv("WATCHDOG_USEC", "5s", 1);
    ck_assert_uint_eq(notify_watchdog_us(), 0);
}
END_TEST

static int listening_socket(void)
{
    struct sockaddr_un address = {.sun_family =
                                      AF_UNIX}; /* autobind: the kernel chooses an abstract name */
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
    ck_assert_int_eq(listen(fd, 5), 0);
    return fd;
}

START_TEST(sockets_handed_over_are_checked)
{
    char pid[32];
    int fds[8], one = listening_socket(), two = listening_socket(),
                null = open("/dev/null", O_RDONLY);
    /* 3: listening, 4: no socket, 5: listening */
    one = fcntl(one, F_DUPFD, 20);
    two = fcntl(two, F_DUPFD, 20);
    null = fcntl(null, F_DUPFD, 20);
    ck_assert_int_eq(dup2(one, 3), 3);
    ck_assert_int_eq(dup2(null, 4), 4);
    ck_assert_int_eq(dup2(two, 5), 5);
    snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    setenv("LISTEN_FDS", "3", 1);
    ck_assert_uint_eq(lifecycle_listen_fds(fds, 8), 0); /* no LISTEN_PID */
    setenv("LISTEN_PID", "1", 1);
    ck_assert_uint_eq(lifecycle_listen_fds(fds, 8), 0); /* somebody else's */
    setenv("LISTEN_PID", pid, 1);
    ck_assert_uint_eq(lifecycle_listen_fds(fds, 8), 2);
    ck_assert_int_eq(fds[0], 3);
    ck_assert_int_eq(fds[1], 5);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_ne(fcntl(fds[i], F_GETFD) & FD_CLOEXEC, 0);
        ck_assert_int_ne(fcntl(fds[i], F_GETFL) & O_NONBLOCK, 0);
    }
    ck_assert_uint_eq(lifecycle_listen_fds(fds, 1), 1);
    setenv("LISTEN_FDS", "99999999999", 1);
    ck_assert_uint_eq(lifecycle_listen_fds(fds, 8), 0);
    setenv("LISTEN_FDS", "-1", 1);
    ck_assert_uint_eq(lifecycle_listen_fds(fds, 8), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lifecycle");
    TCase *cases = tcase_create("lifecycle");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, signals_reload_drain_stop);
    tcase_add_test(cases, third_signal_ends_a_process_that_hangs);
    tcase_add_test(cases, broken_pipes_are_no_signal);
    tcase_add_test(cases, states_are_told_in_order);
    tcase_add_test(cases, path_sockets_work_too_and_bad_ones_are_survived);
    tcase_add_test(cases, watchdog_is_fed_at_half_time_only_while_alive);
    tcase_add_test(cases, watchdog_of_somebody_else_is_not_ours);
    tcase_add_test(cases, sockets_handed_over_are_checked);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
