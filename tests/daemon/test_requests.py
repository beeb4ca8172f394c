#!/usr/bin/python3
"""What docs/http.md and docs/metrics.md say of a request: deadlines and their bound, forms, limits, what is counted.
Starts its own daemons; writes only into their temporary folders."""
# SPDX-License-Identifier: Apache-2.0
import sys
import time

sys.dont_write_bytecode = True
from harness import SLOW, Daemon, run_tests, wav  # noqa: E402

CLIP = wav()
FORM = "multipart/form-data; boundary=edge"
HEAD = b"POST /v1/recognize HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n"


def form(*parts):
    """(name, value) or (name, bytes, file name[, more header lines])"""
    out = b""
    for name, value, *rest in parts:
        file = f'; filename="{rest[0]}"' if rest else ""
        more = "".join(line + "\r\n" for line in rest[1:])
        out += f'--edge\r\nContent-Disposition: form-data; name="{name}"{file}\r\n{more}\r\n'.encode() + value + b"\r\n"
    return out + b"--edge--\r\n"


# ---- deadlines ----

def test_a_timeout_is_bounded_by_max_wait():
    with Daemon({"server.lanes": 1, "test.word_cost": 0.6 * SLOW, "schedule.max_wait": 0.3 * SLOW}) as d:
        answer = d.post("/v1/recognize?timeout=60000", CLIP)
        assert answer.status == 504 and answer.json()["type"] == "/problems/deadline-exceeded", answer
    with Daemon({"server.lanes": 1, "test.word_cost": 0.3, "schedule.max_wait": 30 * SLOW}) as d:
        assert d.post("/v1/recognize?timeout=100", CLIP).status == 504
        assert d.post("/v1/recognize?timeout=60000", CLIP).status == 200


def test_the_header_wins_over_the_parameter_of_the_query_and_of_the_form():
    with Daemon({"server.lanes": 1, "test.word_cost": 0.3, "schedule.max_wait": 30 * SLOW}) as d:
        short, long = {"X-Request-Timeout-Ms": "100"}, {"X-Request-Timeout-Ms": "60000"}
        for headers, value, status in ((short, b"60000", 504), (long, b"100", 200)):
            answers = [d.post("/v1/recognize?timeout=" + value.decode(), CLIP, headers=headers),
                       d.post("/v1/recognize", form(("a", CLIP, "a.wav"), ("timeout", value)), FORM, headers=headers)]
            assert [answer.status for answer in answers] == [status, status], (headers, answers)


# ---- forms ----

def test_parts_of_other_names_are_ignored_whatever_they_hold():
    with Daemon() as d:
        for junk in (b"x" * 100000, b"\xff\xfe", b"\0", b""):
            answer = d.post("/v1/recognize", form(("note", junk), ("a", CLIP, "a.wav")), FORM)
            assert answer.status == 200 and len(answer.json()["results"]) == 1, (junk[:4], answer)
        answer = d.post("/v1/recognize", form(("keywords", b"x" * 5000), ("a", CLIP, "a.wav")), FORM)
        assert answer.status == 413 and answer.json()["limit"] == 4096, answer


def test_a_part_that_is_encoded_is_refused_by_name():
    with Daemon() as d:
        answer = d.post("/v1/recognize", form(("a", CLIP, "a.wav"), ("b", b"UklGRg==", "b.wav", "Content-Transfer-Encoding: base64")), FORM)
        assert answer.status == 415 and answer.json()["clip"] == "b.wav", answer
        assert "Content-Transfer-Encoding must be" in answer.json()["detail"], answer


# ---- limits ----

def test_a_refusal_for_size_names_the_limit():
    with Daemon({"audio.max_seconds": 1.5, "audio.max_clips": 2, "server.max_body": "100K"}) as d:
        for body, kind, limit in ((wav(1.6), "audio/wav", 1.5), (wav(1.6)[44:], "audio/l16;rate=16000", 1.5), (wav(4), "audio/wav", 102400),
                                  (form(*[("a", wav(0.1), "a.wav")] * 3), FORM, 2)):
            answer = d.post("/v1/recognize", body, kind)
            assert answer.status == 413 and answer.json().get("limit") == limit, (kind, limit, answer)


