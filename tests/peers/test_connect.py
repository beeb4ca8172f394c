#!/usr/bin/python3
"""Connect's client for Node against the real daemon. Skipped without node, npm, its packages or protoc."""
# SPDX-License-Identifier: Apache-2.0
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "daemon"))
import npm  # noqa: E402
from harness import TOP_SRC, Daemon, Skip, run_tests  # noqa: E402


def test_client_in_both_codecs():
    if not shutil.which("protoc"):
        raise Skip("protoc is missing (apt-get install protobuf-compiler)")
    folder = npm.installed()
    with Daemon({"schedule.max_wait": 20}) as d:
        descriptors = os.path.join(d.folder, "descriptors")
        subprocess.run(["protoc", "-I" + os.path.join(TOP_SRC, "proto"), "--descriptor_set_out=" + descriptors,
                        "sparrow/v1/recognizer.proto"], check=True)
        print(npm.run(folder, "connect.mjs", f"http://127.0.0.1:{d.port}", descriptors, os.path.join(TOP_SRC, "tests/data/samples")),
              end="")
        assert d.metric("sparrow_requests_total", outcome="ok") == 4
        assert d.metric("sparrow_clips_total") >= 8


if __name__ == "__main__":
    run_tests(globals())
