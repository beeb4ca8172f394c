#!/usr/bin/python3
"""test_energy.py - energy in replies and metrics, with a sysfs tree that this test supplies and advances, and without one.

The world draws 20 W, and 30 W more while the test says so; the daemon is the only process there is (/proc/stat stands still)."""
# SPDX-License-Identifier: Apache-2.0
import os
import shutil
import tempfile
import threading
import time

from harness import SLOW, Daemon, run_tests, wait_for, wav

IDLE_W, ACTIVE_W = 20.0, 30.0


class World:
    """A folder with sys/ and proc/, and a thread that lets time pass in it."""

    def __init__(self):
        self.root = tempfile.mkdtemp(prefix="sparrow-energy-")
        self.zone = os.path.join(self.root, "sys/class/powercap/intel-rapl:0")
        os.makedirs(self.zone)
        os.makedirs(os.path.join(self.root, "proc"))
        self.uj, self.busy, self.over = 262143000000 - 5e6, False, threading.Event()   # wraps after 5 J
        self.write("name", "package-0")
        self.write("max_energy_range_uj", "262143328850")
        self.write("energy_uj", str(int(self.uj)))
        with open(os.path.join(self.root, "proc/stat"), "w", encoding="ascii") as f:
            f.write("cpu  0 0 0 0 0 0 0 0 0 0\n")
        self.lock = threading.Lock()                    # held while the zone moves, or is written to
        self.thread = threading.Thread(target=self.pass_time)

    def write(self, name, text):
        path = os.path.join(self.zone, name)
        with open(path + ".new", "w", encoding="ascii") as f:
            f.write(text + "\n")
        os.replace(path + ".new", path)

    def pass_time(self):
        before = time.monotonic()
        while not self.over.wait(0.02):
            now = time.monotonic()
            self.uj += (IDLE_W + (ACTIVE_W if self.busy else 0)) * (now - before) * 1e6
            before = now
            with self.lock:
                if os.path.isdir(self.zone):
                    self.write("energy_uj", str(int(self.uj) % 262143328850))

    def lose(self):
        with self.lock:
            os.rename(self.zone, self.zone + ".away")

    def bring_back(self):
        with self.lock:
            os.rename(self.zone + ".away", self.zone)

    def options(self):
        return {"energy.sysfs": os.path.join(self.root, "sys"), "energy.proc": os.path.join(self.root, "proc")}

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        shutil.rmtree(self.root, ignore_errors=True)


def wait_for_idle_power(daemon):
    """Asks seldom: scrapes are work too, and idle power is learned at rest."""
    def idle():
        time.sleep(0.5)
        return daemon.metric("sparrow_device_power_watts", device="cpu0", source="rapl", state="idle")
    return wait_for(idle, 20, "idle power")


def energy_of(daemon):
    answer = daemon.post("/v1/recognize", wav())
    assert answer.status == 200, answer
    return answer.json()["energy"]


def load(daemon, seconds):
    """Keeps the daemon busy; gives the energy of each reply."""
    end, replies = time.monotonic() + seconds, []
    body, connection = wav(), daemon.connect()
    while time.monotonic() < end:
        answer = daemon.post("/v1/recognize", body, connection=connection)
        assert answer.status == 200, answer
        replies.append(answer.json()["energy"])
    connection.close()
    return replies


def test_without_a_sensor_energy_is_null_and_series_are_absent():
    with tempfile.TemporaryDirectory() as empty, Daemon({"energy.sysfs": empty}) as d:
        energy = energy_of(d)
        assert energy["source"] == "none" and energy["joules"] is None and energy["watts"] is None, energy
        text = d.get("/metrics").body.decode()
        for name in ("sparrow_device_power_watts", "sparrow_device_energy_joules_total", "sparrow_request_energy_joules_total"):
            assert f"# TYPE {name} " in text and f"\n{name}{{" not in text, name
        assert "energy is unknown" in d.log()


def test_with_a_sensor_shares_follow_the_counter():
    # Self-tests stay away, so that the daemon is at rest when nobody asks.
    with World() as w, Daemon(dict(w.options(), **{"replicas.selftest_interval": 60})) as d:
        idle = wait_for_idle_power(d)
        assert abs(idle - IDLE_W) < 0.2 * IDLE_W, idle
        w.busy = True
        load(d, 2.5)
        before, began = d.metric("sparrow_request_energy_joules_total", device="cpu0", source="rapl"), time.monotonic()
        replies = load(d, 3)
        span = time.monotonic() - began
        known = [r for r in replies if r["joules"] is not None]
        assert len(known) > 0.9 * len(replies) > 0, (len(known), len(replies), replies[-1])
        assert all(r["source"] == "rapl" and r["joules"] > 0 and 0.9 < r["window_s"] < 3 * SLOW for r in known), known[-1]
        watts = sorted(r["watts"] for r in known)[len(known) // 2]
        assert abs(watts - ACTIVE_W) < 0.35 * ACTIVE_W, watts
        given = d.metric("sparrow_request_energy_joules_total", device="cpu0", source="rapl") - before
        total = sum(r["joules"] for r in known)
        assert abs(given - total) < 0.02 * total, (given, total)
        # Nobody else was there: what the replies say adds up to the active energy (sampling, windows and start-up aside).
        assert 0.5 * ACTIVE_W * span < total < 1.5 * ACTIVE_W * span, (total, ACTIVE_W * span)


def test_a_lost_sensor_is_null_until_it_is_back():
    with World() as w, Daemon(dict(w.options(), **{"replicas.selftest_interval": 60})) as d:
        wait_for_idle_power(d)
        w.busy = True
        load(d, 2.5)
        assert energy_of(d)["joules"] is not None
        w.lose()
        wait_for(lambda: "energy source lost" in d.log(), 5, "the loss in the log")
        energy = energy_of(d)
        assert energy["joules"] is None and energy["source"] == "rapl", energy
        text = d.get("/metrics").body.decode()
        assert "\nsparrow_device_power_watts{" not in text and "\nsparrow_device_energy_joules_total{" in text
        w.bring_back()
        wait_for(lambda: "energy source is back" in d.log(), 5, "the return in the log")
        load(d, 2.5)
        assert energy_of(d)["joules"] is not None


if __name__ == "__main__":
    run_tests(globals())
