"""Which clips an epoch shows, and what happens to their features on the way.

SPDX-License-Identifier: Apache-2.0
"""
import numpy as np
import torch

from .clips import COMMANDS, LABELS, SILENCE, UNKNOWN

SHARE = {SILENCE: 0.08, UNKNOWN: 0.14}  # of an epoch; the commands share the rest evenly


def weights(words):
    """How often each clip is drawn. Other words count by the square root of their number of
    clips, as most are rare."""
    names, index, counts = np.unique(words, return_inverse=True, return_counts=True)
    places = {word: i for i, word in enumerate(LABELS)}
    kinds = np.array([places.get(name, UNKNOWN) for name in names])
    size = np.where(kinds == UNKNOWN, np.sqrt(counts), 1.0)
    command = (1 - sum(SHARE.values())) / len(COMMANDS)
    for kind in range(len(LABELS)):
        size[kinds == kind] *= SHARE.get(kind, command) / max(size[kinds == kind].sum(), 1e-9)
    return (size / counts)[index], kinds[index]


def hide(features, generator, frames=5, bands=4):
    """SpecAugment: two runs of frames and two of bands of each clip become the clip's mean;
    levels move by up to 6 dB.

    features: floats [n, frames, bands], steps of an octave of power over three; changed in place.
    """
    n, time, band = features.shape
    mean = features.mean((1, 2), keepdim=True).round()
    features.add_((torch.rand(n, 1, 1, generator=generator) * 12 - 6).round()).clamp_(0, 127)
    for size, most, axis in ((time, frames, 1), (band, bands, 2)) * 2:
        long = torch.randint(0, most + 1, (n, 1), generator=generator)
        first = (torch.rand(n, 1, generator=generator) * (size - long + 1)).long()
        place = torch.arange(size)
        hidden = ((place >= first) & (place < first + long)).unsqueeze(3 - axis)
        torch.where(hidden, mean, features, out=features)
    return features
