"""Other takes of the same clips: speed, place, colour, level and background vary, the word stays.

The training clips went through a lossy codec, the test clips did not: colour (a random equaliser,
now and then a low pass) and noise under most clips keep a network from leaning on the codec's
traces.

SPDX-License-Identifier: Apache-2.0
"""
import numpy as np
import torch

from .clips import RATE

SPEEDS = np.arange(91, 112)  # lengths in hundredths of a second that a second becomes
SHIFT = RATE // 10  # samples, either way
KNOTS_HZ = [0, 150, 350, 700, 1400, 2800, 5600, 8000]


def colour(n, rng):
    """n random gain curves over the RATE / 2 + 1 bins of a second's spectrum."""
    knots = rng.normal(0, 2.5, (n, len(KNOTS_HZ))) + rng.normal(0, 3, (n, 1)) * np.linspace(
        -1, 1, len(KNOTS_HZ)
    )
    hz = np.arange(RATE // 2 + 1)
    low_pass = np.where(rng.random(n) < 0.25, rng.uniform(3000, 7800, n), 1e9)
    curves = np.empty((n, len(hz)), np.float32)
    for curve, knot, cut in zip(curves, knots, low_pass):
        curve[:] = 10 ** (np.interp(hz, KNOTS_HZ, knot) / 20) / np.sqrt(1 + (hz / cut) ** 16)
    return curves


def resample(clips, length, curves):
    """Float clips [n, RATE] under their gain curves, as `length` samples each."""
    spectrum = torch.fft.rfft(torch.from_numpy(clips)) * torch.from_numpy(curves)
    return torch.fft.irfft(spectrum[:, : length // 2 + 1], length).numpy() * (length / RATE)


def cut_noise(noise, n, rng):
    """n random seconds of the background recordings, as floats."""
    recordings = list(noise.values())
    cuts = np.empty((n, RATE), np.float32)
    for cut in cuts:
        recording = recordings[rng.integers(len(recordings))]
        place = rng.integers(len(recording) - RATE + 1)
        cut[:] = recording[place : place + RATE]
    return cuts


def level(clips):
    return np.sqrt((clips**2).mean(1, keepdims=True)) + 1e-3


def to_s16(clips):
    return np.clip(np.rint(clips), -32768, 32767).astype(np.int16)


def augment(samples, noise, rng):
    """Another take of each clip: s16 [n, RATE] in and out. Clips of one call share their speed:
    call it with a few."""
    n, length = len(samples), int(rng.choice(SPEEDS)) * RATE // 100
    spoken = resample(samples.astype(np.float32), length, colour(n, rng))
    clips = np.zeros((n, RATE), np.float32)
    for clip, word, shift in zip(clips, spoken, rng.integers(-SHIFT, SHIFT + 1, n)):
        first = (RATE - length) // 2 + shift
        a, b = max(first, 0), min(first + length, RATE)
        clip[a:b] = word[a - first : b - first]
    loud = 10 ** (rng.uniform(-10, 6, (n, 1)) / 20)
    background = cut_noise(noise, n, rng)
    under = 10 ** (-rng.uniform(2, 35, (n, 1)) / 20) * (rng.random((n, 1)) < 0.7)
    return to_s16(loud * (clips + background * under * level(clips) / level(background)))


def silence(noise, n, rng):
    """n clips without a word: background of any colour at any level, a fifth of them digital
    silence or a bit of dither."""
    clips = resample(cut_noise(noise, n, rng), RATE, colour(n, rng)) * rng.uniform(0, 1, (n, 1))
    still = rng.random((n, 1)) < 0.2
    dither = rng.integers(-1, 2, (n, RATE)) * (rng.random((n, 1)) < 0.5)
    return to_s16(np.where(still, dither, clips))
