#!/usr/bin/python3
"""Words that are ready together go through the network together, and nobody can tell from the answers. The daemon is stopped (SIGSTOP) while
requests are sent, so that it finds them all at once. Starts its own daemons."""
# SPDX-License-Identifier: Apache-2.0
import json
import os
import signal
import socket
import struct
import sys

sys.dont_write_bytecode = True
from harness import TOP_SRC, Daemon, Skip, run_tests, wait_for  # noqa: E402
from load import Load  # noqa: E402

SAMPLES = os.path.join(TOP_SRC, "tests", "data", "samples")
NAMES = ("yes", "no", "stop", "go")
CLIPS = [open(os.path.join(SAMPLES, f"{name}.wav"), "rb").read() for name in NAMES]
PATIENT = {"schedule.max_wait": "20", "server.lanes": 1}
CONNECTIONS, PIPELINED = 16, 4
CALL_S = 0.001          # words that take longer together are not one call (daemon/schedule/replica.c)
SIZES = ("1", "2-3", "4-7", "8-15", "16")


def batches(d):
    return {size: d.metric("sparrow_batches_total", words=size) for size in SIZES}


def more(d, before):
    after = batches(d)
    return {size: after[size] - before[size] for size in SIZES}


def several(counts):
    return sum(counts[size] for size in SIZES[1:])


def result_of(body):
    return json.loads(body)["results"][0]


def alone(d):
    """What each clip's answer is when it is the only one."""
    return [result_of(d.post("/v1/recognize", clip).body) for clip in CLIPS]


def request(clip, headers=""):
    return f"POST /v1/recognize HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\nContent-Length: {len(clip)}\r\n{headers}\r\n".encode() + clip


class Client:
    """A connection that sends several requests at once and then reads their answers."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.file = self.socket.makefile("rb")

    def answer(self):
        status, length = int(self.file.readline().split()[1]), 0
        while (line := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return status, self.file.read(length)

    def close(self):
        self.file.close()
        self.socket.close()

    def break_off(self):
        """So that the other side is told of an error, not of an end."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()


class Stopped:
    """The daemon finds at once what was sent meanwhile."""

    def __init__(self, d):
        self.d = d

    def __enter__(self):
        self.d.signal(signal.SIGSTOP)
        wait_for(lambda: open(f"/proc/{self.d.pid}/stat").read().rsplit(")", 1)[1].split()[0] == "T", 5, "the daemon to stop")

    def __exit__(self, *_):
        self.d.signal(signal.SIGCONT)


def burst(d, headers=lambda i: "", connections=CONNECTIONS):
    """Each connection's clips, PIPELINED of them; the daemon reads one of each connection in a turn."""
    clients = [Client(d.port) for _ in range(connections)]
    d.get("/healthz")           # they are all accepted
    with Stopped(d):
        for i, c in enumerate(clients):
            c.socket.sendall(b"".join(request(CLIPS[(i + k) % len(CLIPS)], headers(i)) for k in range(PIPELINED)))
    return clients


def word_s(d):
    """What a word takes here, with all else that runs."""
    return d.metric("sparrow_replica_busy_seconds_total", replica="0") / d.metric("sparrow_replica_words_total", replica="0")


def gains(d):
    """Whether these kernels compute several words in less time than one by one: only then are a turn's words put together."""
    return d.metric("sparrow_build_info", kernels="avx512") > 0


def check_right(client, i, right):
    for k in range(PIPELINED):
        status, body = client.answer()
        assert status == 200 and result_of(body) == right[(i + k) % len(CLIPS)], (i, k, status, body)


def bursts(d, right, at_least, enough, connections=CONNECTIONS):
    """Until it is enough: on a busy machine the daemon may find a few words at a time. All are answered as if alone."""
    for n in range(40):
        if n >= at_least and enough():
            break
        for i, c in enumerate(burst(d, connections=connections)):
            check_right(c, i, right)
            c.close()


