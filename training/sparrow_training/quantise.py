"""A trained network in the integers of engine/ARITHMETIC.md, and the last part of its training in
them.

Every value is a whole number held in a float: activations 0 .. maximum, weights -127 .. 127, sums
far below 2^24, so float arithmetic is exact and the scores are those of the model file. Gradients
pass the roundings as if they were not there (and stop where a value is clamped or a channel
loses).

Units: a weight w of block g that reads activations of scale s is stored as round(w * s /
unit[g]); sums of the block then count in unit[g], whichever convolutions add into it. One whole
number over 2^15 turns them into the scale of the output, and the unit is what makes it whole: so
the largest sum that counts fits 16 bits, and kernels requantise with one rounding multiplication.

SPDX-License-Identifier: Apache-2.0
"""
import torch
import torch.nn.functional as F
from torch import nn

from .network import BLOCK, MIDDLE, SPREAD

SHIFT_BITS = 15  # multipliers lie in 2^14 .. 2^15 - 1
WINNERS_SHIFT, LEAST_NUMBER = 15, 128  # of block winners
RANK_SHIFT = 3


def through(exact, smooth):
    """The value of `exact` with the gradient of `smooth`."""
    return smooth + (exact - smooth).detach()


def multiplier(ratio):
    """ratio as multiplier / 2^shift: tensors of whole numbers."""
    shift = SHIFT_BITS - 1 - torch.floor(torch.log2(ratio.double()))
    number = torch.round(ratio.double() * 2**shift)
    over = number >= 2**SHIFT_BITS
    return torch.where(over, number / 2, number).round(), torch.where(over, shift - 1, shift)


class Part(nn.Module):
    """One convolution whose normalisation has become a fixed gain; stores nothing outside its mask.

    What is trained are the weights as they were before the gain, since their gradients are of the
    size that learning rates are made for. middle, spread: what the float network takes from its
    input and divides it by."""

    def __init__(self, conv, stride, padding, middle=0.0, spread=1.0):
        super().__init__()
        gain = conv.norm.weight / torch.sqrt(conv.norm.running_var + conv.norm.eps) / spread
        self.weight = nn.Parameter(conv.conv.weight.detach().clone())
        self.register_buffer("mask", conv.mask.clone())
        self.register_buffer("gain", gain.detach()[:, None, None].clone())
        self.stride, self.padding, self.middle = stride, padding, middle
        self.window = conv.window

    def folded(self):
        return self.weight * self.mask * self.gain

    def shift(self):
        """What the bias has to take back for the input's middle."""
        return self.middle * self.folded().sum((1, 2))

    def largest(self):
        """The largest weight of each block of outputs."""
        return self.folded().detach().abs().flatten(1).amax(1).reshape(-1, BLOCK).amax(1)

    def integers(self, scale, unit):
        smooth = self.folded() * (scale / unit).repeat_interleave(BLOCK)[:, None, None]
        return through(smooth.round().clamp(-127, 127), smooth)


