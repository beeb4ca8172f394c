#!/usr/bin/python3
"""Untrained networks of several shapes survive the way into a model file: the torch network in
whole numbers, the numpy reference and the C library agree on every score.

Writes to a temporary folder only. Exit status 77 (skipped) without numpy, protobuf or torch.

SPDX-License-Identifier: Apache-2.0
"""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "training"))
try:
    import numpy as np
    import torch
    from google import protobuf  # noqa: F401 (looked for, not used)
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from sparrow_training import command, exporting, exporting_published, figures  # noqa: E402
from sparrow_training import modelfile, network, prune, published, published_prune  # noqa: E402
from sparrow_training import quantise, reference  # noqa: E402
from sparrow_training import winners  # noqa: E402

SPARROW = os.path.join(os.environ["top_builddir"], "sparrow")


def words(seed, n=24):
    return np.random.default_rng(seed).integers(0, 128, (n, 32, network.BANDS)).astype(np.uint8)


def warm_up(net, features):
    """Gives the normalisation something to go by."""
    net.train()
    with torch.no_grad():
        for _ in range(40):
            net(features)
    return net.eval()


def temporal(seed, shape, left, lookups, maximum, competition="block"):
    torch.manual_seed(seed)
    net, features = network.Temporal(shape), torch.from_numpy(words(seed)).float()
    winners.install(net, competition)
    net.set_winners(left)
    for norm in (m for m in net.modules() if isinstance(m, torch.nn.BatchNorm1d)):
        torch.nn.init.normal_(norm.weight)
        torch.nn.init.normal_(norm.bias)
    warm_up(net, features)
    prune.prune(net, features, 1.0, lookups)
    return quantise.Quantised(net, features, maximum)


class Export(unittest.TestCase):
    def setUp(self):
        torch.set_num_threads(1)
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "model.sparrow")

    def tearDown(self):
        self.folder.cleanup()

    def write(self, name, add, *what):
        model = modelfile.messages().Model()
        exporting.describe(model, name, "0.0.1")
        add(model, *what)
        modelfile.write(self.path, model)
        return modelfile.read(self.path)

    def test_temporal_networks(self):
        shape = network.Shape
        for seed, form, left, lookups, maximum, competition in (
            (1, shape((16, 16, 16, 16)), 2, 800, 127, "block"),
            (2, shape((32, 16, 48, 32), (2, 2, 1), (9, 7, 5), 3, 2), 1, 900, 31, "block"),
            (3, shape((16, 32, 16, 32), stem_taps=5), 8, 10**6, 63, "block"),
            (4, shape((16, 32, 16, 32)), 2, 900, 127, "local"),
            (5, shape((16, 16, 32, 16), (2, 1, 2)), 1, 10**6, 127, "global"),
        ):
            with self.subTest(seed=seed, shape=form, competition=competition):
                net = temporal(seed, form, left, lookups, maximum, competition)
                model, features = self.write("shape", exporting.temporal, net), words(seed + 100)
                with torch.no_grad():
                    torch_scores = net.integer_scores(torch.from_numpy(features).float()).numpy()
                expected = reference.scores(model, features)
                self.assertEqual(torch_scores.astype(int).tolist(), expected.tolist())
                self.assertGreater(len(np.unique(expected)), len(features))
                self.assertEqual(
                    command.scores(SPARROW, self.path, features).tolist(), expected.tolist()
                )

    def published(self, pruned, winners):
        """A network of the published shape in the library and in numpy; returns the model."""
        torch.manual_seed(5)
        features, net = torch.from_numpy(words(5)).float(), published.Published()
        if pruned:
            for part in (0.2, 0.3, 0.4, 1.0):
                published_prune.prune(net, features, part)
        net.set_winners(winners)
        warm_up(net, features)
        model = self.write("published", exporting_published.published, net, features)
        expected = reference.scores(model, words(6))
        self.assertGreater(len(np.unique(expected)), len(expected))
        self.assertEqual(command.scores(SPARROW, self.path, words(6)).tolist(), expected.tolist())
        return model

    def stored(self, model):
        ops = [getattr(entry, entry.WhichOneof("op")) for entry in model.layers]
        return sum(reference.stored_weights(op.weights) for op in ops if hasattr(op, "weights"))

    def test_published_network(self):
        model = self.published(pruned=True, winners=1)
        self.assertEqual(self.stored(model) + 128, 127696)
        conv1, conv2, linear = (
            reference.dense_weights(getattr(entry, entry.WhichOneof("op")).weights, *shape) != 0
            for entry, shape in (
                (model.layers[1], (64, 25, 1)),
                (model.layers[4], (64, 25, 64)),
                (model.layers[7], (1504, 1, 1600)),
            )
        )
        for group in conv1.reshape(8, 8, 5, 5).any(1):  # three frames, four neighbouring bands
            self.assertEqual(sorted(group.sum(1).tolist()), [0, 0, 4, 4, 4])
            for row in group:
                self.assertIn(row.tolist()[1:4], ([True] * 3, [False] * 3))
        self.assertEqual(int(conv2.reshape(8, 8, 25, 2, 32).any((1, 4)).sum()), 50)
        windows = linear.reshape(188, 8, 50, 32).any((1, 3)).sum(1)
        self.assertEqual(windows.tolist(), [2] * 188)
        cost = figures.cost(model, words(7))  # units that fill the last block are no weights
        self.assertEqual(cost.dense, 1600 + 102400 + 2400000 + 18000)
        self.assertLess(abs(cost.alive["output"] - 1 / network.BLOCK), 0.03)

    def test_twins_of_the_published_network(self):
        dense = self.published(pruned=False, winners=network.BLOCK)
        self.assertEqual(self.stored(dense), 1600 + 102400 + 2400000 + 18000)
        sparse_dense = self.published(pruned=True, winners=network.BLOCK)
        self.assertEqual(self.stored(sparse_dense) + 128, 127696)

    def test_damaged_file_is_refused(self):
        net = temporal(1, network.Shape((16, 16, 16, 16)), 2, 800, 127)
        self.write("shape", exporting.temporal, net)
        with open(self.path, "r+b") as f:
            f.seek(1000)
            byte = f.read(1)
            f.seek(1000)
            f.write(bytes([byte[0] ^ 1]))
        with self.assertRaises(ValueError):
            modelfile.read(self.path)


if __name__ == "__main__":
    unittest.main(verbosity=2)
