"""The published shape as the layers of a model file, quantised after training.

SPDX-License-Identifier: Apache-2.0
"""
import numpy as np
import torch

from .exporting import Layers, s8, whole
from .network import BLOCK, MIDDLE, SPREAD
from .published import SIDE, UNITS_LEFT
from .quantise import RANK_SHIFT, multiplier

MAXIMUM = 127
CLIPPED = 0.0005  # share of the alive values that a scale may clip


def scale_of(values):
    alive = values[values > 0].sort()[0]
    return alive[int((1 - CLIPPED) * (len(alive) - 1))] / MAXIMUM


def indexed(message, weight, mask):
    """weight, mask: [out, taps * inputs]"""
    stays = mask.numpy() > 0
    for row in stays:
        places = np.flatnonzero(row)
        message.indexed.counts.append(len(places))
        message.indexed.gaps.extend(int(gap) for gap in np.diff(places, prepend=0))
    message.indexed.values = s8(weight.numpy()[stays])


def rows(weight):
    """[out, in, height, width] as [out, taps * in]"""
    return weight.permute(0, 2, 3, 1).flatten(1)


def requantise(message, ratio):
    multipliers, shifts = multiplier(ratio)
    message.multipliers.extend(whole(multipliers))
    message.shifts.extend(whole(shifts))
    message.max_value = MAXIMUM


def conv(layers, name, source, part, weight, bias, scale_in, scale_out):
    """Convolution, pool and winners; scales are those of the activations read and written."""
    unit = (weight * scale_in).abs().flatten(1).amax(1).reshape(-1, BLOCK).amax(1) / 127
    each = unit.repeat_interleave(BLOCK)
    entry, number = layers.add(name, [source])
    entry.conv.out_channels = len(weight)
    entry.conv.kernel_height = entry.conv.kernel_width = 5
    entry.conv.stride_height = entry.conv.stride_width = 1
    indexed(
        entry.conv.weights,
        rows((weight * scale_in / each[:, None, None, None]).round()),
        rows(part.mask),
    )
    entry.conv.bias.extend(whole((bias / each).round()))
    entry, number = layers.add(name + ".pool", [number])
    entry.max_pool.height = entry.max_pool.width = 2
    entry, number = layers.add(name + ".winners", [number])
    entry.block_winners.block, entry.block_winners.winners = BLOCK, 1
    entry.block_winners.rank_shift = RANK_SHIFT
    requantise(entry.block_winners.requantise, unit / scale_out)
    return number


@torch.no_grad()
def published(model, net, features):
    """Adds the layers of a Published network. features: clips that decide the scales."""
    one, two, three = (scale_of(values) for values in net.values(features))
    layers = Layers(model)
    entry, number = layers.add("image", [0])
    entry.reshape.height, entry.reshape.width, entry.reshape.channels = SIDE, SIDE, 1
    weight, bias = net.conv1.folded()
    weight = weight / SPREAD
    bias = bias - MIDDLE * weight.sum((1, 2, 3))
    number = conv(layers, "conv1", number, net.conv1, weight, bias, torch.tensor(1.0), one)
    number = conv(layers, "conv2", number, net.conv2, *net.conv2.folded(), one, two)

    weight = net.units.weight * net.mask * net.norm.gain()[:, None]
    unit = (weight * two).abs().amax(1) / 127
    entry, number = layers.add("linear", [number])
    entry.linear.out_channels = len(weight)
    indexed(entry.linear.weights, (weight * two / unit[:, None]).round(), net.mask)
    entry, number = layers.add("linear.requantise", [number])
    requantise(entry.requantise, unit / three)
    entry, number = layers.add("linear.winners", [number])
    entry.k_winners.k = UNITS_LEFT

    unit = (net.output.weight * three).abs().max() / 127
    entry, number = layers.add("output", [number])
    entry.linear.out_channels = len(net.output.weight)
    entry.linear.weights.dense.values = s8((net.output.weight * three / unit).round().numpy())
    model.score_scale = float(unit)
