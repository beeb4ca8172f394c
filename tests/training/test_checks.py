#!/usr/bin/python3
"""What is asked of a tool and cannot be is said in a line before hours go by, and a card tells what
was asked, of whatever settings.

On words made up here. Writes to a temporary folder only. Exit status 77 (skipped) without torch,
soundfile, matplotlib or protobuf.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import contextlib
import csv
import dataclasses
import gzip
import io
import math
import os
import runpy
import sys
import tarfile
import tempfile
import unittest
from unittest import mock

TOP = os.environ["top_srcdir"]
sys.path.insert(0, os.path.join(TOP, "training"))
try:
    import matplotlib  # noqa: F401 (looked for, not used)
    import numpy as np
    import soundfile
    import torch
    from google import protobuf  # noqa: F401 (looked for, not used)
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from sparrow_training import arguments, card, checks, corpus, judge, modelfile  # noqa: E402
from sparrow_training import plot, trainer, winners  # noqa: E402
from sparrow_training.clips import RATE  # noqa: E402

KEYWORDS, OTHERS = ("yes", "no"), ("bed", "cat")


def write_data(path):
    """A data folder as the project's: each word twice in training, once elsewhere, and noise."""
    rows = []
    for split, takes in (("train", 2), ("valid", 1), ("test", 1)):
        names = [f"{w}/{i:08x}_nohash_0.wav" for w in KEYWORDS + OTHERS for i in range(takes)]
        rows += [(split, n.split("/")[0], n.split("/")[1][:8], f"{split}.tar", n) for n in names]
    rows += [
        (part, "_noise_", "-", "noise.tar", f"_noise_/{part}/hum.wav") for part in ("train", "test")
    ]
    for archive in {row[3] for row in rows}:
        with tarfile.open(os.path.join(path, archive), "w") as tar:
            for name in (row[4] for row in rows if row[3] == archive):
                file = io.BytesIO()
                samples = np.arange(2 * RATE if "_noise_" in name else RATE) % 90 * 9
                soundfile.write(file, samples.astype(np.int16), RATE, format="WAV")
                member = tarfile.TarInfo(name)
                member.size = len(file.getvalue())
                tar.addfile(member, io.BytesIO(file.getvalue()))
    with gzip.open(os.path.join(path, "manifest.tsv.gz"), "wt", encoding="utf-8") as f:
        table = csv.writer(f, delimiter="\t")
        table.writerow(["split", "word", "speaker", "archive", "file"])
        table.writerows(rows)


def checkpoint(path, settings):
    """An untrained one, as after an epoch."""
    net = trainer.build(settings)
    told = {"settings": dataclasses.asdict(settings), "average": net.state_dict()}
    torch.save({**told, "stage": "float", "epoch": 1, "log": [], "taught": 0, "note": ""}, path)


