"""harness.py - starts the real sparrowd on free ports, talks to it, stops it, and looks at what it left behind.

Writes only into a temporary folder of its own, which it removes; leaves no process running. Standard library only.

    from harness import Daemon, run_tests

    def test_health_answers():
        with Daemon() as d:
            answer = d.get("/healthz")
            assert answer.status == 200, answer

    if __name__ == "__main__":
        run_tests(globals())

Environment: SPARROWD (program; default $top_builddir/sparrowd), SPARROW_MODELS (default $top_srcdir/models),
             HARNESS_ONLY (run the tests whose name contains it), HARNESS_SHOW (print the daemon's log of each test).
"""
# SPDX-License-Identifier: Apache-2.0
import contextlib
import http.client
import json
import math
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
TOP_SRC = os.environ.get("top_srcdir", os.path.dirname(os.path.dirname(HERE)))
TOP_BUILD = os.environ.get("top_builddir", TOP_SRC)
SPARROWD = os.environ.get("SPARROWD", os.path.join(TOP_BUILD, "sparrowd"))
MODELS = os.environ.get("SPARROW_MODELS", os.path.join(TOP_SRC, "models"))
SANITIZER = re.compile(r"(ERROR|WARNING): (Address|Leak|Thread|UndefinedBehavior|Memory)Sanitizer|: runtime error: ")


def patience():
    """Tests that wait use this x their usual patience: a sanitized build is many times slower."""
    if "HARNESS_SLOW" in os.environ:
        return float(os.environ["HARNESS_SLOW"])
    with contextlib.suppress(OSError), open(os.path.join(TOP_BUILD, "Makefile"), encoding="utf-8") as makefile:
        return 6.0 if re.search(r"^SANITIZE_CFLAGS = \S", makefile.read(), re.M) else 2.0
    return 2.0


SLOW = patience()


class Skip(Exception):
    """This machine cannot run the test; says why."""


