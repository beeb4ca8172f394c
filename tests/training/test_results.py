#!/usr/bin/python3
"""The page of results tells means and spreads over seeds as computed by hand, leaves out what is
not known, and refuses files of another kind.

On evaluations made up here. Writes to a temporary folder only. Exit status 77 (skipped) without
numpy, soundfile, matplotlib or protobuf.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

TOP = os.environ["top_srcdir"]
sys.path.insert(0, os.path.join(TOP, "training"))
try:
    import matplotlib  # noqa: F401 (looked for, not used)
    import numpy as np
    import soundfile  # noqa: F401
    from google import protobuf  # noqa: F401
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from sparrow_training import noises, noisetest, paired, resultspage  # noqa: E402

CLIPS = 400


def evaluation(name, seed, share):
    """(what training/evaluate writes, which clips were right)"""
    right = np.arange(CLIPS) < share * CLIPS
    told = {
        "model": name,
        "sha256": f"{name} {seed}",
        "seed": seed,
        "test": "eval.tsv",
        "clips": CLIPS,
        "accuracy": float(right.mean()),
        "right": paired.pack(right),
    }
    if name == "rival":
        told.update(stored=9000, dense=9000)
    else:
        told.update(
            numbers="8 bit",
            recipe=f"{7 if name == 'commands' else 9} epochs.",
            shares={"test accuracy, keywords": [share - 0.01, 350]},
            stored=100000 if name == "commands" else 1500000,
            dense=1500000,
            products_dense=14000000,
            products_alive=700000,
            microseconds={"scalar": 800.0, "avx2": 12.5 + seed},
            open_set=[["bed", 3, 40], ["cat", 5, 40]],
        )
    return told, right


def noise(told, right):
    """Half of the right answers are lost at the first level, all others after it."""
    levels = [(0, right), (0.05, right & (np.arange(CLIPS) % 2 == 0))]
    levels += [(level, right & False) for level in noises.LEVELS[2:]]
    kinds = {"uniform": levels, "pink": [(20, right), (0, right & False)]}
    result = noisetest.result(kinds, np.ones(CLIPS, bool), 1)
    return {"sha256": told["sha256"], **result}


class Results(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        os.mkdir(self.path("results"))
        noisy = {}
        for name, shares in (
            ("commands", (0.94, 0.96)),
            ("commands-dense", (0.955,)),
            ("rival", (0.9,)),
        ):
            for seed, share in enumerate(shares):
                told, right = evaluation(name, seed, share)
                self.write(f"{name}-{seed}.json", told)
                if name != "rival":
                    noisy[f"{name}-{seed}"] = noise(told, right)
        self.write("noise.json", {"models": noisy, "pairs": []})
        digits, right = evaluation("digits", 0, 0.8)
        right = right[100:]
        digits.update(test="its test clips", clips=300, accuracy=0.8, right=paired.pack(right))
        self.write("digits-0.json", digits)
        with open(self.path("results/notes.md"), "w", encoding="utf-8") as f:
            f.write("## What was tried\n\nwider ones were tried\n")

    def tearDown(self):
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, told):
        with open(self.path("results/" + name), "w", encoding="utf-8") as f:
            json.dump(told, f)

    def run_tool(self):
        return subprocess.run(
            [sys.executable, os.path.join(TOP, "training/results"), "--out", self.path("R.md")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def test_page_by_hand(self):
        done = self.run_tool()
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("R.md"), encoding="utf-8") as f:
            page = f.read()
        rows = [[c.strip() for c in r.split("|")[1:-1]] for r in page.splitlines() if "|" in r]
        told = {row[0]: row for row in rows if len(row) == len(resultspage.HEAD)}
        score = 100 * (1.5 * 0.95) / 11
        self.assertEqual(told["commands"][1:5], ["8 bit", "2", "95.00 ± 1.41", "94.00 ± 1.41"])
        self.assertTrue(told["commands"][5].startswith(f"{score:.2f} ± "), told["commands"][5])
        self.assertEqual(told["commands"][6:9], ["1,500,000", "100,000", "6.7"])
        self.assertEqual(told["commands"][9:11], ["14.00", "0.70"])
        self.assertEqual(told["commands"][11:], ["13.00 ± 0.71", "avx2", "10.0"])
        self.assertEqual(told["rival"][2:4], ["1", "90.00"])
        self.assertEqual(told["rival"][6:9], ["9,000", "9,000", "100.0"])
        self.assertEqual({*told["rival"][4:6], *told["rival"][9:]}, {resultspage.NONE})
        self.assertEqual(told["digits"][3], "80.00")
        self.assertIn("## 400 clips of eval.tsv", page)
        self.assertIn("## 300 clips of its test clips", page)
        self.assertIn("- **commands**: 7 epochs.", page)
        self.assertIn("wider ones were tried", page)
        against = next(row for row in rows if row[0] == "commands – rival")
        self.assertTrue(against[1].startswith("+5.00 ("), against)
        self.assertEqual(against[2], resultspage.NONE)
        twin = next(row for row in rows if row[0] == "commands – commands-dense")
        mean, low, high = (float(number) for number in re.findall(r"[-+][\d.]+\d", twin[1]))
        self.assertAlmostEqual(mean, -0.5)
        self.assertLess(low, mean)
        self.assertLess(mean, high)
        self.assertIn(["commands", "pink", "95.0", "0.0"], rows)
        for name in ("noise.png", "weights.png", "density.png", "time.png"):
            self.assertIn(f"(results/{name})", page)
            self.assertGreater(os.path.getsize(self.path("results/" + name)), 3000)

    def test_other_files_are_refused(self):
        self.write("odd.json", {"commands": 3})
        done = self.run_tool()
        self.assertEqual(done.returncode, 1)
        self.assertIn("odd.json", done.stderr)
        with open(self.path("results/cut.json"), "w", encoding="utf-8") as f:
            f.write("{")
        self.assertIn("cut.json: ", self.run_tool().stderr)

    def test_words_of_ones_own_are_a_task_of_their_own(self):
        told, right = evaluation("words", 0, 0.7)
        mine = {"test": "its test clips", "labels": ["hey", "silence", "unknown"]}
        self.write("words-0.json", {**told, **mine})
        digits = self.path("results/digits-0.json")
        with open(digits, encoding="utf-8") as f:
            self.write("digits-0.json", {**json.load(f), "labels": ["one", "silence", "unknown"]})
        done = self.run_tool()
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("R.md"), encoding="utf-8") as f:
            page = f.read()
        self.assertIn("## 300 clips of its test clips, one silence unknown", page)
        self.assertIn("## 400 clips of its test clips, hey silence unknown", page)
        self.write("words-0.json", {**told, **mine, "model": "digits"})
        done = self.run_tool()
        self.assertEqual(done.returncode, 1)
        self.assertIn("the files of digits know different words", done.stderr)

    def test_other_clips_are_refused(self):
        told, _ = evaluation("other", 0, 0.5)
        self.write("other.json", {**told, "clips": CLIPS - 8})
        done = self.run_tool()
        self.assertEqual(done.returncode, 1)
        self.assertIn("different numbers of clips", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