class Tools(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.data = self.path("data")
        os.mkdir(self.data)
        write_data(self.data)

    def tearDown(self):
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def refused(self, name, *told):
        """What a tool ends with, run in this process: in another, torch takes seconds to load."""
        path, said = os.path.join(TOP, "training", name), io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            with mock.patch.object(sys, "argv", [path, *told]):
                with self.assertRaises(SystemExit) as ended:
                    runpy.run_path(path, run_name="__main__")
        self.assertNotIn(ended.exception.code, (0, None))
        return f"{said.getvalue()} {ended.exception.code}"

    def train(self, *told):
        said = self.refused(
            *("train", "--data", self.data, "--keywords", ",".join(KEYWORDS), *told),
            *("--cache", self.path("cache"), "--out", self.path("x.pt")),
        )
        self.assertFalse(os.path.exists(self.path("cache")))  # before clips are decoded
        return said

    def test_settings_that_mean_nothing_are_refused(self):
        for told, part in (
            (("--net", "published", "--integer-epochs", "1"), "no other integer_epochs"),
            (("--net", "bcresnet1", "--integer-epochs", "1"), "no other integer_epochs"),
            (("--net", "bcresnet1", "--set", "lookups=99"), "no other lookups"),
            (("--net", "published", "--set", "competition=local"), "no other competition"),
            (("--net", "published", "--set", "lookups=99"), "lookups=5376, or 0"),
            (("--set", "masks=random"), "masks is one of learned, static, dynamic"),
            (("--set", "precision=half"), "precision is one of"),
            (("--set", "winners=9"), "winners is from 1 to 8"),
            (("--set", "shape={'depth': 3}"), "shape knows no depth"),
            (("--set", "shape={'widths': (16, 24, 16, 16)}"), "multiples of 16"),
            (("--set", "shape={'widths': (16, 16)}"), "a stride and taps for each width"),
            (("--epochs", "0", "--integer-epochs", "0"), "no epoch to train"),
            (("--hold-out", "bed,brid"), "no clips of brid to hold out"),
            (("--takes", "0"), "0 is less than 1"),
            (("--steps", "0"), "0 is less than 1"),
            (("--epochs", "few"), "few is not a whole number"),
            (("--rooms", "2"), "2 is not between 0 and 1"),
        ):
            self.assertIn(part, self.train(*told))

    def test_networks_that_do_not_fit_are_refused(self):
        usual = dataclasses.replace(trainer.preset("tcresnet8"), keywords=KEYWORDS)
        checkpoint(self.path("same.pt"), usual)
        checkpoint(self.path("other.pt"), dataclasses.replace(usual, keywords=("no", "yes")))
        for told, part in (
            (("--teacher", self.path("same.pt"), self.path("other.pt")), "other words than"),
            (("--start", self.path("other.pt"), "--net", "tcresnet8"), "other words than"),
            (("--start", self.path("same.pt"), "--net", "relu"), "of another shape"),
            (("--start", self.path("same.pt"), "--net", "bcresnet1"), "of another shape"),
        ):
            said = self.train(*told)
            self.assertIn(part, said)
            self.assertIn(".pt", said)

    def test_what_cannot_be_written_is_said_first(self):
        for tool, told in (
            ("train", ("--out", self.path("none/x.pt"))),
            ("export", (self.path("x.pt"), "--out", self.path("none/x.sparrow"))),
            ("evaluate", (self.path("x.sparrow"), "--json", self.path("none/x.json"))),
            ("noise", (self.path("x.sparrow"), "--out", self.path("none/x"))),
            ("make-eval-list", ("--out", self.path("none/x.tsv"))),
        ):
            self.assertIn(f"there is no folder {self.path('none')}", self.refused(tool, *told))
        self.assertIn("is less than 1", self.refused("noise", "x.sparrow", "--every", "0"))

    def test_what_is_no_model_file_is_said(self):
        with open(self.path("short.sparrow"), "wb") as f:
            f.write(b"SPARROW\n")
        for tool in ("evaluate", "noise"):
            said = self.refused(tool, self.path("short.sparrow"))
            self.assertIn("is not an intact model file", said)

    def test_words_held_out_are_not_counted(self):
        whole = corpus.find(self.data, KEYWORDS)
        self.assertIn("8 training clips of 2 speakers", whole.trained_on)
        for data in (self.data, self.path("mine")):
            if data != self.data:  # someone's own, with words lent by the others
                for word in KEYWORDS:
                    for i in range(4):
                        os.makedirs(os.path.join(data, word, str(i)))
                        name = os.path.join(data, word, str(i), "a.wav")
                        soundfile.write(name, np.zeros(RATE, np.int16), RATE)
            found = corpus.find(data, KEYWORDS, borrow=self.data, hold_out=("cat",))
            self.assertEqual(found.own, data != self.data)
            count = sum(w == "bed" for w, _ in found.clips("train"))
            count += 0 if found.own else sum(w in KEYWORDS for w, _ in found.clips("train"))
            self.assertIn(
                f"{count} {'clips of other' if found.own else 'training'}", found.trained_on
            )


class Arguments(unittest.TestCase):
    def test_numbers(self):
        self.assertEqual((arguments.at_least(1)("1"), arguments.share("0.5")), (1, 0.5))
        for sort, text in ((arguments.at_least(1), "0"), (arguments.share, "nan")):
            with self.assertRaises(argparse.ArgumentTypeError):
                sort(text)


class Settings(unittest.TestCase):
    def test_every_preset_is_fine(self):
        for name in trainer.NETS:
            checks.settings(trainer.preset(name))

    def test_go_on_with_another_competition(self):
        settings = dataclasses.replace(trainer.preset("tcresnet8"), lookups=0)
        boosted = trainer.build(dataclasses.replace(settings, boost=1.5))
        for one, other in ((trainer.build(settings), boosted), (boosted, trainer.build(settings))):
            winners.load(one, other.state_dict())
            self.assertTrue(torch.equal(one.linear.weight, other.linear.weight))


class Interval(unittest.TestCase):
    def test_it_is_a_share(self):
        for count in range(1, 300):
            for right in (0, count):
                low, high = judge.interval(right, count)
                self.assertNotIn("-", f"{low:.2f}")
                self.assertLessEqual(high, 1)


class Plot(unittest.TestCase):
    def test_every_curve_ends_on_the_axis(self):
        good = {"overall": 0.91, "keywords": 0.93, "unknown": 0.82, "silence": 1.0}
        for changes, begin in (({}, 70), ({"unknown": 0.43}, 40), ({"unknown": math.nan}, 70)):
            self.assertEqual(plot.lowest([{"loss": 1.0, **good, **changes}]), begin)


class Card(unittest.TestCase):
    def card(self, net, origin=None, **changes):
        settings = dataclasses.replace(trainer.preset(net), **changes)
        log = [{"stage": "float"}]
        made = modelfile.messages().Model().card
        card.fill(made, trainer.Trained(None, settings, log, 0, "", origin or {}))
        return made.description, made.recipe

    def test_it_tells_what_was_asked_for(self):
        for net, changes, part, other in (
            ("commands", {}, "two winners in each 8 channels, the mean", "boost"),
            ("commands", {"winners": 4}, "four winners in each 8", "every positive value alive"),
            ("commands", {"competition": "local"}, "among all of a place", "in each 8 channels"),
            ("commands", {"masks": "static"}, "chosen at random before", "pruned gradually"),
            ("commands", {"masks": "dynamic"}, "to the largest gradient, to a cost", "gradually"),
            ("commands", {"lookups": 0}, "winners annealed from 8 to 2 of 8; quantised", "windows"),
            ("commands", {"boost": 1.5}, "(boost 1.5)", "every positive value alive"),
            ("published", {}, "127,696 numbers, as published: 8", "every positive value"),
            ("published", {"winners": 2}, "two of each 8 neighbouring", "one of each"),
            ("published", {"keywords": KEYWORDS}, "115,696 numbers: 8", "as published:"),
            ("published-dense", {}, "a linear layer.", "numbers"),
        ):
            text = " ".join(self.card(net, **changes))
            self.assertIn(part, text)
            self.assertNotIn(other, text)
        rooms = self.card("commands", {"manner": [0.3, 0.0]})[1]
        self.assertIn("level, background, room)", rooms)


if __name__ == "__main__":
    unittest.main(verbosity=2)
