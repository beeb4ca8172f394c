"""The networks, in floating point.

Features come as floats 0 .. 127, [n, frames, bands]; scores leave, [n, labels]. Winners do what a
BlockWinners layer of engine/ARITHMETIC.md does, in spirit: here real numbers compete, quantise.py
has the exact integers.

SPDX-License-Identifier: Apache-2.0
"""
import torch
import torch.nn.functional as F
from torch import nn

BANDS = 32
MIDDLE, SPREAD = 55.0, 22.0  # mean and deviation of the features of the training clips
BLOCK = 8  # neighbouring channels that compete


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
    """A temporal convolution with batch normalisation, weights under a mask. Pads with zeros."""

    def __init__(self, channels_in, channels_out, taps, stride=1):
        super().__init__()
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

    def __init__(self, channels_in, channels_out, stride):
        super().__init__()
        self.a = ConvNorm(channels_in, channels_out, 9, stride)
        self.act_a = BlockWinners()
        self.b = ConvNorm(channels_out, channels_out, 9)
        self.skip = ConvNorm(channels_in, channels_out, 1, stride)
        self.act = BlockWinners()

    def forward(self, x):
        return self.act(self.b(self.act_a(self.a(x))) + self.skip(x))


class Temporal(nn.Module):
    """Mel bands are channels: a stem of three taps, three residual blocks, the mean over time, a
    linear layer."""

    def __init__(self, widths=(128, 128, 128, 256), labels=12):
        super().__init__()
        stem, *rest = widths
        self.stem = ConvNorm(BANDS, stem, 3)
        self.act = BlockWinners()
        self.blocks = nn.ModuleList(
            Residual(i, o, stride) for i, o, stride in zip(widths, rest, (1, 2, 2))
        )
        self.drop = nn.Dropout(0.1)
        self.linear = nn.Linear(rest[-1], labels)

    def forward(self, features):
        x = (features.transpose(1, 2) - MIDDLE) / SPREAD
        # padding means features of value 0, not of average value
        x = F.pad(x, (1, 1), value=-MIDDLE / SPREAD)
        stem = self.stem
        x = self.act(stem.norm(F.conv1d(x, stem.conv.weight * stem.mask)))
        for block in self.blocks:
            x = block(x)
        return self.linear(self.drop(x.mean(2)))

    def set_winners(self, left):
        for module in self.modules():
            if isinstance(module, BlockWinners):
                module.left = left
