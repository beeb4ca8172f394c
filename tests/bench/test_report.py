#!/usr/bin/python3
"""bench/report and bench/engine's power sensor: RESULTS.md is what bench/report makes of bench/results, and watts come from energy
counters, also across their overflow.

Writes to a temporary folder only.
"""
# SPDX-License-Identifier: Apache-2.0
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.environ["top_srcdir"]
sys.path.insert(0, os.path.join(TOP, "bench", "engine"))
import sensor  # noqa: E402


class Report(unittest.TestCase):
    def test_results_are_what_the_report_makes(self):
        with tempfile.TemporaryDirectory() as made:
            shutil.copytree(os.path.join(TOP, "bench", "results"), os.path.join(made, "results"))
            subprocess.run([os.path.join(TOP, "bench", "report"), os.path.join(made, "results")], check=True)
            with open(os.path.join(made, "RESULTS.md")) as new, open(os.path.join(TOP, "bench", "RESULTS.md")) as old:
                self.assertEqual(new.read().splitlines(), old.read().splitlines(), "run bench/report")

    def test_pictures_that_results_show_exist(self):
        with open(os.path.join(TOP, "bench", "RESULTS.md")) as f:
            shown = [line.split("](")[1].rstrip(")\n") for line in f if line.startswith("![")]
        self.assertGreater(len(shown), 0)
        for picture in shown:
            self.assertTrue(os.path.exists(os.path.join(TOP, "bench", picture)), picture)


class Sensor(unittest.TestCase):
    def tree(self, folder, energy):
        for name in ("intel-rapl:0", "intel-rapl:0:0", "intel-rapl"):
            os.mkdir(os.path.join(folder, name))
            self.write(folder, name, "energy_uj", energy)
        self.write(folder, "intel-rapl:0", "max_energy_range_uj", 1000000000)

    def write(self, folder, name, file, value):
        with open(os.path.join(folder, name, file), "w") as f:
            f.write(f"{value}\n")

    def work(self, folder, energy, seconds=0.2):
        def run():
            import time
            time.sleep(seconds)
            self.write(folder, "intel-rapl:0", "energy_uj", energy)
            return "done"
        return run

    def test_no_counter_is_no_answer(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertIsNone(sensor.words_per_watt(None, None, None, folder))

    def test_whole_packages_only(self):
        with tempfile.TemporaryDirectory() as folder:
            self.tree(folder, 5)
            self.assertEqual(sensor.counters(folder), [os.path.join(folder, "intel-rapl:0", "energy_uj")])

    def test_watts_of_a_span_and_of_one_that_overflows(self):
        for before, after in ((10000000, 12000000), (999000000, 1000000)):
            with tempfile.TemporaryDirectory() as folder:
                self.tree(folder, before)
                power, result = sensor.watts(sensor.counters(folder), self.work(folder, after))
                self.assertEqual(result, "done")
                self.assertGreater(power, 4)  # 2 J in 0.2 s, or longer on a busy machine
                self.assertLessEqual(power, 10)


if __name__ == "__main__":
    unittest.main()
