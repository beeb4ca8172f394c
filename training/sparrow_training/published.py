"""The shape behind the published figures: two 5x5 convolutions of 64 with 2x2 pools,
1600 -> 1500 -> 12, and as many stored numbers.

Neighbouring outputs, 8 of them, share what they look at: in conv1 three runs of 4 neighbouring
bands in frames of their own (12 of 25 taps), in conv2 windows of 32 input channels at a tap (50
windows in all: 200 of 1600 inputs in the mean), in the linear layer two windows of 32 (64 of
1600). One of each 8 neighbouring channels or units wins. Convolutions have biases, the linear
layers have none: 768 + 12,800 + 96,000 + 18,000 weights and 128 biases are 127,696 numbers.

SPDX-License-Identifier: Apache-2.0
"""
import torch
import torch.nn.functional as F
from torch import nn

from .network import BLOCK, MIDDLE, SPREAD, BlockWinners

SIDE, CHANNELS, UNITS, TAPS = 32, 64, 1500, 5
GROUP = 8  # outputs that share a mask
RUN, RUNS = 4, 3  # of conv1: neighbouring bands, and how many such runs stay
WINDOW = 32  # neighbouring inputs that stay or go together
CONV2_WINDOWS = 50  # of all groups together
UNIT_WINDOWS = 2  # of each group
ALONG = torch.channels_last  # in memory: pools are several times as fast
EMPTY = -UNITS % BLOCK  # units without weights that fill the last block


class UnitWinners(BlockWinners):
    """BlockWinners of the units; the last block is shorter."""

    def forward(self, x):
        return super().forward(F.pad(x, (0, EMPTY)))[:, :UNITS]


class PositiveNorm(nn.BatchNorm2d):
    """Batch normalisation with a gain above 0: so it may stand behind a max pool, where it has a
    quarter to do, or in front of it."""

    def gain(self):
        return self.weight.abs() / torch.sqrt(self.running_var + self.eps)

    def forward(self, x):
        return F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight.abs(),
            self.bias,
            self.training,
            self.momentum,
            self.eps,
        )


class ScaleNorm(nn.Module):
    """Divides each unit by its root mean square: normalisation that folds into weights without a
    bias."""

    def __init__(self, units):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(units))
        self.register_buffer("square", torch.ones(units))

    def gain(self):
        return self.weight / torch.sqrt(self.square + 1e-5)

    def forward(self, x):
        if not self.training:
            return x * self.gain()
        square = x.square().mean(0)
        with torch.no_grad():
            self.square.lerp_(square, 0.1)
        return x * self.weight / torch.sqrt(square + 1e-5)


class PooledConv(nn.Module):
    """A 5x5 convolution without padding, pooled 2x2 and normalised."""

    def __init__(self, channels_in):
        super().__init__()
        self.conv = nn.Conv2d(channels_in, CHANNELS, TAPS, bias=False)
        self.norm = PositiveNorm(CHANNELS)
        self.register_buffer("mask", torch.ones_like(self.conv.weight))

    def forward(self, x):
        x = F.conv2d(x, self.conv.weight * self.mask).contiguous(memory_format=ALONG)
        return self.norm(F.max_pool2d(x, 2).float())

    def folded(self):
        gain = self.norm.gain()
        return (
            self.conv.weight * self.mask * gain[:, None, None, None],
            self.norm.bias - self.norm.running_mean * gain,
        )


def numbers(labels):
    """Stored weights and biases of the pruned network."""
    conv1 = CHANNELS * RUN * RUNS
    conv2 = CONV2_WINDOWS * WINDOW * GROUP
    return conv1 + conv2 + UNITS * (UNIT_WINDOWS * WINDOW + labels) + 2 * CHANNELS


class Published(nn.Module):
    def __init__(self, labels=12):
        super().__init__()
        self.conv1, self.act1 = PooledConv(1), BlockWinners()
        self.conv2, self.act2 = PooledConv(CHANNELS), BlockWinners()
        self.units = nn.Linear(25 * CHANNELS, UNITS, bias=False)
        self.register_buffer("mask", torch.ones_like(self.units.weight))
        self.norm, self.act3 = ScaleNorm(UNITS), UnitWinners()
        self.drop = nn.Dropout(0.2)
        self.output = nn.Linear(UNITS, labels, bias=False)

    def values(self, features):
        """What the winners layers let through, one after the other."""
        x = (features[:, None] - MIDDLE) / SPREAD
        one = self.act1(self.conv1(x))
        two = self.act2(self.conv2(one))
        flat = two.permute(0, 2, 3, 1).flatten(1)  # channels fastest, as in the model file
        units = F.linear(flat, self.units.weight * self.mask)
        return one, two, self.act3(self.norm(units.float()))

    def forward(self, features):
        return self.output(self.drop(self.values(features)[-1]))

    def set_winners(self, left):
        self.act1.left = self.act2.left = self.act3.left = left
