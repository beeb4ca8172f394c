#!/usr/bin/python3
"""SIGHUP: a new configuration and new models without a lost request; bad ones are refused and what was in use stays.
Starts its own daemons; writes only into their temporary folders."""
# SPDX-License-Identifier: Apache-2.0
import os
import shutil
import signal
import sys
import threading
import time

sys.dont_write_bytecode = True
from harness import MODELS, Daemon, Skip, run_tests, wait_for, wav  # noqa: E402

CLIP = wav()


def a_model():
    for name in sorted(os.listdir(MODELS)):
        if name.endswith(".sparrow"):
            return os.path.join(MODELS, name)
    raise Skip("no model in " + MODELS)


def reloads(d, result):
    return d.metric("sparrow_reloads_total", result=result)


def hup(d, result, count):
    d.signal(signal.SIGHUP)
    wait_for(lambda: reloads(d, result) == count, 10, f"reload number {count}: {result}")


def test_reload_under_load_loses_nothing_and_keeps_the_old_model_when_the_new_one_is_bad():
    with Daemon() as outer:
        model = os.path.join(outer.folder, "commands.sparrow")
        shutil.copy(a_model(), model)
        good = open(model, "rb").read()
        with Daemon({"models.path": model, "schedule.max_wait": 60}) as d:
            failed, done, stop = [], [], threading.Event()

            def work():
                c = d.connect()
                while not stop.is_set():
                    a = d.post("/v1/recognize", CLIP, connection=c)
                    (done if a.status == 200 else failed).append(a)
                c.close()

            threads = [threading.Thread(target=work) for _ in range(4)]
            for t in threads:
                t.start()
            try:
                digest = d.get("/v1/models").body
                for n in range(1, 6):
                    hup(d, "ok", n)
                for n, bad in enumerate((good[:1000], b"not a model", good[:-1] + bytes([good[-1] ^ 1])), 1):
                    replace(model, bad)
                    hup(d, "failed", n)
                    assert d.get("/v1/models").body == digest
                    assert d.get("/readyz").status == 200
                replace(model, good)
                hup(d, "ok", 6)
                had = len(done)
                wait_for(lambda: len(done) > had + 20, 10, "answers after the last reload")
            finally:
                stop.set()
                for t in threads:
                    t.join()
            assert not failed, failed[:3]
            assert "models not reloaded" in d.log()


def replace(path, data):
    """As an operator should: another file, renamed."""
    with open(path + ".new", "wb") as f:
        f.write(data)
    os.rename(path + ".new", path)


def slow_file(folder):
    """A configuration file, and a function that puts a pipe in its place, into which nobody has written yet."""
    conf, pipe = os.path.join(folder, "sparrowd.conf"), os.path.join(folder, "pipe")
    write(conf, "[server]\nmax_body = 1000000\n")
    os.mkfifo(pipe)
    return conf, lambda: os.rename(pipe, conf)


def test_serving_goes_on_while_a_reload_waits_for_its_file():
    with Daemon() as outer:
        conf, make_slow = slow_file(outer.folder)
        with Daemon(args=["--config", conf]) as d:
            make_slow()
            d.signal(signal.SIGHUP)
            wait_for(lambda: "does=reload" in d.log(), 10, "the signal")
            for _ in range(20):         # each on a connection of its own, which the main loop accepts
                assert d.post("/v1/recognize", CLIP).status == 200
            assert reloads(d, "ok") == 0
            d.signal(signal.SIGHUP)     # while one is under way: after it
            wait_for(lambda: d.log().count("does=reload") == 2, 10, "the signal")
            with open(conf, "wb") as f:
                os.unlink(conf)
                write(conf, "[server]\nmax_body = 2000\n")
                f.write(b"[server]\nmax_body = lots\n")
            wait_for(lambda: reloads(d, "failed") == 1 and reloads(d, "ok") == 1, 10, "both reloads")
            assert d.post("/v1/recognize", CLIP).status == 413


