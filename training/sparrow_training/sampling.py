"""Which clips an epoch shows, and what happens to their features on the way.

SPDX-License-Identifier: Apache-2.0
"""
import numpy as np
import torch

from .bands import bent

STEPS_PER_OCTAVE = 3  # of a feature, for power: the front end's log_scale
SILENCE, UNKNOWN = 0.08, 0.14  # shares of an epoch; the keywords share the rest evenly


def shares(vocabulary):
    """Share of each label in an epoch. Where keywords are few, unknown is as frequent as one of
    them."""
    unknown = max(UNKNOWN, (1 - SILENCE) / (len(vocabulary.keywords) + 1))
    keyword = (1 - SILENCE - unknown) / len(vocabulary.keywords)
    return np.array([keyword] * len(vocabulary.keywords) + [SILENCE, unknown])


def weights(words, vocabulary):
    """How often each clip is drawn. Other words count by the square root of their number of
    clips, as most are rare."""
    names, index, counts = np.unique(words, return_inverse=True, return_counts=True)
    kinds = vocabulary.kinds(names)
    size = np.where(kinds == vocabulary.unknown, np.sqrt(counts), 1.0)
    for kind, share in enumerate(shares(vocabulary)):
        size[kinds == kind] *= share / max(size[kinds == kind].sum(), 1e-9)
    return (size / counts)[index], kinds[index]


def blur(features, generator, share=0.6):
    """Steady noise of a random level and tilt under a share of the clips, and a jitter of up to 3
    dB everywhere: what a codec leaves of quiet places is nothing to rely on.

    features: as in hide(); changed in place.
    """
    n, time, band = features.shape
    level = torch.rand(n, 1, 1, generator=generator) * 45 + 10
    tilt = torch.randn(n, 1, 1, generator=generator) * 8 * torch.linspace(1, -1, band)
    noise = level + tilt + torch.randn(n, time, band, generator=generator) * 2.5
    noise = torch.where(torch.rand(n, 1, 1, generator=generator) < share, noise, -40.0)
    powers = 2 ** (features / STEPS_PER_OCTAVE) + 2 ** (noise / STEPS_PER_OCTAVE)
    jitter = torch.rand(n, 1, 1, generator=generator) * torch.randn(
        n, time, band, generator=generator
    )
    features.copy_(STEPS_PER_OCTAVE * torch.log2(powers) + 3 * jitter).round_().clamp_(0, 127)
    return features


def at_places(features, places, axis):
    """Features at fractional places of an axis, [n, number of places], between the two nearest
    ones; beyond the ends: the last one there."""
    places = places.clamp(0, features.shape[axis] - 1)
    first = places.floor().clamp(max=features.shape[axis] - 2)
    part = (places - first).unsqueeze(3 - axis)
    index = first.long().unsqueeze(3 - axis)
    shape = list(features.shape)
    low = features.gather(axis, index.expand(shape))
    high = features.gather(axis, (index + 1).expand(shape))
    return low + (high - low) * part


def warp(features, generator, share=0.7, throat=1.18, speed=1.2):
    """Another speaker: under a share of the clips all frequencies rise or fall by up to the
    factor `throat`, as with a shorter or longer vocal tract, and the word gets up to `speed`
    times quicker or slower.

    features: as in hide(); returns others.
    """
    n, time, band = features.shape
    some = torch.rand(n, generator=generator) < share
    higher, quicker = (
        limit ** (some * (2 * torch.rand(n, generator=generator) - 1)) for limit in (throat, speed)
    )
    places = torch.from_numpy(bent(band, higher.numpy()))
    middle = (time - 1) / 2
    frames = (torch.arange(time) - middle) * quicker[:, None] + middle
    return at_places(at_places(features, places, 2), frames, 1).round_()


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
