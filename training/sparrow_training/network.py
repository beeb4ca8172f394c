"""The networks, in floating point.

Features come as floats 0 .. 127, [n, frames, bands]; scores leave, [n, labels]. Winners do what a
BlockWinners layer of engine/ARITHMETIC.md does, in spirit: here real numbers compete, quantise.py
has the exact integers.

SPDX-License-Identifier: Apache-2.0
"""
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

FRAMES, BANDS = 32, 32
MIDDLE, SPREAD = 55.0, 22.0  # mean and deviation of the features of the training clips
BLOCK = 8  # neighbouring channels that compete
WINDOW = 16  # neighbouring inputs whose weights stay or go together


class BlockWinners(nn.Module):
    """Keeps the `left` largest positive values of each 8 neighbouring channels; all positive ones
    if left is 8."""

    def __init__(self):
        super().__init__()
        self.left = BLOCK

    def forward(self, x):
        x = F.relu(x)
        if self.left >= BLOCK:
            return x
        v = x.reshape(x.shape[0], -1, BLOCK, *x.shape[2:])
        best = v.detach().topk(self.left, 2)[1]
        return (v * torch.zeros_like(v).scatter_(2, best, 1)).reshape(x.shape)


class ConvNorm(nn.Module):
    """A temporal convolution with batch normalisation, weights under a mask: windows of `window`
    inputs stay or go together. Pads with zeros."""

    def __init__(self, channels_in, channels_out, taps, stride=1, window=WINDOW):
        super().__init__()
        self.window = window
        self.conv = nn.Conv1d(channels_in, channels_out, taps, stride, taps // 2, bias=False)
        self.norm = nn.BatchNorm1d(channels_out)
        self.register_buffer("mask", torch.ones_like(self.conv.weight))

    def forward(self, x):
        return self.norm(
            F.conv1d(x, self.conv.weight * self.mask, None, self.conv.stride, self.conv.padding)
        )

    def folded(self):
        """Weights and bias with the normalisation folded in, as it stands at evaluation."""
        gain = self.norm.weight / torch.sqrt(self.norm.running_var + self.norm.eps)
        return (
            self.conv.weight * self.mask * gain[:, None, None],
            self.norm.bias - self.norm.running_mean * gain,
        )


class Residual(nn.Module):
    """winners(b(winners(a(x))) + skip(x)), with the stride in a and in the one-tap skip."""

    def __init__(self, channels_in, channels_out, stride, taps):
        super().__init__()
        self.a = ConvNorm(channels_in, channels_out, taps, stride)
        self.act_a = BlockWinners()
        self.b = ConvNorm(channels_out, channels_out, taps)
        self.skip = ConvNorm(channels_in, channels_out, 1, stride)
        self.act = BlockWinners()

    def forward(self, x):
        return self.act(self.b(self.act_a(self.a(x))) + self.skip(x))


@dataclass
class Shape:
    """A temporal network: mel bands are channels; a stem, residual blocks, the mean over time, a
    linear layer. The first width is the stem's, each other one a block's."""

    widths: tuple = (128, 128, 128, 256)
    strides: tuple = (1, 2, 2)  # of the blocks
    taps: tuple = (9, 9, 9)  # of the blocks
    stem_taps: int = 3
    stem_stride: int = 1
    # of the budget for weights: the stem, then a and b (with its skip) of each block
    shares: tuple = (0.26, 0.17, 0.15, 0.15, 0.12, 0.09, 0.06)


class Temporal(nn.Module):
    def __init__(self, shape, labels=12):
        super().__init__()
        self.shape = shape
        stem, *rest = shape.widths
        self.stem = ConvNorm(BANDS, stem, shape.stem_taps, shape.stem_stride, window=4)
        self.act = BlockWinners()
        self.blocks = nn.ModuleList(
            Residual(*sizes) for sizes in zip(shape.widths, rest, shape.strides, shape.taps)
        )
        self.drop = nn.Dropout(0.1)
        self.linear = nn.Linear(rest[-1], labels)

    def forward(self, features):
        x = (features.transpose(1, 2) - MIDDLE) / SPREAD
        # padding means features of value 0, not of average value
        pad = self.shape.stem_taps // 2
        x = F.pad(x, (pad, pad), value=-MIDDLE / SPREAD)
        stem = self.stem
        x = F.conv1d(x, stem.conv.weight * stem.mask, None, stem.conv.stride)
        x = self.act(stem.norm(x))
        for block in self.blocks:
            x = block(x)
        return self.linear(self.drop(x.mean(2)))

    def set_winners(self, left):
        for module in self.modules():
            if isinstance(module, BlockWinners):
                module.left = left

    def convolutions(self):
        """Those that add into the same sums stand together, each with the number of positions
        that it is computed at."""
        positions = FRAMES // self.shape.stem_stride
        yield positions, [self.stem]
        for block, stride in zip(self.blocks, self.shape.strides):
            positions //= stride
            yield positions, [block.a]
            yield positions, [block.b, block.skip]