def test_end_comes_while_a_reload_waits_for_its_file():
    with Daemon() as outer:
        conf, make_slow = slow_file(outer.folder)
        with Daemon(args=["--config", conf]) as d:
            make_slow()
            d.signal(signal.SIGHUP)
            wait_for(lambda: "does=reload" in d.log(), 10, "the signal")
            d.stop()
            assert "still waits for its files" in d.log()


def test_reloadable_keys_apply_and_others_are_named():
    with Daemon() as outer:
        conf = os.path.join(outer.folder, "sparrowd.conf")
        write(conf, "[server]\nmax_body = 1000000\n")
        with Daemon(args=["--config", conf]) as d:
            assert d.post("/v1/recognize", CLIP).status == 200
            write(conf, "[server]\nmax_body = 2000\nmax_connections = 77\n")
            hup(d, "ok", 1)
            assert d.post("/v1/recognize", CLIP).status == 413
            assert "server.max_connections" in d.log()
            write(conf, "[server]\nmax_body = lots\n")
            hup(d, "failed", 1)
            assert "max_body" in d.log()
            assert d.post("/v1/recognize", CLIP).status == 413
            write(conf, "")
            hup(d, "ok", 2)
            assert d.post("/v1/recognize", CLIP).status == 200


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def test_a_shorter_interval_of_self_tests_holds_at_once_and_nobody_is_unhealthy_meanwhile():
    for replicas in ({}, {"replicas.lane": "no", "replicas.workers": 2}):
        with Daemon() as outer:
            path = os.path.join(outer.folder, "a.conf")
            replace(path, b"[replicas]\nselftest_interval = 3600\n")
            with Daemon(replicas, args=["--config", path]) as d:
                wait_for(lambda: d.get("/healthz").json()["selftest_age_s"] > 3.2, 10, "the first self-test to be long ago")
                replace(path, b"[replicas]\nselftest_interval = 1\n")      # three of them may be missed
                hup(d, "ok", 1)
                end = time.monotonic() + 1
                while time.monotonic() < end:
                    health = d.get("/healthz")
                    assert health.status == 200 and d.get("/readyz").status == 200, (replicas, health)
                wait_for(lambda: all(r["selftest_age_s"] < 1.5 for r in d.get("/healthz").json()["list"]), 5, "the new interval")


def test_a_longer_interval_of_self_tests_makes_nobody_unhealthy():
    for replicas in ({}, {"replicas.lane": "no", "replicas.workers": 2}):
        with Daemon() as outer:
            path = os.path.join(outer.folder, "a.conf")
            replace(path, b"[replicas]\nselftest_interval = 0.5\n")        # 1.5 s without a test are too long
            with Daemon(replicas, args=["--config", path]) as d:
                replace(path, b"[replicas]\nselftest_interval = 3600\n")
                hup(d, "ok", 1)
                end = time.monotonic() + 3
                while time.monotonic() < end:
                    health = d.get("/healthz")
                    assert health.status == 200 and d.get("/readyz").status == 200, (replicas, health)
                    time.sleep(0.05)


def test_other_kernels_apply_with_a_reload_and_unknown_ones_are_refused():
    with Daemon() as outer:
        path = os.path.join(outer.folder, "a.conf")
        replace(path, b"")
        with Daemon(args=["--config", path]) as d:
            replace(path, b"[replicas]\ncpu = scalar\n")
            hup(d, "ok", 1)
            assert d.get("/v1/models/commands").json()["kernels"] == "scalar"
            assert d.metric("sparrow_build_info", kernels="scalar") == 1, d.get("/metrics").body.decode()
            assert "needs a restart" not in d.log() and d.post("/v1/recognize", CLIP).status == 200
            replace(path, b"[replicas]\ncpu = z80\n")
            hup(d, "failed", 1)
            assert d.get("/v1/models/commands").json()["kernels"] == "scalar" and "z80" in d.log()


if __name__ == "__main__":
    run_tests(globals())
