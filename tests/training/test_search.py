#!/usr/bin/python3
"""A search that is killed and started again ends with the very results of one that was not, and
its ranking keeps what can still reach both thresholds.

Small networks on made-up features. Writes to a temporary folder only. Exit status 77 (skipped)
without torch, matplotlib or protobuf.

SPDX-License-Identifier: Apache-2.0
"""
import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "training"))
try:
    import matplotlib  # noqa: F401 (looked for, not used)
    import numpy as np
    import soundfile  # noqa: F401
    import torch
    from google import protobuf  # noqa: F401
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from sparrow_training import assembly, curves, pareto, searching, takes, trainer  # noqa: E402

SPARROW = os.path.join(os.environ["top_builddir"], "sparrow")
SHAPE = {"widths": [32, 32, 32, 32]}
SPACE = {"peak": {"log": [0.01, 0.2]}, "shape": {"one": [SHAPE, {"widths": [16, 32, 16, 32]}]}}
WORDS = np.array(["hey", "ho", "hey", "ho", "silence", "bird"])


class Killed(Exception):
    pass


def features(seed):
    return np.random.default_rng(seed).integers(0, 128, (len(WORDS), 32, 32)).astype(np.uint8)


def material():
    train = [torch.from_numpy(features(seed)) for seed in (1, 2)]
    return takes.Takes(train, WORDS, torch.from_numpy(features(3)), WORDS)


class Space(unittest.TestCase):
    def test_what_cannot_be_drawn_is_said(self):
        searching.check_space(searching.SPACE)
        searching.check_space(SPACE)
        for space, part in (
            (["peak"], "no settings by name"),
            ({"depth": {"one": [1]}}, "depth is no setting"),
            ({"epochs": {"one": [1]}}, "epochs is no setting to draw"),
            ({"peak": [0.1, 0.2]}, "peak wants one of"),
            ({"peak": {"log": [0.1, 0.2], "one": [0.1]}}, "peak wants one of"),
            ({"peak": {"log": [0.1]}}, "two numbers"),
            ({"peak": {"log": [0, 1]}}, "above 0"),
            ({"peak": {"between": [1, 0]}}, "rising"),
            ({"peak": {"one": []}}, "wants a list"),
            ({"steps": {"between": [1, 3]}}, "'whole': true"),
            ({"masks": {"between": [1, 3]}}, "is no number"),
        ):
            with self.assertRaisesRegex(ValueError, part):
                searching.check_space(space)


class Search(unittest.TestCase):
    def setUp(self):
        torch.set_num_threads(1)
        self.folder = tempfile.TemporaryDirectory()

    def tearDown(self):
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def search(self, name, stop_after=None, cost="nonzeros"):
        """Runs a search of 3 trials in the folder `name`; raises Killed in the middle of training,
        after so many epochs."""
        os.makedirs(self.path(name), exist_ok=True)
        base = trainer.Settings("commands", steps=2, batch=6, keywords=("hey", "ho"))
        log = searching.Log(self.path(name + ".jsonl"), {"space": SPACE})
        kept = assembly.Kept(features(3), WORDS, features(1))
        search = searching.Search(base, material(), kept, self.path(name), log, SPARROW, 1)
        count = 0

        def progress(stage, epoch, epochs, done, of):
            nonlocal count
            count += done == of
            if stop_after is not None and count > stop_after:
                raise Killed

        goal = searching.Goal(0.5, cost, 100000)
        last = searching.halving(search, SPACE, 1, 3, 3, goal, lambda result: None, progress)
        return last, log.results, goal

    def test_killed_search_goes_on(self):
        last, whole, goal = self.search("whole")
        self.assertEqual([(r["rung"], r["epochs"]) for r in whole], [(0, 1)] * 3 + [(1, 3)])
        self.assertEqual(last, whole[-1:])
        for stop in (1, 4, 3):
            with self.assertRaises(Killed):
                self.search("killed", stop)
            with open(self.path("killed.jsonl"), "a", encoding="utf-8") as f:
                f.write('{"trial": 2, "ru')  # what a kill may leave
        self.assertEqual(self.search("killed")[1], whole)
        curves.front(self.path("front.png"), whole, goal)
        self.assertGreater(os.path.getsize(self.path("front.png")), 5000)

    def test_another_search_is_refused(self):
        searching.Log(self.path("a.jsonl"), {"seed": 1})
        with self.assertRaisesRegex(ValueError, "seed"):
            searching.Log(self.path("a.jsonl"), {"seed": 2})

    def test_microseconds_are_measured(self):
        last, _, _ = self.search("timed", cost="microseconds")
        self.assertGreater(last[0]["microseconds"], 1)
        shutil.rmtree(self.path("timed"))


class Ranking(unittest.TestCase):
    def test_front_by_hand(self):
        points = [(0.9, 10), (0.95, 20), (0.94, 30), (0.97, 30), (0.9, 12), (0.8, 5)]
        self.assertEqual(pareto.front(points), [5, 0, 1, 3])
        self.assertEqual(pareto.layers(points), [0, 0, 1, 0, 1, 0])

    def test_what_costs_too_much_comes_last(self):
        points = [(0.99, 1000), (0.90, 90), (0.95, 95), (0.80, 99)]
        order = pareto.ranking(points, 0.93, 100, patient=True)
        self.assertEqual(order[-1], 0)
        self.assertEqual(order[0], 2)
        self.assertEqual(pareto.ranking(points, 0.93, 100, patient=False)[0], 2)

    def test_trials_are_drawn_from_their_space(self):
        for trial in range(40):
            drawn = searching.draw(searching.SPACE, 1, trial)
            self.assertEqual(drawn, searching.draw(searching.SPACE, 1, trial))
            self.assertTrue(0.03 <= drawn["peak"] <= 0.3)
            self.assertIn(drawn["winners"], (1, 2))
            self.assertIsInstance(drawn["lookups"], int)
        self.assertEqual(searching.rungs(27, 54), [(27, 2), (9, 6), (3, 18), (1, 54)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
