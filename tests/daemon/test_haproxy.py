#!/usr/bin/python3
"""test_haproxy.py - conf/haproxy.cfg in front of two daemons: when one is killed or stopped under load, no request is lost."""
# SPDX-License-Identifier: Apache-2.0
import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from harness import SLOW, TOP_SRC, Daemon, Skip, run_tests, wait_for, wav

HAPROXY = shutil.which("haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin")


def need_haproxy():
    if HAPROXY is None:
        raise Skip("no haproxy")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Proxy:
    """HAProxy with the example's configuration, its addresses replaced."""

    def __init__(self, first, second):
        self.port, self.folder = free_port(), tempfile.mkdtemp(prefix="sparrow-haproxy-")
        with open(os.path.join(TOP_SRC, "conf", "haproxy.cfg"), encoding="utf-8") as f:
            text = f.read()
        for old, new in (("127.0.0.1:8770", f"127.0.0.1:{first.port}"), ("127.0.0.1:8771", f"127.0.0.1:{second.port}"),
                         ("127.0.0.1:8080", f"127.0.0.1:{self.port}"), ("maxconn 10000", "maxconn 200")):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        self.file = os.path.join(self.folder, "haproxy.cfg")
        with open(self.file, "w", encoding="utf-8") as f:
            f.write(text)

    def __enter__(self):
        self.process = subprocess.Popen([HAPROXY, "-f", self.file, "-db"], stdin=subprocess.DEVNULL)
        wait_for(lambda: self.get("/readyz") == 200, 5, "HAProxy")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def get(self, path):
        try:
            c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20 * SLOW)
            c.request("GET", path)
            return c.getresponse().status
        except OSError:
            return None


def load(port, seen, over):
    """Posts on one connection until it is over; counts statuses and failures."""
    connection, body = http.client.HTTPConnection("127.0.0.1", port, timeout=20 * SLOW), wav()
    while not over.is_set():
        try:
            connection.request("POST", "/v1/recognize", body, {"Content-Type": "audio/wav"})
            answer = connection.getresponse()
            answer.read()
            seen.append(answer.status)
        except (OSError, http.client.HTTPException) as problem:
            seen.append(type(problem).__name__)
            connection.close()
    connection.close()


def under_load(number):
    """Sends the signal to one of two daemons while eight clients post; gives what they saw."""
    need_haproxy()
    end = -number if number == signal.SIGKILL else 0
    with Daemon() as stays, Daemon({"server.drain_delay": 2}, expect_exit=end) as goes, Proxy(stays, goes) as proxy:
        wait_for(lambda: goes.metric("sparrow_ready") == 1, 5, "both")
        seen, over = [[] for _ in range(8)], threading.Event()
        threads = [threading.Thread(target=load, args=(proxy.port, s, over)) for s in seen]
        for t in threads:
            t.start()
        time.sleep(1.5)
        before = goes.metric("sparrow_words_total")
        goes.signal(number)
        time.sleep(3)
        over.set()
        for t in threads:
            t.join()
        assert before > 0, "the one that goes had no work"
        assert stays.metric("sparrow_words_total") > 0
    return [x for s in seen for x in s]


def test_a_killed_daemon_costs_no_request():
    seen = under_load(signal.SIGKILL)
    assert len(seen) > 100 and set(seen) == {200}, {x: seen.count(x) for x in set(seen)}


def test_a_stopped_daemon_costs_no_request():
    seen = under_load(signal.SIGTERM)
    assert len(seen) > 100 and set(seen) == {200}, {x: seen.count(x) for x in set(seen)}


def test_metrics_stay_inside():
    need_haproxy()
    with Daemon() as a, Daemon() as b, Proxy(a, b) as proxy:
        assert proxy.get("/metrics") == 403
        assert proxy.get("/healthz") == 200


if __name__ == "__main__":
    run_tests(globals())
