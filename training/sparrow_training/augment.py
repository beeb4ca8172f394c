"""Other takes of the same clips: speed, place, colour, level and background vary, and pitch and
room if wanted; the word stays.

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
WINDOW, HOP = 512, 128  # of the phase vocoder
SEMITONES = 3.0  # either way
EARLIEST = 0.002  # seconds until the first echo
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


def stretch(clips, factor):
    """Floats [n, RATE] as factor times as many samples of the same pitch (a phase vocoder)."""
    window = torch.hann_window(WINDOW)
    spectrum = torch.stft(
        torch.from_numpy(clips), WINDOW, HOP, window=window, return_complex=True
    )  # [n, bins, frames]
    frames = spectrum.shape[2]
    places = torch.arange(0, frames - 1, 1 / factor)
    before, between = places.long(), places - places.floor()
    size, phase = spectrum.abs(), spectrum.angle()
    steps = phase[..., 1:] - phase[..., :-1]  # what a frame adds to the phase
    turned = torch.cat([phase[..., :1], steps[..., before[:-1]]], 2).cumsum(2)
    blend = size[..., before] * (1 - between) + size[..., before + 1] * between
    length = round(clips.shape[1] * factor)
    return torch.istft(
        torch.polar(blend, turned), WINDOW, HOP, window=window, length=length
    ).numpy()


def pitch(clips, semitones):
    """Floats [n, RATE], higher or lower at the same speed."""
    longer = stretch(clips, 2 ** (semitones / 12))
    spectrum = torch.fft.rfft(torch.from_numpy(longer))
    wanted = torch.zeros(len(clips), RATE // 2 + 1, dtype=spectrum.dtype)
    most = min(wanted.shape[1], spectrum.shape[1])
    wanted[:, :most] = spectrum[:, :most]
    return torch.fft.irfft(wanted, RATE).numpy() * (RATE / longer.shape[1])


def room(clips, rng):
    """Floats [n, RATE] as in a small room each: the sound itself and an echo that fades by 60 dB
    in 0.1 to 0.6 s, 1 to 15 dB below it."""
    n, time = len(clips), np.arange(RATE) / RATE
    fades = np.exp(-np.log(1000) * time / rng.uniform(0.1, 0.6, (n, 1)))
    echoes = rng.normal(0, 1, (n, RATE)) * fades * (time > EARLIEST)
    below = 10 ** (-rng.uniform(1, 15, (n, 1)) / 20)
    echoes *= below / np.sqrt((echoes**2).sum(1, keepdims=True))
    echoes[:, 0] = 1
    product = np.fft.rfft(clips, 2 * RATE) * np.fft.rfft(echoes, 2 * RATE)
    return np.fft.irfft(product)[:, :RATE].astype(np.float32)


def level(clips):
    return np.sqrt((clips**2).mean(1, keepdims=True)) + 1e-3


def to_s16(clips):
    return np.clip(np.rint(clips), -32768, 32767).astype(np.int16)


def elsewhere(samples, rng, manner):
    """s16 as floats, and now and then of another pitch or in a room. Draws no random number where
    neither is wanted."""
    clips = samples.astype(np.float32)
    if manner.pitches and rng.random() < manner.pitches:
        clips = pitch(clips, rng.uniform(-SEMITONES, SEMITONES))
    if manner.rooms and rng.random() < manner.rooms:
        clips = room(clips, rng)
    return clips


def augment(samples, noise, rng, manner):
    """Another take of each clip: s16 [n, RATE] in and out. Clips of one call share their speed:
    call it with a few. manner: a Manner of takes.py."""
    n, length = len(samples), int(rng.choice(SPEEDS)) * RATE // 100
    spoken = resample(elsewhere(samples, rng, manner), length, colour(n, rng))
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
