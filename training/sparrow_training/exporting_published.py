"""The published shape as the layers of a model file, quantised after training.

SPDX-License-Identifier: Apache-2.0
"""
import numpy as np
import torch
import torch.nn.functional as F

from .exporting import Layers, s8, whole
from .network import BLOCK, MIDDLE, SPREAD
from .published import CHANNELS, EMPTY, SIDE, TAPS, UNITS
from .quantise import LEAST_NUMBER, RANK_SHIFT, WINNERS_SHIFT

MAXIMUM = 127
CLIPPED = 0.002  # share of the alive values that a scale may clip
RELU_SHIFT = 24  # a multiplier's product with a sum then fits 32 bits


def scale_of(values):
    alive = values[values > 0].sort()[0]
    return alive[int((1 - CLIPPED) * (len(alive) - 1))] / MAXIMUM


def store(weights, values, mask):
    """values, mask: [out, taps * inputs]. What the mask leaves is stored, zeros among it too."""
    stays = mask.numpy() > 0
    if stays.all():
        weights.dense.values = s8(values.numpy())
        return
    for row in stays:
        places = np.flatnonzero(row)
        weights.indexed.counts.append(len(places))
        weights.indexed.gaps.extend(int(gap) for gap in np.diff(places, prepend=0))
    weights.indexed.values = s8(values.numpy()[stays])


def rows(weight):
    """[out, in, height, width] as [out, taps * in]"""
    return weight.permute(0, 2, 3, 1).flatten(1)


class Active:
    """How sums become active values of a scale: one of each block wins, or, without winners, all
    positive ones stay. weight: [out, inputs], in units of the value read."""

    def __init__(self, weight, scale, winners):
        self.winners, self.scale = winners, scale
        self.wins = winners < BLOCK
        self.shift = WINNERS_SHIFT if self.wins else RELU_SHIFT
        largest = weight.abs().amax(1)
        if self.wins:
            largest = largest.reshape(-1, BLOCK).amax(1)
        ratio = largest / 127 / scale * 2**self.shift
        least = LEAST_NUMBER if self.wins else 1
        self.number = ratio.ceil().clamp(least, 2 ** (WINNERS_SHIFT if self.wins else 31) - 1)

    def unit(self):
        """What 1 in the sum of each output means."""
        unit = self.number * self.scale / 2**self.shift
        return unit.repeat_interleave(BLOCK if self.wins else 1)

    def layer(self, layers, name, source):
        entry, number = layers.add(name, [source])
        requantise = entry.requantise
        if self.wins:
            op = entry.block_winners
            op.block, op.winners, op.rank_shift = BLOCK, self.winners, RANK_SHIFT
            requantise = op.requantise
        requantise.multipliers.extend(whole(self.number))
        requantise.shifts.extend([self.shift] * len(self.number))
        requantise.max_value = MAXIMUM
        return number


def conv(layers, name, source, part, folded, scale, active):
    """Convolution, pool, winners. folded: weight and bias; scale: of the value that is read;
    active(weight): what follows."""
    weight, bias = rows(folded[0]) * scale, folded[1]
    after = active(weight)
    unit = after.unit()
    entry, number = layers.add(name, [source])
    entry.conv.out_channels = CHANNELS
    entry.conv.kernel_height = entry.conv.kernel_width = TAPS
    entry.conv.stride_height = entry.conv.stride_width = 1
    store(entry.conv.weights, (weight / unit[:, None]).round(), rows(part.mask))
    entry.conv.bias.extend(whole((bias / unit).round()))
    entry, number = layers.add(name + ".pool", [number])
    entry.max_pool.height = entry.max_pool.width = 2
    return after.layer(layers, name + ".active", number)


def linear(layers, source, net, scale, active):
    """The units; where they win by blocks, some without weights fill the last one."""
    weight = net.units.weight * net.mask * net.norm.gain()[:, None] * scale
    empty = EMPTY if net.act3.left < BLOCK else 0
    weight, mask = (F.pad(t, (0, 0, 0, empty)) for t in (weight, net.mask))
    after = active(weight)
    entry, number = layers.add("linear", [source])
    entry.linear.out_channels = len(weight)
    store(entry.linear.weights, (weight / after.unit()[:, None]).round(), mask)
    return after.layer(layers, "linear.active", number), empty


@torch.no_grad()
def published(model, net, features):
    """Adds the layers of a Published network. features: clips that decide the scales."""
    one, two, three = (scale_of(values) for values in net.values(features))
    layers, winners = Layers(model), net.act1.left
    entry, number = layers.add("image", [0])
    entry.reshape.height, entry.reshape.width, entry.reshape.channels = SIDE, SIDE, 1
    weight, bias = net.conv1.folded()
    first = weight / SPREAD, bias - MIDDLE / SPREAD * weight.sum((1, 2, 3))
    number = conv(layers, "conv1", number, net.conv1, first, 1.0, lambda w: Active(w, one, winners))
    second = net.conv2.folded()
    number = conv(
        layers, "conv2", number, net.conv2, second, one, lambda w: Active(w, two, winners)
    )
    number, empty = linear(layers, number, net, two, lambda w: Active(w, three, winners))

    unit = (net.output.weight * three).abs().max() / 127
    entry, number = layers.add("output", [number])
    entry.linear.out_channels = len(net.output.weight)
    values = F.pad((net.output.weight * three / unit).round(), (0, empty))
    store(entry.linear.weights, values, torch.arange(UNITS + empty).lt(UNITS).expand_as(values))
    model.score_scale = float(unit)
