#!/usr/bin/python3
"""test_operation.py - what an operator relies on: --check, precedence, logs, reload, what systemd is told, the watchdog, socket activation."""
# SPDX-License-Identifier: Apache-2.0
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from harness import SLOW, SPARROWD, TOP_SRC, Daemon, run_tests, wait_for, wav

LOGFMT = re.compile(r'^time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=(error|warning|info|debug) event=("([^"\\]|\\.)*"|[^ "=\\]+)'
                    r'( [a-z_0-9]+=("([^"\\]|\\.)*"|[^ "=\\]+))*$')


class Folder:
    """A temporary folder that goes away."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="sparrow-operation-")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def write(self, name, text):
        path = os.path.join(self.path, name)
        with open(path + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.replace(path + ".new", path)
        return path


def run(*arguments, **env):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SPARROWD_")}
    return subprocess.run([SPARROWD, *arguments], capture_output=True, text=True, timeout=60 * SLOW, env=dict(clean, **env), check=False)


# ---- the command line ----

def test_check_of_a_good_file_is_quiet_and_ends_with_0():
    answer = run("--check", "--config", os.path.join(TOP_SRC, "conf", "sparrowd.conf"), f"--models.path={os.path.join(TOP_SRC, 'models')}")
    assert answer.returncode == 0 and answer.stderr == "", answer


def test_check_lists_every_error_with_its_line():
    with Folder() as f:
        path = f.write("bad.conf", "[server]\nlistn = x\nlanes = 999\nlanes = 1\n[modles]\n[log]\nlevel = loud\nnonsense\n")
        answer = run("--check", "--config", path, "--schedule.queue_words=0", SPARROWD_AUDIO_MAX_CLIPS="many")
    assert answer.returncode == 2, answer
    wanted = [f"{path}:2: unknown key server.listn; did you mean server.listen?", f"{path}:3: server.lanes = 999: must be between 0 and 256",
              f"{path}:4: server.lanes is set twice, first in line 3", f"{path}:5: unknown section [modles]; did you mean [models]?",
              f"{path}:7: log.level = loud: must be one of: error warning info debug", f"{path}:8: neither",
              "environment SPARROWD_AUDIO_MAX_CLIPS: audio.max_clips = many: not a whole number",
              "command line: schedule.queue_words = 0: must be between 1 and 1048576"]
    for line in wanted:
        assert answer.stderr.count(line) == 1, (line, answer.stderr)


def test_check_judges_addresses_models_and_replicas():
    with Folder() as f:
        bad = f.write("bad.sparrow", "SPARROW\n")
        for override, wanted in (("--server.listen=127.0.0.1:99999", "99999"), ("--server.listen=0.0.0.0:8770", "server.insecure = yes"),
                                 (f"--models.path={bad}", bad), ("--models.path=/nowhere", "/nowhere"), ("--replicas.cpu=z80", "z80"),
                                 ("--replicas.lane=no", "replicas.workers"), ("--test.fault=bang", "test.fault")):
            answer = run("--check", f"--models.path={os.path.join(TOP_SRC, 'models')}", override)
            assert answer.returncode == 2 and wanted in answer.stderr and answer.stdout == "", (override, answer)


def test_a_long_path_does_not_hide_what_is_wrong_with_it():
    with Folder() as f:
        deep = os.path.join(f.path, "a" * 200)
        os.mkdir(deep)
        with open(os.path.join(deep, "bad.sparrow"), "w", encoding="utf-8") as bad:
            bad.write("SPARROW\n")
        for path, wanted in ((deep, "not a model"), (bad.name, "not a model"), (deep + "/none", "No such file"), (deep + "/" + "b" * 300, "too long")):
            answer = run("--check", f"--models.path={path}")
            assert answer.returncode == 2 and deep[:90] in answer.stderr and wanted in answer.stderr, answer


def test_a_bad_configuration_does_not_start():
    answer = run("--server.lanes=x")
    assert answer.returncode == 2 and "server.lanes = x" in answer.stderr, answer
    answer = run("--no-such-option")
    assert answer.returncode == 2 and "--no-such-option" in answer.stderr, answer


def test_help_and_version_say_what_they_should():
    answer = run("--help")
    assert answer.returncode == 0 and "--server.listen=127.0.0.1:8770" in answer.stdout, answer.stdout[:500]
    assert re.fullmatch(r"sparrowd \d+\.\d+\.\d+\n", run("--version").stdout)
    with open(os.path.join(TOP_SRC, "conf", "sparrowd.conf"), encoding="utf-8") as f:
        assert run("--print-config").stdout == f.read()


def lanes_of(daemon):
    return len(re.findall(r'^sparrow_connections\{lane="\d+"\} ', daemon.get("/metrics").body.decode(), re.M))


def test_command_line_over_environment_over_file():
    with Folder() as f:
        path = f.write("a.conf", "[server]\nlanes = 1\n")
        for options, env, lanes in (({"server.lanes": None}, [], 1), ({"server.lanes": None}, ["SPARROWD_SERVER_LANES=2"], 2),
                                    ({"server.lanes": 3}, ["SPARROWD_SERVER_LANES=2"], 3)):
            with Daemon(options, args=["--config", path], command=["env", *env, SPARROWD]) as d:
                assert lanes_of(d) == lanes, (lanes_of(d), lanes)


def threads_of(daemon, name):
    tasks = f"/proc/{daemon.pid}/task"
    names = [open(os.path.join(tasks, task, "comm"), encoding="utf-8").read().strip() for task in os.listdir(tasks)]
    return sum(re.fullmatch(name + r" \d+", found) is not None for found in names)


def test_threads_follow_the_cores_that_the_process_may_use():
    cores = sorted(os.sched_getaffinity(0))
    for used in (cores, cores[:1]):
        command = ["taskset", "-c", ",".join(map(str, used)), SPARROWD]
        with Daemon({"server.lanes": 0, "audio.decode_threads": 0}, command=command) as d:
            assert threads_of(d, "lane") == len(used) and threads_of(d, "decode") == max(1, len(used) // 2), (used, d.log())


# ---- metrics ----

def test_answers_and_their_bytes_are_counted():
    with Daemon() as d:
        answers = [d.post("/v1/recognize", wav()), d.get("/v1/models"), d.get("/nowhere"), d.post("/v1/recognize?top=x", wav())]
        assert [answer.status for answer in answers] == [200, 200, 404, 400], answers
        assert d.metric("sparrow_http_answers_total", code="2xx") >= 2
        assert d.metric("sparrow_http_answers_total", code="4xx") == 2
        before = d.metric("sparrow_received_bytes_total"), d.metric("sparrow_sent_bytes_total")
        again = d.post("/v1/recognize", wav())
        assert d.metric("sparrow_received_bytes_total") - before[0] == len(wav())
        assert d.metric("sparrow_sent_bytes_total") - before[1] >= len(again.body)


# ---- logs ----

def test_logfmt_lines_are_well_formed():
    with Daemon() as d:
        d.post("/v1/recognize", wav())
        log = d.log()
    assert log.count("\n") >= 1
    for line in log.splitlines():
        assert LOGFMT.match(line), line


def test_json_lines_are_json():
    with Daemon({"log.format": "json", "log.level": "debug"}) as d:
        d.post("/v1/recognize?model=%0a%22", wav())
        log = d.log()
    lines = [json.loads(line) for line in log.splitlines()]
    assert lines and all({"time", "level", "event"} <= set(line) for line in lines), log


def test_under_the_journal_lines_have_a_priority_and_no_time():
    shell = 'export JOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/2); exec "$0" "$@"'
    with Daemon(command=["bash", "-c", shell, SPARROWD]) as d:
        log = d.log()
    assert log
    for line in log.splitlines():
        assert re.match(r"<[3467]>level=", line), line


# ---- reload ----

def test_a_bad_reload_keeps_what_is_in_use_and_a_good_one_applies():
    with Folder() as f:
        path = f.write("a.conf", "[server]\nmax_body = 1M\n")
        with Daemon(args=["--config", path]) as d:
            assert d.post("/v1/recognize", wav()).status == 200
            f.write("a.conf", "[server]\nmax_body = 10\nlanes = never\n")
            d.signal(signal.SIGHUP)
            wait_for(lambda: d.metric("sparrow_reloads_total", result="failed") == 1, what="the failed reload")
            assert f"{path}:2: server.max_body = 10" in d.log() and f"{path}:3: server.lanes = never" in d.log(), d.log()
            assert d.post("/v1/recognize", wav()).status == 200
            f.write("a.conf", "[server]\nmax_body = 1K\n")
            d.signal(signal.SIGHUP)
            wait_for(lambda: d.metric("sparrow_reloads_total", result="ok") == 1, what="the good reload")
            wait_for(lambda: d.post("/v1/recognize", wav()).status == 413, what="the new limit on every lane")
            assert d.post("/v1/recognize", wav()).json()["type"].endswith("/too-large")


def test_keys_that_need_a_restart_are_named():
    with Folder() as f:
        path = f.write("a.conf", "")
        with Daemon(args=["--config", path]) as d:
            f.write("a.conf", "[audio]\ndecode_threads = 3\n")
            d.signal(signal.SIGHUP)
            wait_for(lambda: d.metric("sparrow_reloads_total", result="ok") == 1, what="the reload")
            assert "audio.decode_threads" in d.log(), d.log()


# ---- systemd ----

class Notify:
    """systemd's end of the notification socket."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)
        self.messages = []

    def read(self):
        while True:
            try:
                self.messages.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return self.messages

    def wait(self, begins, after=0):
        """Position behind the first message from `after` on that begins so."""
        def found():
            for i, message in enumerate(self.read()[after:], after):
                if message.startswith(begins):
                    return i + 1
            return None
        return wait_for(found, 10, begins)


