"""A quantised network as the layers of a model file.

SPDX-License-Identifier: Apache-2.0
"""
import numpy as np

from . import bands
from .network import BANDS, BLOCK
from .prune import GROUP, as_windows
from .quantise import RANK_SHIFT
from .vocabulary import Vocabulary

FRONT_END = {
    "rate_hz": 16000,
    "window": 512,
    "hop": 500,
    "frames": 32,
    "bands": BANDS,
    "log_scale": 3.0,
    "log_offset": -8.0,
    "max_value": 127,
}


def whole(tensor):
    return [int(v) for v in tensor.detach().reshape(-1)]


def s8(array):
    return np.ascontiguousarray(array).astype(np.int8).tobytes()


class Layers:
    """Adds layers to a model and numbers their outputs: 0 is the features."""

    def __init__(self, model):
        self.model = model

    def add(self, name, inputs):
        entry = self.model.layers.add(name=name, inputs=inputs)
        return entry, len(self.model.layers)

    def conv(self, name, source, part, scale, unit, bias=None):
        entry, number = self.add(name, [source])
        weight = part.integers(scale, unit).detach()
        out, _, taps = weight.shape
        conv = entry.conv
        conv.out_channels, conv.kernel_height, conv.kernel_width = out, 1, taps
        conv.stride_height, conv.stride_width = 1, part.stride
        conv.pad_left = conv.pad_right = part.padding
        conv.bias.extend(whole(bias) if bias is not None else [])
        if bool(part.mask.all()):
            conv.weights.dense.values = s8(weight.permute(0, 2, 1).numpy())
        else:
            self.windows(conv.weights.windows, weight, part)
        return number

    @staticmethod
    def windows(windows, weight, part):
        windows.group, windows.window = GROUP, part.window
        mask = as_windows(part.mask, part.window)[:, 0, :, 0]
        stays = mask.permute(0, 2, 1).numpy() > 0  # [group, tap, window]
        # [group, tap, window, input, output]
        values = as_windows(weight, part.window).permute(0, 4, 2, 3, 1).numpy()
        windows.places.extend(int(p) for p in np.flatnonzero(stays))
        windows.values = s8(values[stays])

    def widely(self, name, source, layer, positions):
        """Local or global winners: a layer that requantises, and one that keeps the largest."""
        entry, number = self.add(name + ".requantise", [source])
        for field, values in zip(("multipliers", "shifts"), layer.requantise()):
            getattr(entry.requantise, field).extend(whole(values.repeat_interleave(BLOCK)))
        entry.requantise.max_value = layer.maximum
        entry, number = self.add(name, [number])
        entry.k_winners.k = layer.places_left(len(layer.bias), positions)
        entry.k_winners.local = layer.competition == "local"
        return number

    def winners(self, name, source, layer, positions):
        if layer.competition != "block":
            return self.widely(name, source, layer, positions)
        entry, number = self.add(name, [source])
        op = entry.block_winners
        op.block, op.winners, op.rank_shift = BLOCK, layer.winners, RANK_SHIFT
        multipliers, shifts = layer.requantise()
        op.requantise.multipliers.extend(whole(multipliers))
        op.requantise.shifts.extend(whole(shifts))
        op.requantise.max_value = layer.maximum
        return number


def describe(model, name, version, vocabulary=Vocabulary()):
    """What every model of ours has in common: name, labels, front end."""
    model.name, model.version = name, version
    model.labels.extend(vocabulary.labels)
    model.label_kinds.extend(vocabulary.sorts)
    for key, value in FRONT_END.items():
        setattr(model.front_end, key, value)
    edges = bands.hertz(bands.edges(BANDS)).astype(np.float32)
    model.front_end.band_edges_hz.extend(float(e) for e in edges)


def temporal(model, net):
    """Adds the layers of a Quantised network to a model."""
    layers, values, scales = Layers(model), [0], [1.0]
    names = ["stem"] + [f"block{i + 1}.{x}" for i in range(len(net.a)) for x in "ab"]
    for name, (layer, places), positions in zip(names, net.layers(), net.positions):
        parts = []
        for i, (part, place) in enumerate(zip(layer.parts, places)):
            parts.append(
                layers.conv(
                    name if i == 0 else name[:-1] + "skip",
                    values[place + 1],
                    part,
                    scales[place + 1],
                    layer.unit,
                    None if i else layer.integer_bias(),
                )
            )
        source = parts[0]
        if len(parts) > 1:
            entry, source = layers.add(name[:-1] + "add", parts)
            entry.add.SetInParent()
        values.append(layers.winners(name + ".winners", source, layer, positions))
        scales.append(layer.out_scale)
    entry, source = layers.add("mean", [values[-1]])
    entry.mean_pool.SetInParent()
    entry, source = layers.add("mean.requantise", [source])
    multipliers, shifts = net.requantise()
    entry.requantise.multipliers.extend(whole(multipliers))
    entry.requantise.shifts.extend(whole(shifts))
    entry.requantise.max_value = net.maximum
    entry, _ = layers.add("linear", [source])
    entry.linear.out_channels = len(net.linear)
    entry.linear.weights.dense.values = s8(net.integer_linear().detach().numpy())
    entry.linear.bias.extend(whole(net.integer_bias()))
    model.score_scale = float(net.unit)
