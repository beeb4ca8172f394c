#!/usr/bin/python3
"""Requests that two readers could frame differently: each is refused and its connection closed, and what follows it on the
connection is never taken for a request. Raw bytes on a socket. Starts its own daemon; writes nowhere else."""
# SPDX-License-Identifier: Apache-2.0
import sys

sys.dont_write_bytecode = True
from harness import Daemon, run_tests, wav  # noqa: E402

H = b"Host: a\r\n"
PATH = b"/v1/recognize"
POST = b"POST " + PATH + b" HTTP/1.1\r\n" + H
GET = b"GET /healthz HTTP/1.1\r\n" + H
SECOND = b"GET /healthz?second HTTP/1.1\r\n" + H + b"\r\n"
CHUNKS = b"\r\n3\r\nabc\r\n0\r\n\r\n"

# name, bytes, status of the one answer (0: closed without any)
REFUSED = [
    ("Content-Length and chunked", POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" + CHUNKS, 400),
    ("chunked and Content-Length", POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" + CHUNKS, 400),
    ("two equal lengths", POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400),
    ("lengths 5 and 0", POST + b"Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello", 400),
    ("lengths 0 and 5", POST + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello", 400),
    ("length '5, 5'", POST + b"Content-Length: 5, 5\r\n\r\nhello", 400),
    ("length +5", POST + b"Content-Length: +5\r\n\r\nhello", 400),
    ("length -5", POST + b"Content-Length: -5\r\n\r\nhello", 400),
    ("length 0x5", POST + b"Content-Length: 0x5\r\n\r\nhello", 400),
    ("length empty", POST + b"Content-Length: \r\n\r\nhello", 400),
    ("length 2^64", POST + b"Content-Length: 18446744073709551616\r\n\r\nhello", 413),
    ("length 2^64-1", POST + b"Content-Length: 18446744073709551615\r\n\r\nhello", 413),
    ("length 2^63", POST + b"Content-Length: 9223372036854775808\r\n\r\nhello", 413),
    ("blank before the colon of Content-Length", POST + b"Content-Length : 5\r\n\r\nhello", 400),
    ("blank before the colon of Transfer-Encoding", POST + b"Transfer-Encoding : chunked\r\nContent-Length: 13\r\n" + CHUNKS, 400),
    ("coding gzip, chunked", POST + b"Transfer-Encoding: gzip, chunked\r\n" + CHUNKS, 400),
    ("coding identity", POST + b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello", 400),
    ("coding xchunked", POST + b"Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\nhello", 400),
    ("chunked twice", POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" + CHUNKS, 400),
    ("identity, then chunked", POST + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n" + CHUNKS, 400),
    ("chunked in HTTP/1.0", b"POST " + PATH + b" HTTP/1.0\r\n" + H + b"Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n" + CHUNKS, 400),
    ("vertical tab before chunked", POST + b"Transfer-Encoding: \x0bchunked\r\nContent-Length: 5\r\n\r\nhello", 400),
    ("chunk size 0x3", POST + b"Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", 400),
    ("chunk size with a blank", POST + b"Transfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n", 400),
    ("bare LF inside a chunk extension", POST + b"Transfer-Encoding: chunked\r\n\r\n3;a\nb\r\nabc\r\n0\r\n\r\n", 400),
    ("chunk without its line end", POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc0\r\n\r\n", 400),
    ("chunk size of 17 digits", POST + b"Transfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc\r\n0\r\n\r\n", 413),
    ("bare CR in a value", GET + b"X-A: 1\rX-B: 2\r\n\r\n", 400),
    ("folded Content-Length", POST + b"Content-Length:\r\n 5\r\n\r\nhello", 400),
    ("folded Transfer-Encoding beside a length", POST + b"Content-Length: 5\r\nTransfer-Encoding:\r\n chunked\r\n\r\nhello", 400),
    ("a fold before the first header", b"GET /healthz HTTP/1.1\r\n X-A: 1\r\n" + H + b"\r\n", 400),
    ("no Host", b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    ("two Hosts", GET + b"Host: b\r\n\r\n", 400),
    ("a blank in the target", b"GET /a b HTTP/1.1\r\n" + H + b"\r\n", 0),
    ("a NUL in the target", b"GET /healthz%00q HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("a control in the target", b"GET /healthz\x01 HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("HTTP/1.2", b"GET /healthz HTTP/1.2\r\n" + H + b"\r\n", 400),
    ("HTTP/2.0", b"GET /healthz HTTP/2.0\r\n" + H + b"\r\n", 505),
    ("the HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("a lower-case method", b"get /healthz HTTP/1.1\r\n" + H + b"\r\n", 501),
    ("an unknown method", b"BREW /healthz HTTP/1.1\r\n" + H + b"\r\n", 501),
    ("POST without a length", POST + b"\r\n", 411),
    ("GET with a body", GET + b"Content-Length: 5\r\n\r\nhello", 400),
    ("GET with a chunked body", GET + b"Transfer-Encoding: chunked\r\n" + CHUNKS, 400),
    ("Expect: 200-ok", POST + b"Expect: 200-ok\r\nContent-Length: 5\r\n\r\nhello", 417),
    ("many headers", GET + b"".join(b"X-%d: %s\r\n" % (i, b"a" * 200) for i in range(500)) + b"\r\n", 431),
    ("a target of 100,000 bytes", b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n" + H + b"\r\n", 414),
]

# name, bytes, status of the first answer; the second request is answered with 200 on the same connection
SERVED = [
    ("empty lines first", b"\r\n\r\n" + GET + b"\r\n", 200),
    ("absolute form", b"GET http://x/healthz HTTP/1.1\r\n" + H + b"\r\n", 200),
    ("path is not normalised", b"GET /../healthz HTTP/1.1\r\n" + H + b"\r\n", 404),
    ("OPTIONS *", b"OPTIONS * HTTP/1.1\r\n" + H + b"\r\n", None),
    ("a chunk extension", POST + b"Content-Type: audio/wav\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\"b\"\r\nabc\r\n0\r\n\r\n", None),
    ("a trailer that looks like framing", POST + b"Content-Type: audio/wav\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n", None),
    ("a body that is no audio", POST + b"Content-Type: audio/wav\r\nContent-Length: 5\r\n\r\nhello", None),
    ("an empty header name (libmicrohttpd drops the line)", GET + b": v\r\n\r\n", 200),
    ("an obs-fold on another header", GET + b"X-A: one\r\n two\r\n\r\n", 200),
    ("a header line of 20,000 bytes", GET + b"X-A: " + b"a" * 20000 + b"\r\n\r\n", 200),
]


def test_ambiguous_requests_are_refused_and_what_follows_is_not_read():
    wrong = []
    with Daemon() as d:
        for name, raw, status in REFUSED:
            answers, end = d.raw(raw + SECOND)
            got = [a.status for a in answers]
            # libmicrohttpd may send its own refusals twice (the head alone, then head and body)
            fine = end != "open" and (not got if status == 0 else 1 <= len(got) <= 2 and set(got) <= {status, 0} and got[0] == status)
            if not fine:
                wrong.append(f"{name}: wanted {status} and the end, got {got}, {end}")
        assert d.get("/healthz").status == 200
    assert not wrong, "\n".join(wrong)


def test_unambiguous_requests_are_served_and_the_connection_goes_on():
    wrong = []
    with Daemon() as d:
        for name, raw, status in SERVED:
            answers, end = d.raw(raw + SECOND)
            got = [a.status for a in answers]
            if len(got) != 2 or got[1] != 200 or (status and got[0] != status) or end != "open" or 500 <= got[0]:
                wrong.append(f"{name}: got {got}, {end}")
    assert not wrong, "\n".join(wrong)


def test_refusals_are_problem_json_with_an_id():
    with Daemon() as d:
        answers, _ = d.raw(POST + b"Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello")
        a = answers[0]
        assert a.headers["content-type"] == "application/problem+json", a
        assert a.headers["connection"].lower() == "close", a
        body = a.json()
        assert body["status"] == 400 and body["request_id"] == a.headers["x-request-id"], body
        assert d.metric("sparrow_refused_total", reason="malformed") == 1


def test_expect_continue_is_answered_before_the_body():
    with Daemon() as d:
        clip = wav()
        with d.socket() as s:
            s.sendall(POST + b"Content-Type: audio/wav\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(clip))
            assert s.recv(100).startswith(b"HTTP/1.1 100"), "no 100 Continue"
            s.sendall(clip)
            assert s.recv(100000).startswith(b"HTTP/1.1 200"), "no answer after the body"
        with d.socket() as s:
            s.sendall(POST + b"Expect: 100-continue\r\nContent-Length: 2147483648\r\n\r\n")
            assert s.recv(100000).startswith(b"HTTP/1.1 413"), "2 GB were asked for"


if __name__ == "__main__":
    run_tests(globals())
