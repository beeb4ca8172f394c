#!/usr/bin/python3
"""The command lines of docs/http.md, with the real curl. Skipped without curl."""
# SPDX-License-Identifier: Apache-2.0
import base64
import json
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "daemon"))
from harness import SLOW, TOP_SRC, Daemon, Skip, run_tests  # noqa: E402

SAMPLES = os.path.join(TOP_SRC, "tests/data/samples")


def curl(d, path, *arguments):
    """(status, content type, body)"""
    if not shutil.which("curl"):
        raise Skip("curl is missing (apt-get install curl)")
    out = os.path.join(d.folder, "out")
    command = ["curl", "-sS", "-o", out, "-w", "%{http_code} %{content_type}", *arguments, f"http://127.0.0.1:{d.port}{path}"]
    written = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30 * SLOW)
    assert written.returncode == 0, written
    status, kind = written.stdout.split(" ", 1)
    body = open(out, "rb").read() if os.path.exists(out) else b""
    if os.path.exists(out):
        os.unlink(out)
    return int(status), kind, body


def sample(name):
    return os.path.join(SAMPLES, name + ".wav")


def test_body_of_a_file():
    with Daemon({"schedule.max_wait": 20}) as d:
        status, kind, body = curl(d, "/v1/recognize?top=3", "--data-binary", "@" + sample("yes"), "-H", "Content-Type: audio/wav")
        answer = json.loads(body)
        assert (status, kind) == (200, "application/json"), (status, kind, body)
        assert answer["results"][0]["alternatives"][0]["transcript"] == "yes" and len(answer["results"][0]["alternatives"]) == 3, answer
        status, _, body = curl(d, "/v1/recognize", "-T", sample("no"), "-X", "POST", "-H", "Transfer-Encoding: chunked")
        assert status == 200 and json.loads(body)["results"][0]["alternatives"][0]["transcript"] == "no", body
        status, _, body = curl(d, "/v1/recognize", "--data-binary", "@" + sample("yes"))
        answer = json.loads(body)
        assert status == 415 and "curl" in answer["detail"] and answer["type"] == "/problems/unsupported-media-type", answer


def test_form_of_files():
    with Daemon({"schedule.max_wait": 20}) as d:
        words = ["right", "no", "yes"]
        status, _, body = curl(d, "/v1/recognize", *[x for w in words for x in ("-F", f"{w}=@{sample(w)}")], "-F", "top=2")
        results = json.loads(body)["results"]
        assert status == 200, body
        assert [r["clip"] for r in results] == [w + ".wav" for w in words], results
        assert [r["alternatives"][0]["transcript"] for r in results] == words, results
        assert all(len(r["alternatives"]) == 2 for r in results)
        name = 'say "hi" \N{LATIN SMALL LETTER U WITH DIAERESIS}.wav'
        copy = os.path.join(d.folder, "copy.wav")
        shutil.copyfile(sample("yes"), copy)
        quoted = name.replace('"', '\\"')
        status, _, body = curl(d, "/v1/recognize", "-F", f'a=@"{copy}";filename="{quoted}"')
        assert status == 200 and json.loads(body)["results"][0]["clip"].startswith("say"), body


def test_connect_by_hand():
    with Daemon({"schedule.max_wait": 20}) as d:
        message = {"clip": {"audio": base64.b64encode(open(sample("yes"), "rb").read()).decode(), "name": "yes"}, "options": {"top": 2}}
        path = os.path.join(d.folder, "message.json")
        with open(path, "w") as f:
            json.dump(message, f)
        status, kind, body = curl(d, "/sparrow.v1.Recognizer/Recognize", "-H", "Content-Type: application/json", "--data", "@" + path)
        answer = json.loads(body)
        assert (status, kind) == (200, "application/json"), body
        assert answer["results"][0]["alternatives"][0]["transcript"] == "yes", answer
        status, _, body = curl(d, "/sparrow.v1.Recognizer/Other", "-H", "Content-Type: application/json", "--data", "{}")
        assert status == 404 and json.loads(body)["code"] == "unimplemented", body
        status, _, _ = curl(d, "/sparrow.v1.Recognizer/Recognize")
        assert status == 405


def test_head_has_no_body_but_its_length():
    with Daemon() as d:
        for path in ("/", "/openapi.json", "/v1/models", "/v1/models/commands", "/readyz"):
            whole = d.get(path)
            head = d.request("HEAD", path)
            assert whole.status == head.status == 200 and head.body == b"", (path, head)
            for name in ("content-length", "content-type"):
                assert head.headers[name] == whole.headers[name], (path, head)
        answer = d.request("OPTIONS", "/v1/recognize")
        assert answer.status == 204 and answer.headers["allow"] == "POST, OPTIONS", answer


def test_refusals_keep_the_connection_where_they_can():
    with Daemon({"schedule.max_wait": 20}) as d:
        c = d.connect()
        yes = open(sample("yes"), "rb").read()
        for query, kind, status in (("?top=0", "audio/wav", 400), ("", "video/mp4", 415), ("", "audio/wav", 200)):
            answer = d.post("/v1/recognize" + query, yes, kind, connection=c)
            assert answer.status == status and answer.headers["x-request-id"], answer
        c.close()


if __name__ == "__main__":
    run_tests(globals())
