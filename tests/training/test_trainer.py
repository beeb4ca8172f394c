#!/usr/bin/python3
"""Training that is stopped after any epoch and resumed ends at the very same network.

On a few made-up words. Writes to a temporary folder only. Exit status 77 (skipped) without torch.

SPDX-License-Identifier: Apache-2.0
"""
import dataclasses
import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "training"))
try:
    import numpy as np
    import soundfile  # noqa: F401 (looked for, not used)
    import torch
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from sparrow_training import masks, network, prune, takes  # noqa: E402 (torch is asked for first)
from sparrow_training import trainer, winners  # noqa: E402
from sparrow_training.vocabulary import COMMANDS  # noqa: E402

SETTINGS = trainer.Settings(
    "commands",
    dataclasses.asdict(network.Shape((16, 16, 16, 16))),
    2,
    300,
    epochs=3,
    integer_epochs=2,
    steps=2,
    batch=12,
)


def material():
    words = np.array([*COMMANDS, "silence", "bird", "cat"])
    rng = np.random.default_rng(7)

    def features():
        return torch.from_numpy(rng.integers(0, 128, (len(words), 32, 32)).astype(np.uint8))

    return takes.Takes([features(), features()], words, features(), words)


class Resume(unittest.TestCase):
    def setUp(self):
        torch.set_num_threads(1)
        self.folder = tempfile.TemporaryDirectory()

    def tearDown(self):
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, str(name))

    def finish(self, run, path, copies=False):
        while run.next_stage():
            run.run_epoch(lambda *_: None)
            run.save(path)
            if copies:
                shutil.copy(path, self.path(len(run.log)))
        return torch.load(path)

    def test_resumed_run_ends_like_the_whole_one(self):
        clips = material()
        whole = self.finish(trainer.Trainer(SETTINGS, clips), self.path("whole"), copies=True)
        self.assertEqual([e["stage"] for e in whole["log"]], ["float"] * 3 + ["integer"] * 2)
        for epoch in range(1, 5):
            with self.subTest(epoch=epoch):
                run = trainer.Trainer(SETTINGS, clips)
                run.resume(self.path(epoch))
                resumed = self.finish(run, self.path("resumed"))
                for name, tensor in whole["average"].items():
                    self.assertTrue(torch.equal(tensor, resumed["average"][name]), name)

    def test_integer_stage_has_the_final_winners(self):
        clips = material()
        self.finish(trainer.Trainer(SETTINGS, clips), self.path("whole"), copies=True)
        run = trainer.Trainer(SETTINGS, clips)
        run.resume(self.path(3))
        run.next_stage()
        self.assertEqual({layer.winners for layer, _ in run.net.layers()}, {2})

    def test_start_goes_on_from_what_a_network_does(self):
        clips = material()
        first = trainer.Trainer(dataclasses.replace(SETTINGS, masks="static", epochs=6), clips)
        self.finish(first, self.path("first"))
        trained = trainer.load(self.path("first"))
        run = trainer.Trainer(SETTINGS, clips)
        run.start(trained)
        with torch.no_grad():
            told = trained.net(clips.train[0].float())
            again = run.net.eval()(clips.train[0].float())
            fresh = trainer.Trainer(SETTINGS, clips).net.eval()(clips.train[0].float())
        self.assertLess((again - told).square().mean(), 0.25 * (fresh - told).square().mean())
        before = prune.stored(run.net)
        self.assertLess(before[0], before[1])
        run.next_stage()
        run.run_epoch(lambda *_: None)
        self.assertEqual(prune.stored(run.net), before)

    def test_every_kind_of_masks_and_winners_is_trained_and_resumed(self):
        clips = material()
        for changes in (
            {"masks": "static"},
            {"masks": "dynamic"},
            {"boost": 1.5},
            {"competition": "local", "boost": 1.0},
            {"competition": "global"},
            {"winners": 8},  # sparse-dense
        ):
            with self.subTest(**changes):
                settings = dataclasses.replace(SETTINGS, **changes)
                whole = self.finish(trainer.Trainer(settings, clips), self.path("whole"), True)
                run = trainer.Trainer(settings, clips)
                run.resume(self.path(2))
                resumed = self.finish(run, self.path("resumed"))
                for name, tensor in whole["average"].items():
                    self.assertTrue(torch.equal(tensor, resumed["average"][name]), name)
                trainer.load(self.path("whole"))