class Sum(nn.Module):
    """Convolutions that add into one sum, then requantisation and winners of a kind of
    winners.py."""

    competition = "block"

    def __init__(self, parts, bias, winners, maximum):
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.bias = nn.Parameter(bias.detach().clone())
        self.winners, self.maximum = winners, maximum
        self.register_buffer("out_scale", torch.tensor(0.0))
        self.register_buffer("unit", torch.zeros(len(bias) // BLOCK))
        self.register_buffer("number", torch.zeros(len(bias) // BLOCK))

    def settle(self, scales):
        """Takes units from the weights as they are now."""
        largest = torch.stack(
            [part.largest() * scale for part, scale in zip(self.parts, scales)]
        ).amax(0)
        ratio = largest / 127 / self.out_scale * 2**WINNERS_SHIFT
        self.number.copy_(ratio.ceil().clamp(LEAST_NUMBER, 2**WINNERS_SHIFT - 1))
        self.unit.copy_(self.number * self.out_scale / 2**WINNERS_SHIFT)

    def integer_bias(self):
        bias = self.bias - sum(part.shift() for part in self.parts)
        smooth = bias / self.unit.repeat_interleave(BLOCK)
        return through(smooth.round(), smooth)

    def sums(self, values, scales):
        total = self.integer_bias()[None, :, None]
        for part, value, scale in zip(self.parts, values, scales):
            total = total + F.conv1d(
                value, part.integers(scale, self.unit), None, part.stride, part.padding
            )
        return total

    def requantise(self):
        return self.number, torch.full_like(self.number, WINNERS_SHIFT)

    def places_left(self, channels, positions):
        """How many of all values stay where competition is not between neighbours."""
        among = channels if self.competition == "local" else channels * positions
        return max(1, round(among * self.winners / BLOCK))

    def widely(self, sums):
        """Requantisation, then local or global winners among its integers."""
        n, channels, frames = sums.shape
        ratio = (self.unit / self.out_scale).repeat_interleave(BLOCK)[None, :, None]
        with torch.no_grad():
            number, shift = (t.repeat_interleave(BLOCK)[None, :, None] for t in self.requantise())
            exact = torch.floor((sums.double() * number + 2 ** (shift - 1)) / 2**shift)
            exact = exact.clamp(0, self.maximum).float().permute(0, 2, 1)
            among = exact if self.competition == "local" else exact.reshape(n, -1)
            size = among.shape[-1]
            rank = among * size + torch.arange(size - 1, -1, -1)  # ties go to the lowest place
            best = rank.topk(self.places_left(channels, frames), -1)[1]
            wins = torch.zeros_like(among).scatter_(-1, best, 1).reshape(exact.shape)
            exact, wins = exact.permute(0, 2, 1), wins.permute(0, 2, 1)
        return through(exact, (sums * ratio).clamp(0, self.maximum)) * wins

    def forward(self, values, scales):
        sums = self.sums(values, scales)
        if self.competition != "block":
            return self.widely(sums)
        n, channels, frames = sums.shape
        blocks = sums.reshape(n, channels // BLOCK, BLOCK, frames)
        with torch.no_grad():
            number, shift = (t[None, :, None, None] for t in self.requantise())
            ranked = torch.floor(blocks / 2**RANK_SHIFT)
            exact = ranked.double() * 2**RANK_SHIFT * number
            exact = torch.floor((exact + 2 ** (shift - 1)) / 2**shift)
            exact = exact.clamp(0, self.maximum).float()
            place = torch.arange(BLOCK - 1, -1, -1)[None, None, :, None]
            rank = ranked * BLOCK + place  # unique: ties go to the lowest channel
            wins = torch.zeros_like(exact).scatter_(2, rank.topk(self.winners, 2)[1], 1)
        smooth = (blocks * (self.unit / self.out_scale)[None, :, None, None]).clamp(0, self.maximum)
        return (through(exact, smooth) * wins).reshape(sums.shape)


class Quantised(nn.Module):
    """A Temporal network in integers. net: trained, with its winners set. Features: whole numbers
    [n, frames, bands]."""

    def __init__(self, net, features, maximum=127):
        super().__init__()
        net.eval()
        self.maximum, winners = maximum, net.act.left
        stem = Part(net.stem, net.shape.stem_stride, net.shape.stem_taps // 2, MIDDLE, SPREAD)
        self.positions = [positions for positions, _ in net.convolutions()]  # of each Sum
        self.frames_left = self.positions[-1]
        self.stem = Sum([stem], net.stem.folded()[1], winners, maximum)
        self.a, self.b = nn.ModuleList(), nn.ModuleList()
        for block in net.blocks:
            stride = block.a.conv.stride[0]
            bias = block.b.folded()[1] + block.skip.folded()[1]
            pad = block.a.conv.padding[0]
            parts = [Part(block.b, 1, pad), Part(block.skip, stride, 0)]
            self.a.append(Sum([Part(block.a, stride, pad)], block.a.folded()[1], winners, maximum))
            self.b.append(Sum(parts, bias, winners, maximum))
        self.linear = nn.Parameter(net.linear.weight.detach().clone())
        self.bias = nn.Parameter(net.linear.bias.detach().clone())
        for layer, _ in self.layers():
            layer.competition = getattr(net.act, "kind", "block")
        self.register_buffer("mean_scale", torch.tensor(0.0))
        self.register_buffer("unit", torch.tensor(0.0))
        self.calibrate(net, features)

    def layers(self):
        """Every Sum with the places of its inputs: -1 the features, else the number of an earlier
        Sum."""
        yield self.stem, [-1]
        for i, (a, b) in enumerate(zip(self.a, self.b)):
            yield a, [2 * i]
            yield b, [2 * i + 1, 2 * i]

    @torch.no_grad()
    def calibrate(self, net, features):
        """Output scales from what the float network's winners are on a batch: a few in ten
        thousand are clipped."""
        peaks, hooks = [], []

        def note(_, __, out):
            alive = out[out > 0]
            peaks.append(alive.sort()[0][int(0.9995 * (len(alive) - 1))])

        acts = [net.act] + [act for block in net.blocks for act in (block.act_a, block.act)]
        for act in acts:
            hooks.append(act.register_forward_hook(note))
        net(features)
        for hook in hooks:
            hook.remove()
        for (layer, _), peak in zip(self.layers(), peaks):
            layer.out_scale.copy_(peak / self.maximum)
        self.settle()
        mean = self.mean(self.trunk(features))
        self.mean_scale.copy_(
            mean.max() * self.last_scale() / self.frames_left * 1.05 / self.maximum
        )
        self.settle()

    def last_scale(self):
        return self.b[-1].out_scale

    @torch.no_grad()
    def settle(self):
        """Takes the units of all sums from the weights as they are now."""
        scales = [torch.tensor(1.0)]
        for layer, places in self.layers():
            layer.settle([scales[p + 1] for p in places])
            scales.append(layer.out_scale)
        self.unit.copy_(self.linear.abs().max() * self.mean_scale / 127)

    def trunk(self, features):
        values, scales = [features.transpose(1, 2)], [torch.tensor(1.0)]
        for layer, places in self.layers():
            values.append(layer([values[p + 1] for p in places], [scales[p + 1] for p in places]))
            scales.append(layer.out_scale)
        return values[-1]

    @staticmethod
    def mean(x):
        return x.sum(2)

    def requantise(self):
        """Multiplier and shift of the mean."""
        return multiplier(self.last_scale() / self.frames_left / self.mean_scale)

    def integer_linear(self):
        smooth = self.linear * (self.mean_scale / self.unit)
        return through(smooth.round().clamp(-127, 127), smooth)

    def integer_bias(self):
        smooth = self.bias / self.unit
        return through(smooth.round(), smooth)

    def integer_scores(self, features):
        total = self.mean(self.trunk(features))
        with torch.no_grad():
            number, shift = self.requantise()
            exact = (
                torch.floor((total.double() * number + 2 ** (shift - 1)) / 2**shift)
                .clamp(0, self.maximum)
                .float()
            )
        smooth = (total * (self.last_scale() / self.frames_left / self.mean_scale)).clamp(
            0, self.maximum
        )
        return F.linear(through(exact, smooth), self.integer_linear(), self.integer_bias())

    def forward(self, features):
        return self.integer_scores(features) * self.unit


@torch.no_grad()
def restore(quantised, net, features):
    """Makes the float network `net` do what a Quantised one does, but for the roundings. The
    normalisation takes its statistics from `features`, so that training can go on."""
    sums = [layer for layer, _ in quantised.layers()]
    pairs = []  # a convolution of net, its part, its bias
    for (_, convs), layer in zip(net.convolutions(), sums):
        for i, (conv, part) in enumerate(zip(convs, layer.parts)):
            bias = layer.bias if i == 0 else torch.zeros_like(layer.bias)
            gain = part.gain.flatten() * (SPREAD if conv is net.stem else 1.0)
            conv.conv.weight.copy_(part.weight)
            conv.mask.copy_(part.mask)
            pairs.append((conv.norm, gain, bias))
    net.linear.weight.copy_(quantised.linear)
    net.linear.bias.copy_(quantised.bias)
    net.set_winners(sums[0].winners)

    def settle(norm, gain, bias, mean, variance):
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_(gain * torch.sqrt(variance + norm.eps))
        norm.bias.copy_(bias + gain * mean)

    seen, hooks = {}, []

    def note(norm, inputs):
        seen[norm] = inputs[0].mean((0, 2)), inputs[0].var((0, 2), unbiased=False)

    for norm, gain, bias in pairs:
        settle(norm, gain, bias, torch.zeros_like(gain), torch.ones_like(gain))
        hooks.append(norm.register_forward_pre_hook(note))
    net.eval()
    net(features)
    for hook in hooks:
        hook.remove()
    for norm, gain, bias in pairs:
        settle(norm, gain, bias, *seen[norm])
