"""Networks in floating point as ONNX files, in fp32 or in QDQ int8, for ONNX Runtime: rivals that
the engine does not run.

A graph is built by running it: each value is there as a tensor too, for some clips, so that int8
knows the range of every value. Input "features": u8 [n, 1, frames, bands] in int8, float in fp32,
steps as they come from the front end; output "scores": float [n, labels].

SPDX-License-Identifier: Apache-2.0
"""
from dataclasses import dataclass

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

from . import bcresnet
from .network import MIDDLE, SPREAD

CLIPPED = 0.0005  # share of the values that a range may clip at each end


@dataclass
class Value:
    name: str
    tensor: torch.Tensor


def gain_and_shift(norm):
    gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return gain, norm.bias - norm.running_mean * gain


class Graph:
    def __init__(self, features, int8):
        """features: u8 [n, frames, bands]"""
        self.int8, self.nodes, self.constants = int8, [], []
        self.frames, self.bands = features.shape[1:]
        self.input = Value("features", features[:, None].float())

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(array, order="C"), name))
        return name

    def node(self, kind, inputs, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def rounded(self, name, tensor):
        """The value in 8 bits and back, if this is int8."""
        if not self.int8:
            return Value(name, tensor)
        some = tensor.flatten().sort()[0]
        cut = int(CLIPPED * len(some))
        low, high = min(0.0, float(some[cut])), max(1e-6, float(some[len(some) - 1 - cut]))
        scale = (high - low) / 255
        zero = round(-low / scale)
        s, z = self.constant(np.float32(scale)), self.constant(np.uint8(zero))
        name = self.node("DequantizeLinear", [self.node("QuantizeLinear", [name, s, z]), s, z])
        return Value(name, (torch.round(tensor / scale).clamp(-zero, 255 - zero)) * scale)

    def weights(self, weight):
        """(name, tensor) of weights, outputs first, rounded with a scale for each output."""
        if not self.int8:
            return self.constant(weight.numpy().astype(np.float32)), weight
        scale = (weight.abs().flatten(1).amax(1) / 127).clamp(min=1e-12)
        each = scale.reshape(-1, *[1] * (weight.dim() - 1))
        whole = torch.round(weight / each)
        inputs = [
            self.constant(whole.numpy().astype(np.int8)),
            self.constant(scale.numpy().astype(np.float32)),
            self.constant(np.zeros(len(scale), np.int8)),
        ]
        return self.node("DequantizeLinear", inputs, axis=0), whole * each

    def conv(self, value, conv, norm=None, relu=False):
        """A convolution with its normalisation folded in."""
        weight, bias = conv.weight, conv.bias
        bias = torch.zeros(len(weight)) if bias is None else bias
        if norm is not None:
            gain, shift = gain_and_shift(norm)
            weight, bias = weight * gain[:, None, None, None], bias * gain + shift
        (high, wide), (below, beside) = conv.kernel_size, conv.padding
        name, weight = self.weights(weight)
        out = F.conv2d(
            value.tensor, weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups
        )
        name = self.node(
            "Conv",
            [value.name, name, self.constant(bias.numpy().astype(np.float32))],
            kernel_shape=[high, wide],
            strides=list(conv.stride),
            pads=[below, beside, below, beside],
            dilations=list(conv.dilation),
            group=conv.groups,
        )
        if relu:
            name, out = self.node("Relu", [name]), F.relu(out)
        return self.rounded(name, out)

    def scaled(self, value, gain, shift):
        """gain and shift: tensors that spread over the value."""
        out = value.tensor * gain + shift
        name = self.node("Mul", [value.name, self.constant(gain.numpy().astype(np.float32))])
        name = self.node("Add", [name, self.constant(shift.numpy().astype(np.float32))])
        return self.rounded(name, out)

    def sum(self, *values):
        name, total = values[0].name, values[0].tensor
        for value in values[1:]:
            name, total = self.node("Add", [name, value.name]), total + value.tensor
        return self.rounded(self.node("Relu", [name]), F.relu(total))

    def swish(self, value):
        gate = self.node("Sigmoid", [value.name])
        return self.rounded(self.node("Mul", [value.name, gate]), F.silu(value.tensor))

    def mean(self, value, axis):
        name = self.node("ReduceMean", [value.name], axes=[axis], keepdims=1)
        return self.rounded(name, value.tensor.mean(axis, keepdim=True))

    def linear(self, value, linear):
        name, weight = self.weights(linear.weight)
        flat = self.node("Flatten", [value.name])
        bias = self.constant(linear.bias.numpy().astype(np.float32))
        out = F.linear(value.tensor.flatten(1), weight, linear.bias)
        return Value(self.node("Gemm", [flat, name, bias], transB=1), out)

    def finish(self, name, last):
        self.nodes.append(helper.make_node("Identity", [last.name], ["scores"]))
        kind = TensorProto.UINT8 if self.int8 else TensorProto.FLOAT
        shape = ["words", 1, self.frames, self.bands]
        made = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info("features", kind, shape)],
            [
                helper.make_tensor_value_info(
                    "scores", TensorProto.FLOAT, ["words", last.tensor.shape[1]]
                )
            ],
            self.constants,
        )
        model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)])
        model.ir_version = 8
        onnx.checker.check_model(model)
        return model


def per_band(norm, bands):
    """Gain and shift of a sub-spectral normalisation, [1, channels, bands, 1]."""
    groups = bcresnet.GROUPS
    return (
        t.reshape(1, -1, groups, 1).repeat_interleave(bands // groups, 2)
        for t in gain_and_shift(norm.norm)
    )


def block(graph, layer, value):
    y = value
    if layer.widen is not None:
        y = graph.conv(value, layer.widen, layer.widen_norm, relu=True)
    y = graph.conv(y, layer.bands)
    y = graph.scaled(y, *per_band(layer.bands_norm, y.tensor.shape[2]))
    broad = graph.mean(y, 2)
    broad = graph.conv(graph.swish(graph.conv(broad, layer.time, layer.time_norm)), layer.mix)
    return graph.sum(value, y, broad) if layer.around else graph.sum(y, broad)


@torch.no_grad()
def bc_resnet(net, features, int8):
    """The ONNX model of a trained BCResNet; features: clips u8 that decide the ranges of int8."""
    graph = Graph(torch.from_numpy(np.array(features)), int8)
    net.eval()
    value = graph.input
    if int8:  # whole numbers already
        s, z = graph.constant(np.float32(1)), graph.constant(np.uint8(0))
        value = Value(graph.node("DequantizeLinear", [value.name, s, z]), value.tensor)
    turned = graph.node("Transpose", [value.name], perm=[0, 1, 3, 2])
    value = Value(turned, value.tensor.transpose(2, 3))
    gain, shift = torch.tensor(1 / SPREAD), torch.tensor(-MIDDLE / SPREAD)
    value = graph.scaled(value, gain, shift)
    value = graph.conv(value, net.stem, net.stem_norm, relu=True)
    for layer in net.blocks:
        value = block(graph, layer, value)
    value = graph.conv(graph.conv(value, net.ends), net.head, net.head_norm, relu=True)
    value = graph.mean(graph.mean(value, 3), 2)
    return graph.finish("bcresnet1", graph.linear(value, net.linear))