class Answer:
    """One HTTP answer: status, headers (lower-case names), body."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:400]!r}>"


def wav(seconds=1.0, rate=16000, tone_hz=440.0, channels=1):
    """A WAV file of a tone."""
    frames = int(seconds * rate)
    samples = b"".join(struct.pack("<h", int(8000 * math.sin(2 * math.pi * tone_hz * i / rate))) * channels for i in range(frames))
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(samples), b"WAVE", b"fmt ", 16, 1, channels, rate,
                       rate * 2 * channels, 2 * channels, 16, b"data", len(samples))
    return head + samples


def wait_for(condition, seconds=5.0, what="condition"):
    """Asks until it is true; fails after `seconds` (x SLOW)."""
    end = time.monotonic() + seconds * SLOW
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds * SLOW:.0f} s in vain for: {what}")


class Daemon:
    """One running sparrowd. options: {"section.key": value}; a value of None leaves the default in force."""

    def __init__(self, options=None, env=None, args=(), command=None, expect_exit=0, models=MODELS, pass_fds=()):
        self.folder = tempfile.mkdtemp(prefix="sparrow-test-")
        self.options = {"server.listen": "127.0.0.1:0", "server.lanes": 2, "models.path": models, "log.level": "info"}
        self.options.update(options or {})
        self.env = dict(os.environ, **(env or {}))
        for name in [n for n in self.env if n.startswith("SPARROWD_")]:
            del self.env[name]
        self.args, self.command, self.expect_exit = list(args), command, expect_exit
        self.pass_fds = pass_fds
        self.process, self.addresses, self.port = None, [], 0

    # ---- life ----

    def arguments(self):
        return [f"--{key}={value}" for key, value in self.options.items() if value is not None] + self.args

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        failed = True
        try:
            if kind is None:
                self.stop()
                failed = False
        finally:
            self.kill()
            if failed or os.environ.get("HARNESS_SHOW"):
                sys.stderr.write("---- log of sparrowd\n" + self.log()[-6000:] + "----\n")
            shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        ports = os.path.join(self.folder, "ports")
        self.stderr = open(os.path.join(self.folder, "log"), "wb")
        command = (self.command or [SPARROWD]) + ["--port-file", ports] + self.arguments()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.stderr, stderr=self.stderr, env=self.env,
                                        pass_fds=self.pass_fds)

        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"sparrowd ended with {self.process.returncode} before it was ready:\n{self.log()}")
            return os.path.exists(ports)      # written under another name, then renamed: whole or not there

        try:
            wait_for(ready, 20, "the port file")
        except BaseException:
            self.kill()
            raise
        self.addresses = open(ports).read().split()
        tcp = [a for a in self.addresses if not a.startswith("unix:")]
        self.port = int(tcp[0].rsplit(":", 1)[1]) if tcp else 0

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=30.0):
        """The exit status once it ended."""
        return self.process.wait(seconds * SLOW)

    def stop(self):
        """SIGTERM, then the exit status and the log must be as expected."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        code = self.wait()
        assert code == self.expect_exit, f"exit status {code}, expected {self.expect_exit}"
        found = SANITIZER.search(self.log())
        assert not found, f"sanitizer: {found.group(0)}"

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        with contextlib.suppress(Exception):
            self.stderr.close()

    def log(self):
        try:
            return open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace").read()
        except OSError:
            return ""

    # ---- talk ----

    def request(self, method, path, body=None, headers=None, timeout=20.0, connection=None):
        """One request; on a connection of its own unless one is given (self.connect())."""
        c = connection or self.connect(timeout)
        try:
            c.request(method, path, body=body, headers=headers or {})
            r = c.getresponse()
            return Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, r.read())
        finally:
            if connection is None:
                c.close()

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body, content_type="audio/wav", headers=None, **more):
        return self.request("POST", path, body=body, headers=dict({"Content-Type": content_type}, **(headers or {})), **more)

    def connect(self, timeout=20.0):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout * SLOW)

    def socket(self, timeout=20.0):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=timeout * SLOW)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def raw(self, data, timeout=20.0, quiet=0.4):
        """Sends bytes, returns (answers, how it ended): "closed", "reset", or "open" if nothing more came for `quiet` s (x SLOW)
        after the first answer."""
        with self.socket(timeout) as s:
            out, end = b"", "open"
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                s.sendall(data)
            try:
                while True:
                    if out:
                        s.settimeout(quiet * SLOW)
                    got = s.recv(65536)
                    if not got:
                        end = "closed"
                        break
                    out += got
            except socket.timeout:
                pass
            except ConnectionResetError:
                end = "reset"
        return split_answers(out), end

    def metric(self, name, **labels):
        """The value of one series of /metrics, 0 if it is not there."""
        for line in self.get("/metrics").body.decode().splitlines():
            found = re.match(r"([a-z_:0-9]+)(?:\{(.*)\})? (\S+)", line)
            if found and found.group(1) == name:
                have = dict(re.findall(r'(\w+)="([^"]*)"', found.group(2) or ""))
                if all(have.get(k) == v for k, v in labels.items()):
                    return float(found.group(3))
        return 0.0


def split_answers(data):
    """Answers one after the other, each framed by its Content-Length (or by the end of the connection)."""
    answers = []
    while data:
        head, found, rest = data.partition(b"\r\n\r\n")
        if not found or not head.startswith(b"HTTP/1."):
            answers.append(Answer(0, {}, data))
            break
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1])
        headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
        length = 0 if status in (100, 204, 304) else int(headers.get("content-length", len(rest)))
        answers.append(Answer(status, headers, rest[:length]))
        data = rest[length:]
    return answers


def run_tests(names):
    """Runs every test_* of a module's globals(), in order of definition. Exit status: 0, 1, or 77 when all were skipped."""
    only = os.environ.get("HARNESS_ONLY", "")
    tests = [(n, f) for n, f in names.items() if n.startswith("test_") and callable(f) and only in n]
    passed = failed = skipped = 0
    for name, test in tests:
        begin = time.monotonic()
        try:
            test()
            passed += 1
            word = "ok"
        except Skip as why:
            skipped += 1
            word = f"skipped: {why}"
        except Exception:                     # the test's failure is what is reported; the next one still runs
            failed += 1
            traceback.print_exc()
            word = "FAILED"
        print(f"{name}: {word} ({time.monotonic() - begin:.1f} s)", flush=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 77 if skipped and not passed else 0)
