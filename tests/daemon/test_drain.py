#!/usr/bin/python3
"""The end of a daemon, and sockets that outlive it: drain under load, drain with slow requests, drain delay, a client that
stays, a second signal, socket activation, failing to start. Starts its own daemons; writes only into their temporary folders."""
# SPDX-License-Identifier: Apache-2.0
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
from harness import SLOW, SPARROWD, TOP_SRC, Daemon, Skip, run_tests, wait_for, wav  # noqa: E402

CLIP = wav()


class Load:
    """Threads that post on keep-alive connections until the daemon refuses a new one. A request that was sent and got no
    answer is a failure, but for one that a closing idle connection could not take (sent again on a new one)."""

    def __init__(self, daemon, threads):
        self.d, self.ok, self.failed, self.over = daemon, 0, [], 0
        self.threads = [threading.Thread(target=self.work) for _ in range(threads)]
        for t in self.threads:
            t.start()

    def work(self):
        c = None
        while True:
            if c is None:
                c = http.client.HTTPConnection("127.0.0.1", self.d.port, timeout=30 * SLOW)
                try:
                    c.connect()
                except ConnectionRefusedError:
                    self.over += 1
                    return
                except OSError as why:
                    self.failed.append(f"connect: {why!r}")
                    return
                fresh = True
            try:
                c.request("POST", "/v1/recognize", CLIP, {"Content-Type": "audio/wav"})
                r = c.getresponse()
                body = r.read()
                if r.status != 200:
                    self.failed.append(f"{r.status} {body[:200]!r}")
                self.ok += 1
                fresh = False
                if r.getheader("Connection", "").lower() == "close":
                    c.close()
                    c = None
            except (OSError, http.client.HTTPException) as why:
                # the listening socket's last moments: accepted by the kernel after the door closed
                if not (fresh and isinstance(why, (ConnectionResetError, http.client.RemoteDisconnected)) and self.refused()):
                    self.failed.append(repr(why))
                c.close()
                c = None

    def refused(self):
        try:
            socket.create_connection(("127.0.0.1", self.d.port), timeout=5).close()
            return False
        except OSError:
            return True

    def join(self):
        for t in self.threads:
            t.join()


def test_drain_under_load_loses_no_request():
    with Daemon({"schedule.max_wait": 60}) as d:     # a slow or busy machine refuses nothing
        load = Load(d, 8)
        wait_for(lambda: load.ok > 200, 20, "load")
        before = load.ok
        d.signal(signal.SIGTERM)
        assert d.wait() == 0
        load.join()
        assert not load.failed, load.failed[:5]
        assert load.over == 8 and load.ok >= before


def test_drain_waits_for_running_requests_and_says_close():
    with Daemon({"test.word_cost": 0.8, "schedule.max_wait": 30}) as d:
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(d.post("/v1/recognize", CLIP, timeout=60))) for _ in range(2)]
        for t in threads:
            t.start()
        time.sleep(0.4)
        d.signal(signal.SIGTERM)
        assert d.wait() == 0
        for t in threads:
            t.join()
        assert [a.status for a in answers] == [200, 200], answers
        assert all(a.headers.get("connection", "").lower() == "close" for a in answers), answers


def test_idle_clients_do_not_hold_up_the_end():
    with Daemon() as d:
        idle = [d.socket() for _ in range(20)]
        for s in idle[:10]:
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            assert s.recv(10000).startswith(b"HTTP/1.1 200")
        begin = time.monotonic()
        d.signal(signal.SIGTERM)
        assert d.wait() == 0
        assert time.monotonic() - begin < 4 * SLOW
        for s in idle:
            s.close()


def test_readiness_goes_off_first_and_the_door_stays_open_for_the_delay():
    with Daemon({"server.drain_delay": 2 * SLOW}) as d:
        assert d.get("/readyz").status == 200
        d.signal(signal.SIGTERM)
        wait_for(lambda: d.get("/readyz").status == 503, 2, "/readyz to say no")
        assert d.post("/v1/recognize", CLIP).status == 200
        assert d.get("/healthz").status == 200
        assert d.wait() == 0