def test_systemd_is_told_ready_reloading_ready_stopping_and_fed():
    with Folder() as f:
        notify = Notify(f.path)
        with Daemon({"replicas.selftest_interval": 0.2}, env={"NOTIFY_SOCKET": notify.path, "WATCHDOG_USEC": "1000000"}) as d:
            at = notify.wait("READY=1")
            assert not [m for m in notify.messages[:at - 1] if "READY=1" in m or "STOPPING=1" in m], notify.messages
            at = notify.wait("WATCHDOG=1", at)
            at = notify.wait("WATCHDOG=1", at)
            before = time.monotonic_ns() // 1000
            d.signal(signal.SIGHUP)
            reloading = notify.wait("RELOADING=1", at)
            then = int(re.search(r"^MONOTONIC_USEC=(\d+)$", notify.messages[reloading - 1], re.M).group(1))
            assert before <= then <= time.monotonic_ns() // 1000, (before, then)
            at = notify.wait("READY=1", reloading)
            assert d.get("/readyz").status == 200
            d.signal(signal.SIGTERM)
            notify.wait("STOPPING=1", at)
            assert d.wait() == 0
        assert sum(m.startswith("STOPPING=1") for m in notify.read()) == 1, notify.messages


def test_the_watchdog_starves_when_a_lane_is_stuck():
    with Folder() as f:
        notify = Notify(f.path)
        with Daemon({"server.lanes": 2, "test.fault": "stall:0:1,stall:1:1", "replicas.selftest_interval": 3600},
                    env={"NOTIFY_SOCKET": notify.path, "WATCHDOG_USEC": "400000"}) as d:
            notify.wait("WATCHDOG=1", notify.wait("READY=1"))
            with d.socket() as s:                       # the word at which the lane stalls; nobody waits for its answer
                body = wav()
                s.sendall(b"POST /v1/recognize HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                wait_for(lambda: "watchdog not fed" in d.log(), 20, "the watchdog to starve")
                notify.read()
                count = len(notify.messages)
                time.sleep(1)
                assert len(notify.read()) == count, notify.messages[count:]
            d.expect_exit = -signal.SIGKILL
            d.kill()                                    # what systemd does now


def test_sockets_of_systemd_replace_the_configured_ones():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(16)
        port = s.getsockname()[1]
        shell = f'exec 3<&{s.fileno()}; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$0" "$@"'
        with Daemon({"server.listen": "127.0.0.1:1"}, command=["bash", "-c", shell, SPARROWD], pass_fds=[s.fileno()]) as d:
            assert d.port == port, (d.addresses, port)
            assert d.get("/readyz").status == 200


# ---- the end ----

def test_sigterm_ends_with_0_and_says_so():
    with Daemon() as d:
        d.signal(signal.SIGTERM)
        assert d.wait() == 0
        assert "SIGTERM" in d.log()


def test_readiness_goes_off_first_while_the_port_stays_open():
    with Daemon({"server.drain_delay": 3 * SLOW}) as d:
        assert d.get("/readyz").status == 200
        d.signal(signal.SIGTERM)
        wait_for(lambda: d.get("/readyz").status == 503, what="unready")
        assert d.get("/healthz").status == 200
        d.signal(signal.SIGTERM)                        # the second one does not wait
        assert d.wait() == 0


if __name__ == "__main__":
    run_tests(globals())
