"""The figures of a model: how often it is right, what it stores, what it costs.

SPDX-License-Identifier: Apache-2.0
"""
from dataclasses import dataclass

import numpy as np

from . import judge, reference


@dataclass
class Cost:
    """Over all layers with weights. products: multiply-adds for a word; products_dense: those of
    the dense twin; products_alive: those with an alive input."""

    stored: int
    biases: int
    dense: int
    products: int
    products_dense: int
    products_alive: int
    alive: dict  # share of alive values that each layer reads

    @property
    def density(self):
        return self.stored / self.dense

    def alive_later(self):
        """The mean of the layers after the first, whose input are the features."""
        return float(np.mean(list(self.alive.values())[1:]))


def empty(op):
    """Outputs that store no weight at all: they fill a block of winners, and no twin has them."""
    if op.weights.WhichOneof("encoding") != "indexed" or any(op.bias):
        return 0
    return sum(count == 0 for count in op.weights.indexed.counts)


def cost(model, features):
    """features: u8 [n, frames, bands] of real words; what is alive is a mean over them."""
    values = reference.run(model, features)
    total, alive, unused = np.zeros(6), {}, [0]  # values of a layer that are of empty outputs
    for number, layer in enumerate(model.layers):
        name, fill = layer.WhichOneof("op"), unused[layer.inputs[0]]
        if name not in ("conv", "linear"):
            unused.append(fill)
            continue
        op, source, sums = getattr(layer, name), values[layer.inputs[0]], values[number + 1]
        unused.append(empty(op) if name == "linear" else 0)
        taps = source[0].size - fill
        if name == "conv":
            taps = op.kernel_height * op.kernel_width * source.shape[3]
        stored = reference.stored_weights(op.weights)
        dense = taps * (op.out_channels - unused[-1])
        places = sums[0].size // op.out_channels
        share = float((source != 0).sum() / (source.size - fill * len(source)))
        alive[layer.name] = share
        products = stored * places
        total += (stored, len(op.bias), dense, products, dense * places, products * share)
    return Cost(*(round(t) for t in total), alive)


def masks_of(net):
    """(positions, masks, number of biases) of each sum of a temporal network, in floating point
    or in integers."""
    if hasattr(net, "layers"):
        for (layer, _), positions in zip(net.layers(), net.positions):
            yield positions, [part.mask for part in layer.parts], len(layer.bias)
    else:
        for positions, convs in net.convolutions():
            yield positions, [conv.mask for conv in convs], convs[0].conv.out_channels


def cost_of_net(net):
    """The same of a network of PyTorch, whose values are all taken to be alive."""
    from . import bcresnet, published  # torch is not wanted for model files

    if isinstance(net, bcresnet.BCResNet):
        weights, biases, products = bcresnet.cost(net)
        return Cost(weights, biases, weights, products, products, products, {})
    if isinstance(net, published.Published):
        raise ValueError("export this checkpoint and measure the model file")
    weights = getattr(net.linear, "weight", net.linear)  # in integers it is no layer
    last, biases = weights.numel(), len(weights)
    stored = dense = products = products_dense = last
    for positions, masks, count in masks_of(net):
        stays = sum(int(mask.sum()) for mask in masks)
        every = sum(mask.numel() for mask in masks)
        stored, dense, biases = stored + stays, dense + every, biases + count
        products, products_dense = products + stays * positions, products_dense + every * positions
    return Cost(stored, biases, dense, products, products_dense, products, {})


def shares(answers, kinds, words):
    """Accuracy over all clips and over the three sorts of words that there are, each with its
    count and 95 % interval; words: the vocabulary."""
    right = answers == kinds
    for name, chosen in (
        ("test accuracy", kinds >= 0),
        ("test accuracy, keywords", kinds < words.silence),
        ("test accuracy, unknown", kinds == words.unknown),
        ("test accuracy, silence", kinds == words.silence),
    ):
        count, good = int(chosen.sum()), int(right[chosen].sum())
        if count:
            yield name, good / count, count, judge.interval(good, count)


def fires(answers, said, words):
    """How often words that are no keywords were taken for one: (word, times, clips) for each."""
    fired = answers < words.silence
    for word in sorted(set(said)):
        yield word, int(fired[said == word].sum()), int((said == word).sum())


def confusion(answers, kinds, labels):
    """A table in Markdown."""
    table = np.zeros((len(labels), len(labels)), int)
    np.add.at(table, (kinds, answers), 1)
    lines = ["| said | " + " | ".join(labels) + " |", "| --- |" + " --- |" * len(labels)]
    lines += [
        f"| **{label}** | " + " | ".join(str(n) if n else "" for n in row) + " |"
        for label, row in zip(labels, table)
    ]
    return "Rows: what was said; columns: the answers.\n\n" + "\n".join(lines)
