#!/usr/bin/python3
"""promtool reads /metrics without a complaint; a real Prometheus scrapes the daemon. Skipped without the package prometheus."""
# SPDX-License-Identifier: Apache-2.0
import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "daemon"))
from harness import TOP_SRC, Daemon, Skip, run_tests, wait_for  # noqa: E402


def need(program):
    if not shutil.which(program):
        raise Skip(f"{program} is missing (apt-get install prometheus)")


def some_traffic(d):
    sample = open(os.path.join(TOP_SRC, "tests/data/samples/yes.wav"), "rb").read()
    for _ in range(3):
        assert d.post("/v1/recognize", sample).status == 200
    assert d.post("/v1/recognize", b"RIFF").status == 422
    assert d.get("/nothing").status == 404


def test_promtool_has_no_complaint():
    need("promtool")
    with Daemon() as d:
        some_traffic(d)
        text = d.get("/metrics").body
        result = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, timeout=60)
        assert result.returncode == 0, (result.returncode, result.stdout, result.stderr, text[:3000])
        series = [line.rsplit(" ", 1)[0] for line in text.decode().splitlines() if line and not line.startswith("#")]
        assert len(series) == len(set(series)), sorted(s for s in series if series.count(s) > 1)


CONFIG = """
global: {{ scrape_interval: 1s, scrape_timeout: 1s }}
scrape_configs:
  - job_name: sparrow
    static_configs: [ {{ targets: [ '127.0.0.1:{port}' ] }} ]
"""


class Prometheus:
    """A server of its own on a free port; its data in the daemon's temporary folder."""

    def __init__(self, d):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        config = os.path.join(d.folder, "prometheus.yml")
        with open(config, "w") as f:
            f.write(CONFIG.format(port=d.port))
        self.log = open(os.path.join(d.folder, "prometheus.log"), "w+")
        self.process = subprocess.Popen(
            ["prometheus", "--config.file=" + config, "--storage.tsdb.path=" + os.path.join(d.folder, "tsdb"),
             f"--web.listen-address=127.0.0.1:{self.port}"], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if kind:
            self.log.seek(0)
            sys.stderr.write(self.log.read()[-3000:])
        self.log.close()

    def ask(self, path, **query):
        url = f"http://127.0.0.1:{self.port}{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=5) as r:
                return json.load(r)["data"]
        except OSError:
            return None

    def value(self, query):
        data = self.ask("/api/v1/query", query=query)
        return float(data["result"][0]["value"][1]) if data and data["result"] else None


def test_prometheus_scrapes():
    need("prometheus")
    with Daemon() as d:
        some_traffic(d)
        with Prometheus(d) as p:
            wait_for(lambda: p.value("up{job='sparrow'}") == 1, 20, "a scrape that went well")
            assert p.value("sparrow_requests_total{outcome='ok'}") == 3
            assert p.value("sparrow_stage_duration_seconds_count{stage='total'}") >= 3
            assert p.value("histogram_quantile(0.5, sparrow_stage_duration_seconds_bucket{stage='total'})") > 0
            assert p.value("sparrow_ready") == 1
            target = p.ask("/api/v1/targets")["activeTargets"][0]
            assert target["health"] == "up" and target["lastError"] == "", target
            types = {m[0]["type"] for m in [p.ask("/api/v1/metadata", metric="sparrow_requests").get("sparrow_requests", [])
                                            or p.ask("/api/v1/metadata", metric="sparrow_requests_total")["sparrow_requests_total"]]}
            assert types == {"counter"}, types


if __name__ == "__main__":
    run_tests(globals())
