"""Words per joule from the energy counters of the CPU packages (RAPL), where there are any.

SPDX-License-Identifier: Apache-2.0
"""
import glob
import os
import time

SECONDS = 2.0


def counters(powercap):
    """The files of whole packages: intel-rapl:0, not their parts (intel-rapl:0:0). Only root may read some."""
    found = [os.path.join(d, "energy_uj") for d in glob.glob(os.path.join(powercap, "intel-rapl:*")) if os.path.basename(d).count(":") == 1]
    return [path for path in found if os.access(path, os.R_OK)]


def joules(path):
    return int(open(path).read()) / 1e6


def span(path, before, after):
    """What was used between two readings of a counter that may have begun anew once."""
    if after >= before:
        return after - before
    limit = os.path.join(os.path.dirname(path), "max_energy_range_uj")
    return after - before + int(open(limit).read()) / 1e6


def watts(paths, work):
    """Mean power of the packages while work() runs, and what it returned."""
    began, before = time.monotonic(), [joules(p) for p in paths]
    result = work()
    after, took = [joules(p) for p in paths], time.monotonic() - began
    return sum(span(*each) for each in zip(paths, before, after)) / took, result


def words_per_watt(bench, model, dense, powercap):
    """Idle power, and words per second and watt of the whole package for the engine and our dense twin; None without a sensor."""
    paths = counters(powercap)
    if not paths:
        return None
    seconds, bench.seconds = bench.seconds, SECONDS
    idle, _ = watts(paths, lambda: time.sleep(SECONDS))
    rows = {}
    for title, rival, file in (("sparse-sparse", "sparrow", model), ("dense int8, ours", "dense", dense)):
        power, result = watts(paths, lambda r=rival, f=file: bench.words(r, f, 16, bench.cores))
        rows[title] = {"watts": power, "words_per_watt": result["rate_wall"] / power}
    bench.seconds = seconds
    return {"source": "rapl", "idle_watts": idle, "rows": rows}