def test_words_ready_together_are_computed_together_and_answered_as_if_alone():
    with Daemon(PATIENT) as d:
        before = batches(d)
        right = alone(d)
        assert more(d, before) == dict.fromkeys(SIZES, 0) | {"1": len(CLIPS)}, more(d, before)
        bursts(d, right, at_least=5, enough=lambda: not gains(d) or several(more(d, before)) > 0)
        print(f"  {more(d, before)}, {word_s(d) * 1e6:.0f} us a word", flush=True)
        if gains(d) and 16 * word_s(d) < CALL_S / 2:
            assert several(more(d, before)) > 0, more(d, before)
        before = batches(d)
        assert alone(d) == right
        assert more(d, before) == dict.fromkeys(SIZES, 0) | {"1": len(CLIPS)}, more(d, before)


def test_words_of_a_backlog_are_computed_together_whatever_the_kernels_gain():
    """128 connections' words are more than a lane computes in a turn (5 ms): the rest is put off, and then goes in batches."""
    with Daemon(dict(PATIENT, **{"replicas.cpu": "scalar", "schedule.max_wait": "120"})) as d:
        right = alone(d)
        before = batches(d)
        bursts(d, right, at_least=1, enough=lambda: several(more(d, before)) > 0, connections=128)
        took = word_s(d)
        print(f"  {more(d, before)}, {took * 1e6:.0f} us a word", flush=True)
        if several(more(d, before)) == 0 and 2 * took > CALL_S / 2:
            raise Skip(f"a word takes {took * 1e3:.1f} ms here: two are too long for one call")
        assert several(more(d, before)) > 0, more(d, before)


def test_batches_off_computes_each_word_alone():
    with Daemon(dict(PATIENT, **{"replicas.batch": 1})) as d:
        right = alone(d)
        for i, c in enumerate(burst(d)):
            check_right(c, i, right)
            c.close()
        assert several(batches(d)) == 0, batches(d)


def test_clients_that_go_away_do_not_harm_the_others_in_the_batch():
    with Daemon(PATIENT) as d:
        right = alone(d)
        for gone in (lambda c: c.break_off(), lambda c: c.close()):
            clients = [Client(d.port) for _ in range(CONNECTIONS)]
            d.get("/healthz")
            with Stopped(d):
                for i, c in enumerate(clients):
                    c.socket.sendall(b"".join(request(CLIPS[(i + k) % len(CLIPS)]) for k in range(PIPELINED)))
                for c in clients[1::3]:
                    gone(c)
            for i, c in enumerate(clients):
                if i % 3 != 1:
                    check_right(c, i, right)
                    c.close()
        wait_for(lambda: d.metric("sparrow_connections", lane="0") <= 1, 5, "the broken connections to be let go")
        assert alone(d) == right


def test_deadlines_that_pass_do_not_harm_the_others_in_the_batch():
    with Daemon(PATIENT) as d:
        right = alone(d)
        late = 0
        for i, c in enumerate(burst(d, lambda i: "X-Request-Timeout-Ms: 1\r\n" if i % 3 == 1 else "")):
            if i % 3 != 1:
                check_right(c, i, right)
            else:
                for k in range(PIPELINED):
                    status, body = c.answer()
                    assert status in (200, 503, 504), (status, body)
                    assert status != 200 or result_of(body) == right[(i + k) % len(CLIPS)]
                    late += status != 200
            c.close()
        print(f"{late} were late")


def test_workers_take_batches_and_answers_are_as_if_alone():
    options = dict(PATIENT, **{"replicas.lane": "no", "replicas.workers": 2, "server.lanes": 2})
    with Daemon(options) as d:
        right = alone(d)
        before = batches(d)
        for _ in range(3):
            for i, c in enumerate(burst(d)):
                check_right(c, i, right)
                c.close()
        total = sum(more(d, before).values())
        assert 0 < total <= 3 * CONNECTIONS * PIPELINED, more(d, before)


def test_answers_under_load_are_as_if_alone():
    with Daemon(PATIENT) as d:
        right = alone(d)[0]
        result = Load(d.port, CLIPS[0]).run(seconds=2, connections=64)
        assert result.lost == 0 and set(result.statuses()) == {200}, result
        assert all(result_of(a[3]) == right for a in result.answers)
        print(batches(d))


if __name__ == "__main__":
    run_tests(globals())
