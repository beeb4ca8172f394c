#!/usr/bin/python3
"""A lane that stands still: the others serve on, the log says so, the watchdog is not fed any more; and what systemd is told
over a life. The test stands in for systemd with a datagram socket. Starts its own daemons."""
# SPDX-License-Identifier: Apache-2.0
import os
import signal
import socket
import sys
import time

sys.dont_write_bytecode = True
from harness import SLOW, Daemon, run_tests, wait_for, wav  # noqa: E402

CLIP = wav()


class Systemd:
    """The other end of $NOTIFY_SOCKET."""

    def __init__(self, watchdog_s=None):
        self.name = f"\0sparrow-test-{os.getpid()}-{time.monotonic_ns()}"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.name)
        self.socket.setblocking(False)
        self.heard = []
        self.env = {"NOTIFY_SOCKET": "@" + self.name[1:]}
        if watchdog_s:
            self.env["WATCHDOG_USEC"] = str(int(watchdog_s * 1e6))

    def listen(self):
        while True:
            try:
                self.heard.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return self.heard

    def count(self, word):
        return sum(1 for text in self.listen() if word in text.split("\n"))


def test_a_life_as_systemd_hears_it():
    systemd = Systemd(watchdog_s=1)
    with Daemon(env=systemd.env) as d:
        wait_for(lambda: systemd.count("READY=1") == 1, 5, "READY=1")
        wait_for(lambda: systemd.count("WATCHDOG=1") >= 3, 10, "three WATCHDOG=1")
        d.signal(signal.SIGHUP)
        wait_for(lambda: systemd.count("READY=1") == 2, 5, "READY=1 after the reload")
        assert systemd.count("RELOADING=1") == 1
        assert any("MONOTONIC_USEC=" in text for text in systemd.heard if "RELOADING=1" in text)
        assert systemd.count("STOPPING=1") == 0
        d.signal(signal.SIGTERM)
        assert d.wait() == 0
        assert systemd.count("STOPPING=1") == 1


def test_stalled_lane_starves_the_watchdog_and_the_other_serves_on():
    systemd = Systemd(watchdog_s=1)
    # giving up on a thread that is stuck means to leave without joining it
    env = dict(systemd.env, TSAN_OPTIONS=os.environ.get("TSAN_OPTIONS", "") + ":report_thread_leaks=0")
    with Daemon({"test.fault": "stall:0:4", "server.lanes": 2}, env=env, expect_exit=1) as d:
        wait_for(lambda: systemd.count("WATCHDOG=1") >= 1, 10, "WATCHDOG=1")
        # lane 0 stands still in its fourth word; the request with that word, if it is one, is not answered
        held = []
        while "lane is stuck" not in d.log() and not held:
            s = d.socket()
            s.sendall(b"POST /v1/recognize HTTP/1.1\r\nHost: a\r\nContent-Type: audio/wav\r\nContent-Length: %d\r\n\r\n" % len(CLIP) + CLIP)
            s.settimeout(2.0 * SLOW)
            try:
                assert s.recv(100).startswith(b"HTTP/1.1 200")
                s.close()
            except socket.timeout:
                held.append(s)
        # new connections go to the other lane, at once or after half a second
        for _ in range(20):
            a = d.post("/v1/recognize", CLIP)
            assert a.status == 200, a
        wait_for(lambda: "lane is stuck" in d.log(), 10, "the log to say so")
        wait_for(lambda: "watchdog not fed" in d.log(), 10, "the watchdog not to be fed")
        health = d.get("/healthz")
        assert health.status == 503 and health.json()["stuck_lanes"] == 1, health
        fed = systemd.count("WATCHDOG=1")
        time.sleep(3)
        assert systemd.count("WATCHDOG=1") == fed, "the watchdog is still fed"
        assert d.post("/v1/recognize", CLIP).status == 200
        # told to end: the lane cannot, so the process ends without it, with an error
        d.signal(signal.SIGTERM)
        time.sleep(0.5)
        d.signal(signal.SIGINT)
        assert d.wait() == 1
        assert "does not end" in d.log()
        for s in held:
            s.close()


if __name__ == "__main__":
    run_tests(globals())