def test_a_request_that_never_ends_is_cut_by_the_drain_timeout():
    with Daemon({"server.drain_timeout": 1}) as d, d.socket() as s:
        s.sendall(b"POST /v1/recognize HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx")
        time.sleep(0.2)
        begin = time.monotonic()
        d.signal(signal.SIGTERM)
        assert d.wait() == 0
        assert 0.9 <= time.monotonic() - begin <= 5 * SLOW
        assert "drain_timeout is over" in d.log()


def test_a_second_signal_ends_at_once():
    with Daemon() as d, d.socket() as s:
        s.sendall(b"POST /v1/recognize HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx")
        time.sleep(0.2)
        d.signal(signal.SIGTERM)
        time.sleep(0.3)
        begin = time.monotonic()
        d.signal(signal.SIGINT)
        assert d.wait() == 0
        assert time.monotonic() - begin < 4 * SLOW


def test_socket_activation_serves_on_the_socket_it_was_given():
    tool = shutil.which("systemd-socket-activate")
    if not tool:
        raise Skip("systemd-socket-activate is not installed")
    with socket.socket() as probe:          # a free port: the tool knows no port 0 that it would tell
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    keep = [f"--setenv={n}={v}" for n, v in os.environ.items() if n.endswith("SAN_OPTIONS")]
    d = Daemon({"server.listen": "192.0.2.1:1"}, command=[tool, "-l", f"127.0.0.1:{port}", *keep, SPARROWD])
    knock = threading.Thread(target=knock_until_accepted, args=(port,))
    knock.start()                           # the tool starts the daemon when somebody knocks
    with d:
        knock.join()
        assert d.addresses == [f"127.0.0.1:{port}"], d.addresses
        assert d.post("/v1/recognize", CLIP).status == 200


def knock_until_accepted(port):
    for _ in range(500):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=20 * SLOW) as s:
                s.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                assert s.recv(10000).startswith(b"HTTP/1.1 200")
                return
        except OSError:
            time.sleep(0.02)


def test_cannot_start_says_why_and_leaves_nothing():
    with Daemon() as d:
        for options, why in (({"server.listen": f"127.0.0.1:{d.port}"}, "cannot bind"),
                             ({"models.path": d.folder}, ""), ({"models.path": "/nowhere.sparrow"}, "/nowhere.sparrow")):
            other = Daemon(options)
            p = subprocess.run([SPARROWD] + other.arguments(), capture_output=True, timeout=60 * SLOW)
            shutil.rmtree(other.folder)
            assert p.returncode == 1 and b"cannot start" in p.stderr and why.encode() in p.stderr, (options, p)
            assert b"Sanitizer" not in p.stderr, p.stderr


def test_ready_fd_hears_the_addresses_once_it_serves():
    read_end, write_end = os.pipe()
    with Daemon(args=["--ready-fd", str(write_end)], pass_fds=(write_end,)) as d:
        os.close(write_end)
        with os.fdopen(read_end) as f:
            assert f.read().split() == d.addresses     # and it is closed: the read ends


def test_bad_options_are_refused_with_2():
    for arguments in (["--nonsense"], ["--server.lanes=many"], ["--server.nothing=1"], ["--config", "/nowhere.conf"], ["--config"], ["x"]):
        p = subprocess.run([SPARROWD] + arguments, capture_output=True, timeout=60 * SLOW)
        assert p.returncode == 2 and p.stderr, (arguments, p)
    for arguments in (["--help"], ["--version"], ["--print-config"], ["--print-man"], ["--print-keys"], ["--print-metrics"],
                      ["--print-errors"], ["--check", "--server.lanes=2", f"--models.path={os.path.join(TOP_SRC, 'models')}"]):
        p = subprocess.run([SPARROWD] + arguments, capture_output=True, timeout=60 * SLOW)
        assert p.returncode == 0 and p.stdout and not p.stderr, (arguments, p)


if __name__ == "__main__":
    run_tests(globals())
