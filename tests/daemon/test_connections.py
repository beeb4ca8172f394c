#!/usr/bin/python3
"""Connections: slow senders, empty and huge bodies, disconnects at every stage, thousands of them, keep-alive, pipelining,
limits, addresses. Starts its own daemons; writes only into their temporary folders."""
# SPDX-License-Identifier: Apache-2.0
import os
import resource
import socket
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
from harness import SLOW, SPARROWD, Daemon, Skip, run_tests, split_answers, wait_for, wav  # noqa: E402

CLIP = wav()
PATIENT = {"schedule.max_wait": 60}     # a slow or busy machine refuses nothing and misses no deadline
HEAD = b"POST /v1/recognize HTTP/1.1\r\nHost: a\r\nContent-Type: audio/wav\r\nContent-Length: %d\r\n\r\n" % len(CLIP)
GET = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


def read_answers(s, count, seconds=20.0):
    """Reads until `count` answers are complete."""
    data, end = b"", time.monotonic() + seconds * SLOW
    s.settimeout(1)
    while time.monotonic() < end:
        try:
            got = s.recv(65536)
        except socket.timeout:
            continue
        data += got
        answers = split_answers(data)
        whole = [a for a in answers if a.status and len(a.body) == int(a.headers.get("content-length", 0))]
        if len(whole) >= count or not got:
            return whole
    raise AssertionError(f"{count} answers did not come: {data[:300]!r}")


def test_one_second_of_audio_is_answered():
    with Daemon() as d:
        a = d.post("/v1/recognize", CLIP)
        assert a.status == 200, a
        best = a.json()["results"][0]["alternatives"][0]
        assert isinstance(best["transcript"], str) and 0 <= best["confidence"] <= 1, best


def test_keep_alive_serves_many_on_one_connection():
    with Daemon(PATIENT) as d:
        c = d.connect()
        for i in range(200):
            a = d.post("/v1/recognize", CLIP, connection=c) if i % 2 else d.get("/healthz", connection=c)
            assert a.status == 200, (i, a)
        c.close()
        assert d.metric("sparrow_connections_opened_total") <= 2 + 1


