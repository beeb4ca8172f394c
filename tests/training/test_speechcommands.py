#!/usr/bin/python3
"""The layout of the Google Speech Commands archive is read by its official lists, and the rule
behind the lists puts known speakers where they stand.

On a small archive of made-up sounds. Writes to a temporary folder only. Exit status 77 (skipped)
without numpy or soundfile.

SPDX-License-Identifier: Apache-2.0
"""
import csv
import os
import sys
import tempfile
import unittest

TOP = os.environ["top_srcdir"]
sys.path.insert(0, os.path.join(TOP, "training"))
try:
    import numpy as np
    import soundfile
    import torch  # noqa: F401 (looked for, not used)
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from sparrow_training import corpus, speechcommands  # noqa: E402 (numpy is asked for first)
from sparrow_training.clips import RATE  # noqa: E402

# The first names of the official lists of v0.02, and three that stand in neither.
VALID = ["bed/026290a7_nohash_0.wav", "bed/060cd039_nohash_1.wav", "bed/099d52ad_nohash_0.wav"]
TEST = ["bed/0c40e715_nohash_0.wav", "bed/0ea0e2f4_nohash_1.wav", "no/0cb74144_nohash_2.wav"]
TRAIN = ["bed/00176480_nohash_0.wav", "no/004ae714_nohash_0.wav", "no/00f0204f_nohash_0.wav"]


def write_archive(path, words=()):
    """The clips above, a second of them half as long, and two background recordings."""
    for i, name in enumerate(VALID + TEST + TRAIN + [f"{w}/00176480_nohash_0.wav" for w in words]):
        os.makedirs(os.path.join(path, os.path.dirname(name)), exist_ok=True)
        samples = np.full(RATE if i != 1 else RATE // 2, 100 + i, np.int16)
        soundfile.write(os.path.join(path, name), samples, RATE)
    for name, names in (("validation_list.txt", VALID), ("testing_list.txt", TEST)):
        with open(os.path.join(path, name), "w", encoding="utf-8") as f:
            f.writelines(line + "\n" for line in names)
    noise = os.path.join(path, "_background_noise_")
    os.mkdir(noise)
    with open(os.path.join(noise, "README.md"), "w", encoding="utf-8") as f:
        f.write("not a recording\n")
    for name, seconds in (("hum.wav", 10), ("short.wav", 2)):
        soundfile.write(os.path.join(noise, name), np.arange(seconds * RATE) % 50 / 100, RATE)


class Archive(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.data = self.folder.name

    def tearDown(self):
        self.folder.cleanup()

    def test_lists_decide(self):
        write_archive(self.data)
        found = corpus.find(self.data, ("no",))
        self.assertIsInstance(found, speechcommands.Archive)
        self.assertEqual(found.version, "v0.01")
        for split, names in (("valid", VALID), ("test", TEST), ("train", TRAIN)):
            self.assertEqual(found.names(split), sorted(names))
            read = corpus.read(found, split)
            self.assertEqual(list(read.words), [n.split("/")[0] for n in sorted(names)])
            self.assertEqual(found.count(split), len(read.words))
        self.assertEqual(found.warnings, ())
        short = corpus.read(found, "valid").samples[1]
        self.assertEqual((short[0], short[-1]), (101, 0))

    def test_noise_is_cut_in_time(self):
        write_archive(self.data)
        found = corpus.find(self.data, ("no",))
        train, test = found.noise("train"), found.noise("test")
        self.assertEqual({n: len(s) for n, s in test.items()}, {"hum.wav": 3 * RATE})
        self.assertEqual(len(train["hum.wav"]), 7 * RATE)

    def test_second_version_is_told_by_its_words(self):
        write_archive(self.data, ["backward", "visual"])
        self.assertEqual(corpus.find(self.data, ("no",)).version, "v0.02")

    def test_what_does_not_fit_is_said(self):
        write_archive(self.data)
        with self.assertRaisesRegex(ValueError, "no folder yes"):
            corpus.find(self.data)
        with open(os.path.join(self.data, "testing_list.txt"), "a", encoding="utf-8") as f:
            f.write("bed/gone_nohash_0.wav\n" + TRAIN[0] + "\n")
        warnings = corpus.find(self.data, ("no",)).warnings
        self.assertEqual(len(warnings), 2)
        self.assertIn("1 clips of the lists are not there, as bed/gone_nohash_0.wav", warnings[0])
        self.assertIn(TRAIN[0], warnings[1])
        with open(os.path.join(self.data, "testing_list.txt"), "a", encoding="utf-8") as f:
            f.write(VALID[0] + "\n")
        with self.assertRaisesRegex(ValueError, "both lists"):
            corpus.find(self.data, ("no",))

    def test_words_held_out_are_only_in_the_test(self):
        write_archive(self.data)
        found = corpus.find(self.data, ("no",), hold_out=("bed",))
        self.assertEqual(set(corpus.read(found, "train").words), {"no"})
        self.assertEqual(set(corpus.read(found, "test").words), {"no", "bed"})
        self.assertIn("bed", found.trained_on)
        with self.assertRaisesRegex(ValueError, "keyword cannot be held out"):
            corpus.find(self.data, ("no",), hold_out=("no",))


class Rule(unittest.TestCase):
    def test_official_names(self):
        for split, names in (("valid", VALID), ("test", TEST), ("train", TRAIN)):
            for name in names:
                self.assertEqual(speechcommands.which_set(name), split, name)

    def test_the_test_list(self):
        """models/eval.tsv holds clips of the official testing list only."""
        with open(os.path.join(TOP, "models/eval.tsv"), encoding="utf-8", newline="") as f:
            names = [r["member"] for r in csv.DictReader(f, delimiter="\t")]
        names = [name for name in names if "_nohash_" in name]
        self.assertGreater(len(names), 1900)
        self.assertEqual({speechcommands.which_set(name) for name in names}, {"test"})

    def test_every_clip_of_the_data_folder(self):
        if not corpus.is_project(corpus.DEFAULT):
            self.skipTest("no data folder")
        rows = corpus.Project(corpus.DEFAULT).manifest
        rows = [r for r in rows if r["split"] in ("train", "valid", "test")]
        rows = [r for r in rows if "_nohash_" in r["file"] and r["archive"].endswith(".tar")]
        self.assertGreater(len(rows), 20000)
        for row in rows:
            self.assertEqual(speechcommands.which_set(row["file"]), row["split"], row["file"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
