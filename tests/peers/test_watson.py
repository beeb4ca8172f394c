#!/usr/bin/python3
"""IBM Watson's SDK for JavaScript, unchanged, against the real daemon. Skipped without node, npm or its packages."""
# SPDX-License-Identifier: Apache-2.0
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "daemon"))
import npm  # noqa: E402
from harness import TOP_SRC, Daemon, run_tests  # noqa: E402


def test_sdk_recognises_and_reports_errors():
    folder = npm.installed()
    with Daemon({"schedule.max_wait": 20}) as d:
        print(npm.run(folder, "watson.cjs", f"http://127.0.0.1:{d.port}", os.path.join(TOP_SRC, "tests/data/samples")), end="")
        assert d.metric("sparrow_requests_total", outcome="ok") == 6, d.get("/metrics").body
        assert d.metric("sparrow_keywords_total", model="commands", keyword="yes") == 2


if __name__ == "__main__":
    run_tests(globals())
