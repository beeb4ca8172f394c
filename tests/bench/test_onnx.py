#!/usr/bin/python3
"""bench/engine/make-onnx: the fp32 and the int8 twin that ONNX Runtime is given compute what the model file means without winners.

The graphs are evaluated by plain numpy here, so no ONNX Runtime is needed. Writes to a temporary folder only. Exit status 77 (skipped)
without numpy, protobuf or onnx.
"""
# SPDX-License-Identifier: Apache-2.0
import glob
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import unittest

TOP = os.environ["top_srcdir"]
sys.path.insert(0, os.path.join(TOP, "training"))
try:
    import numpy as np
    from google import protobuf  # noqa: F401 (looked for, not used)
    from onnx import numpy_helper
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from sparrow_training import modelfile, reference  # noqa: E402

SPARROW = os.path.join(os.environ["top_builddir"], "sparrow")
loader = importlib.machinery.SourceFileLoader("make_onnx", os.path.join(TOP, "bench", "engine", "make-onnx"))
make_onnx = importlib.util.module_from_spec(importlib.util.spec_from_loader("make_onnx", loader))
loader.exec_module(make_onnx)


def sample_words():
    """The samples' features, and each of them some frames earlier and later: u8 [n, frames, bands]."""
    words = []
    for clip in sorted(glob.glob(os.path.join(TOP, "tests", "data", "samples", "*.wav"))):
        raw = subprocess.run([SPARROW, "features", "--model", os.path.join(TOP, "models", "commands.sparrow"), clip], capture_output=True, check=True).stdout
        one = np.frombuffer(raw[:32 * 32], np.uint8).reshape(32, 32)
        words += [np.roll(one, shift, 0) for shift in (-2, 0, 2)]
    return np.array(words)


def without_winners(path):
    """The model of a file with nothing but ReLU and rounding between its layers."""
    model = modelfile.read(path)
    for entry in model.layers:
        kind = entry.WhichOneof("op")
        if kind == "block_winners":
            entry.block_winners.winners = entry.block_winners.block
            entry.block_winners.requantise.max_value = 2 ** 31 - 1
        elif kind == "requantise":
            entry.requantise.max_value = 2 ** 31 - 1
        elif kind == "k_winners":
            entry.k_winners.k = 2 ** 20
    return model


def attributes(node):
    return {a.name: list(a.ints) if a.ints else a.i for a in node.attribute}


def conv(x, w, bias, kernel_shape, strides, pads):
    x = np.pad(x, ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])))
    view = np.lib.stride_tricks.sliding_window_view(x, kernel_shape, (2, 3))[:, :, ::strides[0], ::strides[1]]
    return np.einsum("nchwyx,ocyx->nohw", view, w, optimize=True) + bias.reshape(1, -1, 1, 1)


def max_pool(x, kernel_shape, strides):
    assert kernel_shape == strides
    high, wide = x.shape[2] // kernel_shape[0], x.shape[3] // kernel_shape[1]
    x = x[:, :, :high * kernel_shape[0], :wide * kernel_shape[1]]
    return x.reshape(*x.shape[:2], high, kernel_shape[0], wide, kernel_shape[1]).max((3, 5))


def quantise(x, scale, zero):
    limits = np.iinfo(zero.dtype)
    return np.clip(np.rint(x / scale) + zero, limits.min, limits.max).astype(zero.dtype)


def dequantise(x, scale, zero, axis=1):
    shape = [-1 if i == axis else 1 for i in range(x.ndim)] if scale.ndim else []
    return (x.astype(np.float64) - zero.astype(np.float64).reshape(shape)) * scale.reshape(shape)


OPS = {
    "Conv": conv, "MaxPool": max_pool, "QuantizeLinear": quantise, "DequantizeLinear": dequantise,
    "Relu": lambda x: np.maximum(x, 0), "Add": lambda a, b: a + b, "Mul": lambda a, b: a * b,
    "GlobalAveragePool": lambda x: x.mean((2, 3), keepdims=True), "Flatten": lambda x: x.reshape(len(x), -1),
    "Gemm": lambda x, w, bias, transB: x @ w.T + bias,
}


def evaluate(graph, features):
    values = {c.name: numpy_helper.to_array(c) for c in graph.initializer}
    temporal = graph.input[0].type.tensor_type.shape.dim[2].dim_value == 1
    values["features"] = features.transpose(0, 2, 1)[:, :, None] if temporal else features[:, None]
    for node in graph.node:
        out = OPS[node.op_type](*(values[name] for name in node.input), **attributes(node))
        values[node.output[0]] = out
    return values["scores"]


class Twins(unittest.TestCase):
    def check(self, name):
        path, features = os.path.join(TOP, "models", name), sample_words()
        self.assertGreater(len(features), 30)
        model = modelfile.read(path)
        want = reference.scores(without_winners(path), features)
        for int8 in (False, True):
            graph = make_onnx.convert(model, int8).graph
            got = evaluate(graph, features if int8 else features.astype(np.float32))
            same = (got.argmax(1) == want.argmax(1)).mean()
            spread = np.abs(got - want * model.score_scale).max() / (np.ptp(want) * model.score_scale)
            print(f"{name} int8={int8}: {same:.3f} of the answers are the same, largest difference of a score {spread:.4f} of their spread")
            self.assertGreaterEqual(same, 0.95)
            if not int8:
                self.assertLess(spread, 0.05)

    def test_a_temporal_network(self):
        self.check("commands.sparrow")

    def test_the_published_shape(self):
        self.check("published.sparrow")


if __name__ == "__main__":
    unittest.main()
