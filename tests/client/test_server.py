#!/usr/bin/python3
"""The program `sparrow` with a real sparrowd: the server says what the program itself says, and the load generator counts
what the server counts.

Runs $top_builddir/sparrow and $top_builddir/sparrowd on a free port; writes to temporary folders only; leaves nothing running.
"""
# SPDX-License-Identifier: Apache-2.0
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.environ["top_srcdir"]
sys.path.insert(0, os.path.join(TOP, "tests/daemon"))
from harness import SLOW, Daemon, run_tests, wait_for  # noqa: E402 (found only now)

SPARROW = os.environ.get("SPARROW", os.path.join(os.environ["top_builddir"], "sparrow"))
SAMPLES = os.path.join(TOP, "tests/data/samples")
WORDS = ["yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", "silence", "house"]
ENV = {k: v for k, v in os.environ.items() if k != "SPARROW_CPU"} | {"SPARROW_MODELS": os.path.join(TOP, "models")}


def sample(word):
    return os.path.join(SAMPLES, word + ".wav")


def url(daemon):
    return f"http://127.0.0.1:{daemon.port}"


def run(*words):
    return subprocess.run([SPARROW, *words], capture_output=True, text=True, env=ENV, timeout=60 * SLOW, check=False)


def good(*words):
    done = run(*words)
    assert (done.returncode, done.stderr) == (0, ""), (words, done)
    return done.stdout


def heard(line):
    """What a reply says of a clip, to the digits that both print."""
    result = json.loads(line)["results"][0]
    return [(a["transcript"], round(a["confidence"], 3), round(a["start_time"], 2), round(a["end_time"], 2))
            for a in result["alternatives"]], sorted(result.get("keywords_result", {}))


def test_server_and_program_hear_the_same():
    clips = [sample(word) for word in WORDS]
    more = ["--json", "--top", "3", "-k", "yes,no,go"]
    here = [heard(line) for line in good("recognize", *more, *clips).splitlines()]
    with Daemon() as d:
        there = [heard(line) for line in good("recognize", "--server", url(d), *more, *clips).splitlines()]
        assert d.get("/healthz").status == 200
    assert len(there) == len(clips)
    for word, a, b in zip(WORDS, here, there):
        assert a[1] == b[1], (word, a, b)
        for x, y in zip(a[0], b[0], strict=True):
            assert x[0] == y[0] and abs(x[1] - y[1]) <= 0.0011 and x[2:] == y[2:], (word, x, y)


def test_lines_for_people_tell_queue_energy_and_replica():
    with Daemon() as d:
        lines = good("recognize", "--server", url(d) + "/", sample("yes"), sample("no")).splitlines()
    assert lines[0].split() == ["CLIP", "WORD", "SURE", "SPEECH", "DECODE", "FEATURES", "QUEUE", "NETWORK", "TOTAL", "ENERGY",
                                "REPLICA"], lines
    assert [line.split()[1] for line in lines[1:]] == ["yes", "no"], lines
    for line in lines[1:]:
        assert " on " in line[lines[0].index("REPLICA"):], line


def test_refusals_tell_the_servers_reason():
    with Daemon() as d:
        done = run("recognize", "--server", url(d), "-m", "nothing", sample("yes"))
        assert done.returncode == 1 and "nothing" in done.stderr and "(HTTP 404, request " in done.stderr, done
        done = run("recognize", "--server", url(d), "-k", "maybe", sample("yes"), sample("no"))
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 2 and "maybe" in done.stderr, done
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            file.write(b"this is no sound")
            file.flush()
            done = run("recognize", "--server", url(d), file.name, sample("yes"))
        assert done.returncode == 1 and "yes" in done.stdout.splitlines()[1], done


def test_models_of_the_server_are_listed():
    with Daemon() as d:
        models = json.loads(good("models", "--json", "--server", url(d)))["models"]
        text = good("models", "--server", url(d))
    mine = json.loads(good("info", "--json"))
    assert [m["digest"] for m in models if m["name"] == "commands"] == [mine["digest"]], models
    line = [line for line in text.splitlines() if line.split()[:1] == ["commands"]][0]
    assert mine["digest"][7:19] in line and "%" in line, text


def test_eval_counts_alike_here_and_there():
    folder = tempfile.mkdtemp(prefix="sparrow-client-")
    try:
        for word in WORDS:
            os.makedirs(os.path.join(folder, word))
            shutil.copy(sample(word), os.path.join(folder, word, "a.wav"))
        here = json.loads(good("eval", "--json", folder))
        with Daemon() as d:
            there = json.loads(good("eval", "--json", "--server", url(d), folder))
            assert "clips/s" in good("eval", "--server", url(d), folder)
            done = run("eval", "--server", url(d), "--scores", os.path.join(folder, "x"), folder)
            assert done.returncode == 2 and "--scores" in done.stderr, done
    finally:
        shutil.rmtree(folder)
    assert here["confusion"] == there["confusion"]
    assert there["count"] == 12


def test_load_counts_what_the_server_counts():
    with Daemon() as d:
        load = json.loads(good("load", "--json", "--server", url(d), "--rate", "50", "--duration", "1", "--warmup", "0",
                               "--timeout", "60", "--connections", "4", sample("yes"), sample("no")))
        served = d.metric("sparrow_requests_total", outcome="ok")
    assert (load["due"], load["answered"], load["good"], load["wrong"]) == (50, 50, 50, 0), load
    assert load["statuses"] == {"200": 50} and sum(load["errors"].values()) == 0, load
    assert load["connects"] == 4, load
    assert abs(load["goodput"] - 50) < 10, load
    assert 0 < load["latency_us"]["p50"] <= load["latency_us"]["p99"] <= load["latency_us"]["max"], load
    assert served == 50, served


def test_load_charges_a_stall_to_all_that_were_due():
    """The server stands still for a second: with an open loop all requests of that second feel it, not just one for each
    connection."""
    with Daemon() as d:
        def stall():
            wait_for(lambda: d.metric("sparrow_requests_total", outcome="ok") >= 20, what="the load's first answers")
            d.signal(signal.SIGSTOP)
            time.sleep(1)
            d.signal(signal.SIGCONT)
        thread = threading.Thread(target=stall)
        thread.start()
        load = json.loads(good("load", "--json", "--server", url(d), "--rate", "100", "--duration", "3", "--warmup", "0",
                               "--timeout", "60", "--connections", "2", sample("yes")))
        thread.join()
    assert load["due"] == load["good"] == 300, load
    assert load["latency_us"]["p90"] > 400e3, load
    assert load["latency_us"]["max"] > 900e3, load


def test_load_at_most_keeps_every_connection_busy():
    with Daemon() as d:
        load = json.loads(good("load", "--json", "--server", url(d), "--rate", "max", "--duration", "0.5", "--warmup", "0.1",
                               "--connections", "3", sample("go")))
    assert load["good"] == load["due"] > 3, load
    assert load["rate"] is None and load["connects"] == 3, load


def test_load_counts_refusals_apart():
    with Daemon() as d:
        done = run("load", "--json", "--server", url(d), "-m", "nothing", "--rate", "20", "--duration", "0.5", sample("yes"))
    load = json.loads(done.stdout)
    assert done.returncode == 1 and "no answer was good" in done.stderr, done
    assert load["statuses"] == {"404": 10} and load["good"] == 0, load


if __name__ == "__main__":
    run_tests(globals())
