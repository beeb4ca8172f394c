#!/usr/bin/python3
"""Rivals and twins: the ONNX file of a BC-ResNet-like network computes what PyTorch computes, in
fp32 and nearly in int8; its costs are those counted by hand; twins and rivals become model files
that store every weight.

The graphs are run node by node here, so no ONNX Runtime is needed. Writes to a temporary folder
only. Exit status 77 (skipped) without numpy, torch, protobuf or onnx.

SPDX-License-Identifier: Apache-2.0
"""
import dataclasses
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "training"))
try:
    import numpy as np
    import soundfile  # noqa: F401 (looked for, not used)
    import torch
    import torch.nn.functional as F
    from google import protobuf  # noqa: F401
    from onnx import helper, numpy_helper
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from sparrow_training import assembly, bcresnet, figures, network, onnxfile  # noqa: E402
from sparrow_training import recipe, reference, takes, trainer  # noqa: E402


def clips(seed, n=64):
    """Words of a kind: a bump that moves over the bands, louder or softer."""
    rng = np.random.default_rng(seed)
    time, band = np.arange(32)[:, None], np.arange(32)
    words = []
    for kind in rng.integers(0, 4, n):
        place = 8 + 5 * kind + time * (kind - 1.5) / 4
        words.append(90 * np.exp(-((band - place) ** 2) / 20) + rng.uniform(0, 35, (32, 32)))
    return np.array(words).astype(np.uint8)


def trained():
    """A network that tells sums of bands apart, so that its scores differ."""
    torch.manual_seed(3)
    net = bcresnet.BCResNet(4)
    features = torch.from_numpy(clips(1)).float()
    labels = features.mean(1).argmax(1) // 8
    optimiser = recipe.optimiser(net, 1e-3)
    for _ in range(30):
        optimiser.zero_grad()
        F.cross_entropy(net(features), labels).backward()
        optimiser.step()
    return net.eval()


def quantised(x, scale, zero):
    return torch.clamp(torch.round(x / scale) + zero, 0, 255)


def run(model, features):
    """The scores of an ONNX model, by PyTorch's operations."""
    constants = model.graph.initializer
    values = {c.name: torch.from_numpy(numpy_helper.to_array(c).copy()) for c in constants}
    values["features"] = torch.from_numpy(features)[:, None].float()

    def back(node, x, scale, zero):
        axis = [a.i for a in node.attribute]
        shape = [1] * x.dim()
        if axis and scale.dim():
            shape[axis[0]] = len(scale)
        return (x.float() - zero.float().reshape(shape)) * scale.reshape(shape)

    for node in model.graph.node:
        inputs = [values[name] for name in node.input]
        a = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        if node.op_type == "Conv":
            below, beside = a["pads"][:2]
            assert a["pads"] == [below, beside] * 2 and a["kernel_shape"] == list(
                inputs[1].shape[2:]
            )
            out = F.conv2d(*inputs, a["strides"], (below, beside), a["dilations"], a["group"])
        elif node.op_type == "Gemm":
            out = F.linear(*inputs)
        else:
            out = {
                "QuantizeLinear": quantised,
                "DequantizeLinear": lambda *x: back(node, *x),
                "Transpose": lambda x: x.permute(a["perm"]),
                "Mul": torch.mul,
                "Add": torch.add,
                "Relu": F.relu,
                "Sigmoid": torch.sigmoid,
                "Flatten": lambda x: x.flatten(1),
                "Identity": lambda x: x,
                "ReduceMean": lambda x: x.mean(a["axes"][0], keepdim=True),
            }[node.op_type](*inputs)
        values[node.output[0]] = out
    return values["scores"]


class Rival(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        torch.set_num_threads(1)
        cls.net = trained()

    def test_fp32_is_the_network(self):
        words = clips(2)
        model = onnxfile.bc_resnet(self.net, clips(1), False)
        with torch.no_grad():
            expected = self.net(torch.from_numpy(words).float())
        scores = run(model, words)
        self.assertGreater(len(expected.argmax(1).unique()), 2)
        self.assertLess(float((scores - expected).abs().max()), 1e-3)

    def test_int8_answers_alike(self):
        words = clips(2)
        model = onnxfile.bc_resnet(self.net, clips(1), True)
        with torch.no_grad():
            expected = self.net(torch.from_numpy(words).float()).argmax(1)
        scores = run(model, words)
        self.assertGreater(float((scores.argmax(1) == expected).float().mean()), 0.9)
        stored = {c.data_type for c in model.graph.initializer if len(c.dims) > 1}
        self.assertIn(3, stored)  # INT8

    def test_costs_by_hand(self):
        weights, biases, products = bcresnet.cost(bcresnet.BCResNet())
        bands, before = 16, 16
        expected, sums = 25 * 16, 25 * 16 * 16 * 32
        for channels, count, stride, _ in bcresnet.STAGES:
            for i in range(count):
                step = stride if i == 0 else 1
                if before != channels or step != 1:
                    expected += before * channels
                    sums += before * channels * bands * 32
                bands //= step
                expected += 3 * channels + 4 * channels + 3 * channels + channels**2
                sums += (3 * channels + channels) * bands * 32 + (3 * channels + channels**2) * 32
                before = channels
        expected += 20 * bands * 5 + 20 * 32 + 32 * 12
        sums += (20 * bands * 5 + 20 * 32) * 32 + 32 * 12
        self.assertEqual(bands, bcresnet.BANDS_LEFT)
        self.assertEqual((weights, products), (expected, sums))
        self.assertGreater(biases, 12)


class Dense(unittest.TestCase):
    def train(self, settings, material):
        run = trainer.Trainer(settings, material)
        while run.next_stage():
            run.run_epoch(lambda *_: None)
        with tempfile.TemporaryDirectory() as folder:
            run.save(os.path.join(folder, "net.pt"))
            return trainer.load(os.path.join(folder, "net.pt"))

    def test_twins_and_rivals_store_every_weight(self):
        torch.set_num_threads(1)
        words = np.array(["yes", "no", "silence", "bird"] * 16)
        kept = assembly.Kept(clips(4), words, clips(5))
        for name in ("commands-dense", "tcresnet8"):
            with self.subTest(name):
                small = dataclasses.asdict(network.Shape((16, 16, 24, 16), (2, 1, 2)))
                settings = dataclasses.replace(
                    trainer.preset(name), shape=small, epochs=1, integer_epochs=1, steps=2, batch=16
                )
                features = torch.from_numpy(clips(6))
                found = self.train(settings, takes.Takes([features], words, features, words))
                model, _ = assembly.model_file(found, kept)
                cost = figures.cost(model, kept.features)
                again = figures.cost_of_net(found.net)
                self.assertEqual(cost.stored, cost.dense)
                for part in ("stored", "biases", "dense", "products", "products_dense"):
                    self.assertEqual(getattr(cost, part), getattr(again, part), part)
                self.assertIn("every positive value alive", model.card.description)
                with torch.no_grad():
                    scores = found.net.integer_scores(torch.from_numpy(clips(7)).float())
                self.assertEqual(scores.int().tolist(), reference.scores(model, clips(7)).tolist())


if __name__ == "__main__":
    unittest.main(verbosity=2)