def test_pipelined_requests_are_answered_in_order():
    with Daemon() as d, d.socket() as s:
        s.sendall(HEAD + CLIP + GET + HEAD + CLIP + b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n" + GET)
        got = [a.status for a in read_answers(s, 5)]
        assert got == [200, 200, 200, 404, 200], got


def test_http10_closes_unless_asked_to_stay():
    with Daemon() as d:
        answers, end = d.raw(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert [a.status for a in answers] == [200] and end == "closed", (answers, end)


def test_head_is_get_without_a_body():
    with Daemon() as d:
        get, head = d.get("/healthz"), d.request("HEAD", "/healthz")
        assert head.status == get.status == 200 and head.body == b"" and int(head.headers["content-length"]) > 0, (get, head)


def test_slow_head_is_cut():
    with Daemon({"server.header_timeout": 1}) as d, d.socket() as s:
        begin = time.monotonic()
        s.sendall(b"POST /v1/recognize HTTP/1.1\r\n")
        drip_until_closed(s, b"X: y\r\n")
        took = time.monotonic() - begin
        assert 0.9 <= took <= 3 * SLOW, took
        assert d.metric("sparrow_refused_total", reason="slow_client") == 1


def test_slow_request_line_is_cut():
    with Daemon({"server.header_timeout": 1}) as d, d.socket() as s:
        begin = time.monotonic()
        drip_until_closed(s, b"G")
        took = time.monotonic() - begin
        assert 0.9 <= took <= 4 * SLOW, took
        assert d.metric("sparrow_refused_total", reason="slow_client") == 1


def test_a_request_line_that_came_with_the_connection_and_never_ends_is_cut():
    with Daemon({"server.header_timeout": 1}) as d, d.socket() as s, d.socket() as silent:
        begin = time.monotonic()
        s.sendall(b"POST /v1/rec")
        s.settimeout(4 * SLOW)
        assert s.recv(1000) == b""
        took = time.monotonic() - begin
        assert 0.9 <= took <= 3 * SLOW, took
        assert d.metric("sparrow_refused_total", reason="slow_client") == 1
        silent.sendall(GET)                 # who said nothing may stay: proxies open connections before they need them
        assert read_answers(silent, 1)[0].status == 200


def test_slow_body_is_cut_and_others_are_served_meanwhile():
    with Daemon({"server.body_timeout": 1, "server.lanes": 1}) as d, d.socket() as s:
        begin = time.monotonic()
        s.sendall(HEAD)
        s.sendall(CLIP[:1000])
        assert d.post("/v1/recognize", CLIP).status == 200
        assert time.monotonic() - begin < 1 * SLOW
        drip_until_closed(s, b"\0")
        took = time.monotonic() - begin
        assert 0.9 <= took <= 3 * SLOW, took
        assert d.metric("sparrow_refused_total", reason="slow_client") == 1


def drip_until_closed(s, byte):
    s.settimeout(0.1)
    for _ in range(int(100 * SLOW)):
        try:
            s.sendall(byte)
            if s.recv(1000) == b"":
                return
        except socket.timeout:
            pass
        except OSError:
            return
    raise AssertionError("never cut")


def test_idle_connection_is_closed_in_time_and_not_counted_as_slow():
    with Daemon({"server.idle_timeout": 1, "server.header_timeout": 10}) as d, d.socket() as s:
        s.sendall(GET)
        read_answers(s, 1)
        begin = time.monotonic()
        s.settimeout(10 * SLOW)
        assert s.recv(100) == b""
        assert 0.8 <= time.monotonic() - begin <= 3 * SLOW
        assert d.metric("sparrow_refused_total", reason="slow_client") == 0


def test_empty_body_is_a_client_error():
    with Daemon() as d:
        a = d.post("/v1/recognize", b"")
        assert 400 <= a.status < 500 and a.headers["content-type"] == "application/problem+json", a


def test_two_gigabytes_announced_are_refused_at_once():
    with Daemon() as d:
        begin = time.monotonic()
        answers, end = d.raw(b"POST /v1/recognize HTTP/1.1\r\nHost: a\r\nContent-Type: audio/wav\r\nContent-Length: 2147483648\r\n\r\n")
        assert [a.status for a in answers] == [413] and end == "closed", (answers, end)
        assert time.monotonic() - begin < 2 * SLOW
        assert answers[0].json()["status"] == 413


def test_growing_chunked_body_is_refused_and_bounded():
    with Daemon({"server.max_body": 100000}) as d:
        piece = b"c350\r\n" + b"\0" * 50000 + b"\r\n"
        head = b"POST /v1/recognize HTTP/1.1\r\nHost: a\r\nContent-Type: audio/wav\r\nTransfer-Encoding: chunked\r\n\r\n"
        answers, _ = d.raw(head + piece * 4 + b"0\r\n\r\n")
        assert [a.status for a in answers] == [413], answers
        with d.socket() as s:           # without an end: cut, not read for ever
            s.sendall(head)
            sent = 0
            try:
                while sent < 200 << 20:
                    s.sendall(piece)
                    sent += len(piece)
            except OSError:
                pass
            assert sent < 100 << 20, sent
        assert d.get("/healthz").status == 200


def test_disconnects_at_every_stage_leave_nothing_behind():
    raw = HEAD + CLIP
    cuts = [0, 1, 4, 20, len(HEAD) - 3, len(HEAD) - 1, len(HEAD), len(HEAD) + 1, len(HEAD) + 20000, len(raw) - 1, len(raw)]
    with Daemon() as d:
        assert d.post("/v1/recognize", CLIP).status == 200
        fds = len(os.listdir(f"/proc/{d.pid}/fd"))
        for how in ("fin", "reset"):
            for cut in cuts:
                for _ in range(3):
                    s = d.socket()
                    s.sendall(raw[:cut])
                    if how == "reset":
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    s.close()
        wait_for(lambda: d.metric("sparrow_connections_opened_total") > 2 * 3 * len(cuts), 10, "all connections")
        # the one that asks is open, and the one before it may be still
        wait_for(lambda: d.metric("sparrow_connections_opened_total") - d.metric("sparrow_connections_closed_total") <= 3, 10,
                 "the connections to end")
        wait_for(lambda: len(os.listdir(f"/proc/{d.pid}/fd")) <= fds + 1, 10, "the descriptors to be closed")
        assert d.post("/v1/recognize", CLIP).status == 200


def test_client_gone_while_the_word_waits_is_cancelled():
    with Daemon({"replicas.lane": "no", "replicas.workers": 1, "test.word_cost": 0.6, "schedule.max_wait": 30}) as d:
        gone = [d.socket() for _ in range(3)]
        for s in gone:
            s.sendall(HEAD + CLIP)
        time.sleep(0.3)
        for s in gone:
            s.close()
        wait_for(lambda: d.metric("sparrow_requests_total", outcome="cancelled") >= 1, 10, "a cancelled request")
        assert d.post("/v1/recognize", CLIP, timeout=30).status == 200


def test_two_thousand_connections_are_kept_and_served():
    want = 2000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < want + 100:
        raise Skip(f"only {hard} open files allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, want + 100), hard))
    with Daemon(PATIENT) as d:
        every = [d.socket() for _ in range(want)]
        try:
            wait_for(lambda: d.metric("sparrow_connections_opened_total") >= want, 10, "all connections")
            per_lane = [d.metric("sparrow_connections", lane=str(i)) for i in range(2)]
            assert abs(per_lane[0] - per_lane[1]) < want / 10, per_lane
            for s in every[::10]:
                s.sendall(HEAD + CLIP)
            for s in every[::10]:
                assert [a.status for a in read_answers(s, 1)] == [200]
        finally:
            for s in every:
                s.close()
        wait_for(lambda: sum(d.metric("sparrow_connections", lane=str(i)) for i in range(2)) < 5, 10, "all to be closed")


def test_connections_above_the_limit_are_closed_at_once():
    with Daemon({"server.max_connections": 5}) as d:
        first = [d.socket() for _ in range(5)]
        for s in first:
            s.sendall(GET)
            read_answers(s, 1)
        with d.socket() as s:
            s.settimeout(5 * SLOW)
            try:
                assert s.recv(10) == b""
            except ConnectionResetError:
                pass
        first[0].sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        text = read_answers(first[0], 1)[0].body.decode()
        assert 'sparrow_refused_total{reason="connection_limit"} 1' in text, text[:500]
        for s in first:
            s.close()


def test_unix_socket_and_ipv6_serve_as_well():
    with Daemon() as probe:
        path = os.path.join(probe.folder, "s.sock")
        addresses = f"127.0.0.1:0,unix:{path}" + (",[::1]:0" if socket.has_ipv6 and os.path.exists("/proc/net/if_inet6") else "")
        with Daemon({"server.listen": addresses}) as d:
            assert len(d.addresses) == len(addresses.split(",")), d.addresses
            s = socket.socket(socket.AF_UNIX)
            s.connect(path)
            s.sendall(HEAD + CLIP + GET)
            assert [a.status for a in read_answers(s, 2)] == [200, 200]
            s.close()
            assert d.post("/v1/recognize", CLIP).status == 200
        assert not os.path.exists(path)


def test_beyond_loopback_is_refused_without_insecure():
    p = subprocess.run([SPARROWD, "--server.listen=0.0.0.0:0"] + Daemon().arguments()[1:], capture_output=True, timeout=30 * SLOW)
    assert p.returncode == 1, p
    assert b"server.insecure" in p.stderr, p.stderr


def test_many_clients_at_once_all_get_their_own_answer():
    with Daemon(PATIENT) as d:
        wrong = []

        def work(number):
            c = d.connect()
            for i in range(30):
                rid = f"client-{number}-{i}"
                a = d.post("/v1/recognize", CLIP, headers={"X-Request-ID": rid}, connection=c)
                if a.status != 200 or a.json()["request_id"] != rid:
                    wrong.append((rid, a))
            c.close()

        threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert not wrong, wrong[:3]
        assert d.metric("sparrow_requests_total", outcome="ok") == 16 * 30


if __name__ == "__main__":
    run_tests(globals())
