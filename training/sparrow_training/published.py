"""The shape behind the published figures: two 5x5 convolutions, 1600 -> 1500 -> 12, with fixed
random masks.

Each output of conv1 sees 12 of 25 taps: three 2x2 squares. In conv2 and the linear layer masks
are complementary: inputs come in blocks, outputs in groups, and within a block the outputs of a
group share the inputs out among them. Winners: one in each 8 channels after the pools, 150 of
1500 after the linear layer. Convolutions have biases, the linear layers have none: 127,696
numbers in all, as published.

SPDX-License-Identifier: Apache-2.0
"""
import itertools

import torch
import torch.nn.functional as F
from torch import nn

from .network import MIDDLE, SPREAD, BlockWinners

SIDE, CHANNELS, UNITS, UNITS_LEFT = 32, 64, 1500, 150
CONV2_BLOCK, CONV2_GROUP = 64, 8  # 8 of 64 inputs for each output and tap
LINEAR_BLOCK, LINEAR_GROUP = 25, 25  # 1 of 25: 64 of 1600


def square_masks(outputs, generator):
    """[outputs, 25]: three 2x2 squares of the 5x5 taps that do not overlap."""
    squares = [{5 * y + x + d for d in (0, 1, 5, 6)} for y in range(4) for x in range(4)]
    triples = [a | b | c for a, b, c in itertools.combinations(squares, 3) if len(a | b | c) == 12]
    masks = torch.zeros(outputs, 25)
    for mask, pick in zip(masks, torch.randint(len(triples), (outputs,), generator=generator)):
        mask[sorted(triples[pick])] = 1
    return masks


def complementary(outputs, inputs, block, group, generator):
    """[outputs, inputs]: in each block the outputs of a group have block / group inputs each,
    none shared."""
    masks = torch.zeros(outputs // group, group, inputs // block, block)
    for g, b in itertools.product(range(outputs // group), range(inputs // block)):
        owners = torch.arange(group).repeat(block // group)[
            torch.randperm(block, generator=generator)
        ]
        masks[g, owners, b, torch.arange(block)] = 1
    return masks.reshape(outputs, inputs)


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


class KWinners(nn.Module):
    """Keeps the k largest positive units."""

    def forward(self, x):
        x = F.relu(x)
        best = x.detach().topk(UNITS_LEFT, 1)[1]
        return x * torch.zeros_like(x).scatter_(1, best, 1)


class MaskedConv(nn.Module):
    """A 5x5 convolution without padding, normalised, then pooled 2x2: the order of the published
    code."""

    def __init__(self, channels_in, mask):
        super().__init__()
        self.conv = nn.Conv2d(channels_in, CHANNELS, 5, bias=False)
        self.norm = nn.BatchNorm2d(CHANNELS)
        self.register_buffer(
            "mask", mask.reshape(CHANNELS, 5, 5, channels_in).permute(0, 3, 1, 2).contiguous()
        )

    def forward(self, x):
        return F.max_pool2d(self.norm(F.conv2d(x, self.conv.weight * self.mask)), 2)

    def folded(self):
        gain = self.norm.weight / torch.sqrt(self.norm.running_var + self.norm.eps)
        return (
            self.conv.weight * self.mask * gain[:, None, None, None],
            self.norm.bias - self.norm.running_mean * gain,
        )


class Published(nn.Module):
    def __init__(self, seed, labels=12):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        taps = [
            complementary(CHANNELS, CHANNELS, CONV2_BLOCK, CONV2_GROUP, generator)
            for _ in range(25)
        ]
        self.conv1 = MaskedConv(1, square_masks(CHANNELS, generator))
        self.act1 = BlockWinners()
        self.conv2 = MaskedConv(CHANNELS, torch.stack(taps, 1))
        self.act2 = BlockWinners()
        self.units = nn.Linear(25 * CHANNELS, UNITS, bias=False)
        self.register_buffer(
            "mask", complementary(UNITS, 25 * CHANNELS, LINEAR_BLOCK, LINEAR_GROUP, generator)
        )
        self.norm = ScaleNorm(UNITS)
        self.act3 = KWinners()
        self.drop = nn.Dropout(0.2)
        self.output = nn.Linear(UNITS, labels, bias=False)

    def values(self, features):
        """What the winners layers let through, one after the other."""
        x = (features[:, None] - MIDDLE) / SPREAD
        one = self.act1(self.conv1(x))
        two = self.act2(self.conv2(one))
        flat = two.permute(0, 2, 3, 1).flatten(1)  # channels fastest, as in the model file
        three = self.act3(self.norm(F.linear(flat, self.units.weight * self.mask)))
        return one, two, three

    def forward(self, features):
        return self.output(self.drop(self.values(features)[-1]))

    def set_winners(self, left):
        self.act1.left = self.act2.left = left