# ---- what is counted ----

def test_clips_that_were_decoded_are_counted_and_no_others():
    with Daemon({"server.lanes": 1}) as d:
        def decodes():
            return d.metric("sparrow_decodes_total", place="lane"), d.metric("sparrow_decodes_total", place="pool")

        good, bad = ("a", CLIP, "a.wav"), ("b", b"RIFF", "b.wav", "Content-Type: audio/wav")
        for body, kind, status, count in ((CLIP, "audio/wav", 200, 1), (form(good, good), FORM, 200, 3), (b"RIFF", "audio/wav", 422, 3),
                                          (form(bad, good), FORM, 422, 3), (form(good, bad), FORM, 422, 4)):
            answer = d.post("/v1/recognize", body, kind)
            assert answer.status == status and sum(decodes()) == count, (answer, decodes(), count)
        lane = decodes()[0]
        assert lane >= 3 and d.post("/v1/recognize", wav(1, rate=8000)).status == 200        # resampled: not on the lane
        assert decodes() == (lane, 5 - lane), decodes()


def test_interim_answers_are_counted():
    with Daemon() as d:
        answers, _ = d.raw(HEAD % (b"audio/wav", len(CLIP)) + CLIP)
        assert [a.status for a in answers] == [100, 200], answers
        assert d.metric("sparrow_http_answers_total", code="1xx") == 1
        answers, _ = d.raw(HEAD % (b"text/plain", len(CLIP)))
        assert [a.status for a in answers] == [415], answers
        assert d.metric("sparrow_http_answers_total", code="1xx") == 1


def test_every_request_is_counted_once_with_its_outcome_and_reason():
    clip_form = form(("a", CLIP, "a.wav"))
    with Daemon({"server.lanes": 1}) as d:
        cases = [("/v1/recognize", CLIP, "audio/wav", "ok", None), ("/v1/recognize", clip_form, FORM, "ok", None),
                 ("/v1/recognize?top=x", CLIP, "audio/wav", "client_error", "bad_parameter"),
                 ("/v1/recognize?model=x", CLIP, "audio/wav", "client_error", "bad_parameter"),
                 ("/v1/recognize", CLIP, "text/plain", "client_error", "unsupported_media"),
                 ("/v1/recognize", b"RIFF", "audio/wav", "client_error", "undecodable"),
                 ("/v1/recognize", wav(61), "audio/wav", "client_error", "too_large"),
                 ("/v1/recognize", b"--x", FORM, "client_error", "malformed"),
                 ("/sparrow.v1.Recognizer/Recognize", b"{}", "application/json", "client_error", "bad_parameter")]
        outcomes, reasons = {}, {}
        for path, body, kind, outcome, reason in cases:
            d.post(path, body, kind)
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
            reasons[reason] = reasons.get(reason, 0) + 1
        with d.socket() as s:                          # a client that goes away in the middle of its body
            s.sendall(HEAD.replace(b"Expect: 100-continue\r\n", b"") % (b"audio/wav", len(CLIP)) + CLIP[:100])
            time.sleep(0.1 * SLOW)
        outcomes["cancelled"] = 1
        end = time.monotonic() + 10 * SLOW
        while d.metric("sparrow_requests_total", outcome="cancelled") == 0 and time.monotonic() < end:
            time.sleep(0.05)
        for outcome in ("ok", "refused", "client_error", "server_error", "cancelled"):
            assert d.metric("sparrow_requests_total", outcome=outcome) == outcomes.get(outcome, 0), outcome
        for reason in ("bad_parameter", "unsupported_media", "undecodable", "too_large", "malformed", "deadline", "queue_full", "other"):
            assert d.metric("sparrow_refused_total", reason=reason) == reasons.get(reason, 0), reason
        assert d.metric("sparrow_clips_total") == 4 and d.metric("sparrow_words_total") == 2


if __name__ == "__main__":
    run_tests(globals())