class Masks(unittest.TestCase):
    def net(self, budget=1500):
        torch.manual_seed(3)
        net = network.Temporal(network.Shape((32, 32, 32, 32)), 4)
        features = torch.randint(0, 128, (16, 32, 32)).float()
        labels = torch.randint(0, 4, (16,))
        masks.scatter(net, budget, 5)
        return net, features, lambda: torch.nn.functional.cross_entropy(net(features), labels)

    def stays(self, net):
        return {conv: masks.windows(conv.mask, conv) > 0 for conv in masks.convolutions(net)}

    def test_static_masks_follow_the_budget_and_the_rule(self):
        few, many = (prune.stored(self.net(budget)[0])[0] for budget in (700, 2500))
        self.assertLess(few, many)
        for conv in masks.convolutions(self.net()[0]):
            groups = prune.as_windows(conv.mask, conv.window)
            self.assertTrue((groups == groups[:, :1, :, :1]).all())  # whole windows only

    def test_windows_move_to_the_largest_gradient(self):
        net, features, loss = self.net()
        net.eval()
        before, gradient = self.stays(net), masks.gradients(net, loss)
        for conv, stays in self.stays(net).items():
            self.assertTrue(torch.equal(stays, before[conv]))
        out = net(features)
        moved = masks.move(net, features, loss, 0.0)
        self.assertGreater(moved, 3)
        after = self.stays(net)
        for conv, stays in before.items():
            self.assertEqual(int(stays.sum()), int(after[conv].sum()))
            new = after[conv] & ~stays
            if new.any():
                free = gradient[conv][~stays & ~new]
                self.assertGreaterEqual(gradient[conv][new].min(), free.max())
                grown = prune.as_windows(conv.conv.weight, conv.window).permute(0, 2, 4, 1, 3)[new]
                self.assertFalse(grown.any())  # begins with zeros
        self.assertFalse(torch.equal(out, net(features)))
        self.assertEqual(masks.move(net, features, loss, 0.8), 0)

    def test_gradient_of_an_absent_window_by_hand(self):
        net, _, loss = self.net()
        net.eval()
        gradient, conv = masks.gradients(net, loss), net.blocks[0].a
        group, window, tap = (~self.stays(net)[conv]).nonzero()[7].tolist()
        place = (8 * group + 3, 16 * window + 5, tap)
        with torch.no_grad():
            conv.mask[place] = 1
            losses = []
            for value in (1e-2, -1e-2):
                conv.conv.weight[place] = value
                losses.append(float(loss()))
        slope = (losses[0] - losses[1]) / 2e-2
        self.assertGreaterEqual(float(gradient[conv][group, window, tap]) * 1.02, slope**2)
        self.assertNotEqual(slope, 0)


class Winners(unittest.TestCase):
    def test_each_kind_keeps_its_share(self):
        x = torch.rand(5, 32, 7) + 0.1
        for kind, axes in (("block", None), ("local", 1), ("global", (1, 2))):
            competition = winners.Competition(kind, 32)
            competition.left = 2
            alive = competition(x) > 0
            self.assertEqual(int(alive.sum()), 5 * 32 * 7 // 4, kind)
            if axes:
                self.assertEqual(len(alive.sum(axes).unique()), 1, kind)
            held = x[~alive].max() if kind != "global" else None
            if kind == "global":
                for sample, live in zip(x, alive):
                    self.assertGreaterEqual(sample[live].min(), sample[~live].max())
            else:
                self.assertGreater(held, 0)

    def test_boost_wakes_idle_channels_and_only_ranks(self):
        torch.manual_seed(1)
        x = torch.rand(64, 8, 5)
        x[:, :2] += 1.0  # always win
        plain, boosted = winners.Competition("block", 8), winners.Competition("block", 8)
        plain.left = boosted.left = 2
        boosted.boost = 4.0
        for _ in range(300):
            plain(x)
            out = boosted(x)
        net = torch.nn.ModuleList([plain])
        self.assertEqual(winners.idle(net), 6)
        self.assertEqual(winners.idle(torch.nn.ModuleList([boosted])), 0)
        self.assertTrue(((out == x) | (out == 0)).all())
        boosted.eval()
        self.assertTrue((boosted(x)[:, 2:] == 0).all())
        winners.set_boost(net, 2.0, 0.35)
        self.assertAlmostEqual(plain.boost, 1.0)
        winners.set_boost(net, 2.0, 0.9)
        self.assertEqual(plain.boost, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
