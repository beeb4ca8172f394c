#!/usr/bin/python3
"""The integer reference of training/ and the C library give the same scores, on the shipped
models.

Features that speech never has: random, all 0, all at their maximum, one band, one frame. With
every kind of kernel. Writes to a temporary folder only. Exit status 77 (skipped) without numpy or
protobuf.

SPDX-License-Identifier: Apache-2.0
"""
import glob
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "training"))
try:
    import numpy as np
    from google import protobuf  # noqa: F401 (looked for, not used)
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from sparrow_training import command, modelfile, reference  # noqa: E402 (numpy is asked for first)

SPARROW = os.path.join(os.environ["top_builddir"], "sparrow")
SEED = 20240611


def strange_features(front_end):
    """u8 [n, frames, bands]"""
    rng = np.random.default_rng(SEED)
    shape, most = (front_end.frames, front_end.bands), front_end.max_value
    words = [np.zeros(shape), np.full(shape, most)]
    for place in range(0, front_end.frames, 5):
        frame, band = np.zeros(shape), np.zeros(shape)
        frame[place] = most
        band[:, place % front_end.bands] = most
        words += [frame, band]
    for level in (2, most // 8, most // 2, most):
        words += list(rng.integers(0, level + 1, (12, *shape)))
    words += list(rng.choice([0, most], (8, *shape)))
    return np.array(words).astype(np.uint8)


class Reference(unittest.TestCase):
    def compare(self, path, cpu):
        model = modelfile.read(path)
        words = strange_features(model.front_end)
        ours, theirs = reference.scores(model, words), command.scores(SPARROW, path, words, cpu)
        self.assertEqual(theirs.shape, ours.shape)
        for word in range(len(words)):
            self.assertEqual(
                theirs[word].tolist(),
                ours[word].tolist(),
                f"{path}, {cpu} kernels, word {word} of seed {SEED}",
            )

    def test_shipped_models(self):
        paths = sorted(glob.glob(os.path.join(os.environ["top_srcdir"], "models", "*.sparrow")))
        self.assertTrue(paths)
        for path in paths:
            for cpu in ("scalar", "native"):
                with self.subTest(model=os.path.basename(path), cpu=cpu):
                    self.compare(path, cpu)

    def test_one_changed_weight_shows(self):
        """The comparison can fail: a reference with one changed weight gives other scores."""
        path = os.path.join(os.environ["top_srcdir"], "models", "commands.sparrow")
        model = modelfile.read(path)
        words = strange_features(model.front_end)
        before = reference.scores(model, words)
        values = bytearray(model.layers[-1].linear.weights.dense.values)
        values[0] = 100 if values[0] != 100 else 50
        model.layers[-1].linear.weights.dense.values = bytes(values)
        self.assertTrue((reference.scores(model, words) != before).any())


if __name__ == "__main__":
    unittest.main(verbosity=2)
