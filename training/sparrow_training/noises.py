"""Noise on top of clips, at a share of the signal or at a signal-to-noise ratio.

Everything is s16 [n, RATE] in and out and follows from a seed alone, so that all models are asked
the very same clips.

SPDX-License-Identifier: Apache-2.0
"""
import numpy as np

from .clips import RATE

LEVELS = tuple(round(0.05 * i, 2) for i in range(11))  # of the published test
RATIOS_DB = (20, 10, 5, 0)
FULL = 32767.0
FRAME = RATE // 50  # 20 ms
ACTIVE_DB = 30  # a frame is speech if it is at most so far below the loudest one
LOWEST_HZ = 40  # pink noise is flat below
MADE_SECONDS, MADE_LEVEL, HUM_HZ = 20, 1000, 50


def to_s16(clips):
    return np.clip(np.rint(clips), -32768, 32767).astype(np.int16)


def uniform(samples, level, seed):
    """The published test: (1 - level) x + level u, u uniform over the full scale at each
    sample."""
    if level == 0:
        return samples
    rng = np.random.default_rng([seed, round(1000 * level)])
    noise = (rng.random(samples.shape, np.float32) * 2 - 1) * np.float32(FULL * level)
    return to_s16(samples * np.float32(1 - level) + noise)


def active_rms(clips):
    """Root mean square of the frames in which someone speaks, for floats [n, RATE] -> [n]."""
    power = (clips.reshape(len(clips), -1, FRAME) ** 2).mean(2)
    speech = power >= power.max(1, keepdims=True) * 10 ** (-ACTIVE_DB / 10)
    return np.sqrt((power * speech).sum(1) / speech.sum(1))


def white(n, rng):
    return rng.standard_normal((n, RATE), np.float32)


def pink(n, rng):
    """Power falls with frequency: 3 dB an octave."""
    hz = np.maximum(np.arange(RATE // 2 + 1), LOWEST_HZ)
    spectrum = np.fft.rfft(white(n, rng)) / np.sqrt(hz)
    return np.fft.irfft(spectrum, RATE).astype(np.float32)


def made(part):
    """For those who have no recordings: white, pink and brown noise and a hum, another one for
    each part ("train", "test")."""
    rng = np.random.default_rng(0 if part == "train" else 1)
    time = np.arange(MADE_SECONDS * RATE) / RATE
    brown = np.cumsum(rng.normal(0, 1, len(time)))
    sounds = {
        "white": rng.normal(0, 1, len(time)),
        "pink": pink(MADE_SECONDS, rng).reshape(-1),
        "brown": brown - np.linspace(0, brown[-1], len(brown)),
        "hum": sum(
            np.sin(2 * np.pi * HUM_HZ * n * time + rng.uniform(0, 6)) / n for n in range(1, 9)
        ),
    }
    return {name: to_s16(sound / np.std(sound) * MADE_LEVEL) for name, sound in sounds.items()}


def recorded(recordings):
    """A kind of noise: random seconds of the recordings, each as likely."""
    names = sorted(name for name, samples in recordings.items() if len(samples) >= RATE)
    if not names:
        raise ValueError("no background recording of a second or more")

    def cuts(n, rng):
        result = np.empty((n, RATE), np.float32)
        for cut in result:
            samples = recordings[names[rng.integers(len(names))]]
            first = rng.integers(len(samples) - RATE + 1)
            cut[:] = samples[first : first + RATE]
        return result

    return cuts


def kinds(recordings):
    """Kinds of noise by name: white, pink, and background if there are recordings."""
    found = {"white": white, "pink": pink}
    if recordings:
        found["background"] = recorded(recordings)
    return found


def at_ratio(samples, kind, ratio_db, seed):
    """samples with noise of a kind under them, so far below the level of their speech. A sum too
    loud for 16 bits is clipped."""
    clips = samples.astype(np.float32)
    noise = kind(len(clips), np.random.default_rng([seed, 1000 + ratio_db]))
    loud = np.sqrt((noise**2).mean(1))
    gain = active_rms(clips) / np.maximum(loud, 1e-9) * 10 ** (-ratio_db / 20)
    return to_s16(clips + noise * gain[:, None])
