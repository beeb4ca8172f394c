#!/usr/bin/python3
"""Replicas that die, hang, or are many, while requests keep coming: every request is answered, and rightly. Starts its own daemons."""
# SPDX-License-Identifier: Apache-2.0
import json
import sys
import threading

sys.dont_write_bytecode = True
from harness import SLOW, Daemon, run_tests, wait_for, wav  # noqa: E402
from load import Load  # noqa: E402

CLIP = wav(0.2)
PATIENT = {"schedule.max_wait": "20"}       # a slow machine makes answers late, not wrong
NO_LANE = dict(PATIENT, **{"replicas.lane": "no", "server.lanes": 2, "test.word_cost": "0.001"})


def answer_of(body):
    return json.loads(body)["results"][0]["alternatives"][0]


def right_answer():
    """What an undisturbed daemon says about the clip."""
    with Daemon() as d:
        return answer_of(d.post("/v1/recognize", CLIP).body)


RIGHT = right_answer()


def check(result):
    """Nothing lost, nothing but 200, and each with the right words in it."""
    assert result.lost == 0 and set(result.statuses()) == {200}, result
    for _, _, _, body in result.answers:
        assert answer_of(body) == RIGHT, body


def test_worker_that_dies_under_load_loses_nothing():
    with Daemon(dict(NO_LANE, **{"replicas.workers": 4, "test.fault": "die:2:50"})) as d:
        result = Load(d.port, CLIP).run(seconds=2, connections=16)
        check(result)
        assert d.metric("sparrow_jobs_retried_total") >= 1
        assert d.metric("sparrow_replica_up", replica="2") == 0
        assert d.metric("sparrow_replicas", state="dead") == 1
        assert d.get("/healthz").status == 200 and d.get("/readyz").status == 200
        assert "replica died" in d.log()
        wait_for(lambda: d.metric("sparrow_replica_up", replica="2") == 1, 10, "the replica to be opened anew")
        result = Load(d.port, CLIP).run(seconds=1, connections=16)
        check(result)
        assert result.replicas()[2] > 0, result.replicas()


def test_worker_that_hangs_under_load_loses_nothing_and_its_late_answers_are_dropped():
    options = {"replicas.workers": 4, "replicas.hang_timeout": "0.3", "test.fault": "hang:1:50:3"}
    with Daemon(dict(NO_LANE, **options)) as d:
        result = Load(d.port, CLIP).run(seconds=2, connections=16)
        check(result)
        assert d.metric("sparrow_jobs_retried_total") >= 1
        assert d.metric("sparrow_replicas", state="hung") == 1
        assert "replica hangs" in d.log()
        wait_for(lambda: d.metric("sparrow_replica_up", replica="1") == 1, 10, "the replica to come back")
        assert d.metric("sparrow_jobs_late_total") >= 1
        result = Load(d.port, CLIP).run(seconds=1, connections=16)
        check(result)
        assert result.replicas()[1] > 0, result.replicas()


def test_worker_that_hangs_for_ever_does_not_keep_the_daemon_from_ending():
    with Daemon(dict(NO_LANE, **{"replicas.workers": 2, "replicas.hang_timeout": "0.3", "test.fault": "hang:0:20"})) as d:
        check(Load(d.port, CLIP).run(seconds=1, connections=8))


def test_all_workers_dead_is_503_no_replica_and_not_healthy():
    with Daemon(dict(NO_LANE, **{"replicas.workers": 2, "test.fault": "die:0:20,die:1:20"})) as d:
        result = Load(d.port, CLIP).run(seconds=1, connections=8)
        assert result.lost == 0 and result.count(200) > 10, result
        assert set(result.statuses()) <= {200, 500, 503} and result.count(503) > 0, result
        refused = next(a for a in result.answers if a[0] == 503)
        assert json.loads(refused[3])["type"].endswith("no-replica"), refused
        assert int(refused[2]["retry-after"]) >= 1
        assert d.get("/healthz").status == 503 and d.get("/readyz").status == 503
        wait_for(lambda: d.get("/healthz").status == 200, 10, "the replicas to be opened anew")


def many(workers):
    with Daemon(dict(NO_LANE, **{"replicas.workers": workers, "test.word_cost": "0.02"})) as d:
        result = Load(d.port, CLIP).run(seconds=3, connections=workers * 2)
        check(result)
        idle = [i for i in range(workers) if d.metric("sparrow_replica_busy_seconds_total", replica=str(i)) == 0]
        assert not idle, idle
        used = result.replicas()
        assert set(used) == set(range(workers)), sorted(used)
        assert max(used.values()) <= 4 * min(used.values()), used


def test_twenty_workers_are_all_busy():
    many(20)


def test_sixty_four_workers_are_all_busy():
    many(64)


def test_lane_and_workers_share_the_load():
    with Daemon(dict(PATIENT, **{"server.lanes": 2, "replicas.workers": 3, "test.word_cost": "0.01"})) as d:
        result = Load(d.port, CLIP).run(seconds=3, connections=64)
        check(result)
        assert set(result.replicas()) == {0, 1, 2, 3, 4}, result.replicas()


def test_long_clip_is_decoded_in_the_pool_while_the_lane_serves_on():
    # In a sanitized build the clip's words alone would take so long that a busy lane rightly refuses others.
    with Daemon(dict(PATIENT, **{"server.lanes": 1, "audio.decode_threads": 1})) as d:
        long_clip, answers = wav(50 if SLOW < 3 else 10, rate=44100), []
        sender = threading.Thread(target=lambda: answers.append(d.post("/v1/recognize", long_clip)))
        sender.start()
        check(Load(d.port, CLIP).run(seconds=1, connections=2))
        sender.join()
        assert answers[0].status == 200, answers[0]
        assert d.metric("sparrow_decodes_total", place="pool") == 1
        assert answers[0].json()["latency_us"]["decode"] > 0


if __name__ == "__main__":
    run_tests(globals())
