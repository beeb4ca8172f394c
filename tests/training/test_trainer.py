#!/usr/bin/python3
"""Training that is stopped after any epoch and resumed ends at the very same network.

On a few made-up words. Writes to a temporary folder only. Exit status 77 (skipped) without torch.

SPDX-License-Identifier: Apache-2.0
"""
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

from sparrow_training import takes, trainer  # noqa: E402 (torch is asked for first)
from sparrow_training.vocabulary import COMMANDS  # noqa: E402

SETTINGS = trainer.Settings(
    "commands", (16, 16, 16, 16), 2, 60, epochs=3, integer_epochs=2, steps=2, batch=12
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
