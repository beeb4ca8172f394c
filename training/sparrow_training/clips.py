"""Recorded words: archives and files in, 16 kHz samples out.

SPDX-License-Identifier: Apache-2.0
"""
import csv
import gzip
import io
import os
import tarfile
from dataclasses import dataclass

import numpy as np
import soundfile

RATE = 16000


@dataclass
class Clips:
    """Words of one second each: samples is s16 [n, RATE], words has the n words that were said."""

    samples: np.ndarray
    words: np.ndarray


def read_manifest(data):
    with gzip.open(os.path.join(data, "manifest.tsv.gz"), "rt", encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f, delimiter="\t"))


def resample(samples, rate):
    """Floats of any rate as floats at RATE, by their spectrum."""
    length = max(1, round(len(samples) * RATE / rate))
    if length == len(samples):
        return samples
    spectrum = np.fft.rfft(samples)[: length // 2 + 1]
    return np.fft.irfft(spectrum, length) * (length / len(samples))


def read_file(file, name=None):
    """A recording of any rate and number of channels as s16 at RATE. ValueError, which names it,
    if it is none. file: a path, or what can be read."""
    try:
        samples, rate = soundfile.read(file, dtype="float64", always_2d=True)
    except (RuntimeError, OSError) as error:
        raise ValueError(f"{name or file}: {error}") from error
    if len(samples) == 0:
        raise ValueError(f"{name or file}: nothing in it")
    mono = resample(samples.mean(1), rate)
    return np.clip(np.rint(mono * 32768), -32768, 32767).astype(np.int16)


def decode(data, name):
    """As read_file(), from the bytes of a file; one at RATE keeps the samples that its decoder
    gives, which the test clips are."""
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as f:
            if f.samplerate == RATE and f.channels == 1:
                return f.read(dtype="int16")
    except RuntimeError as error:
        raise ValueError(f"{name}: {error}") from error
    return read_file(io.BytesIO(data), name)


def one_second(samples):
    """The loudest second of a longer recording; zeros around a shorter one."""
    if len(samples) <= RATE:
        before = (RATE - len(samples)) // 2
        return np.pad(samples, (before, RATE - len(samples) - before))
    energy = np.cumsum(np.concatenate([[0.0], samples.astype(np.float64) ** 2]))
    first = int((energy[RATE:] - energy[:-RATE]).argmax())
    return samples[first : first + RATE]


def padded(samples):
    """The first second, with zeros after a shorter clip."""
    return np.pad(samples[:RATE], (0, max(0, RATE - len(samples))))


def read_archive(path, wanted=None):
    """Name and samples of each clip in a tar file, or of the wanted ones."""
    with tarfile.open(path) as tar:
        for member in tar:
            if member.isfile() and (wanted is None or member.name in wanted):
                yield member.name, decode(tar.extractfile(member).read(), member.name)


def cut_in_time(recordings, share, part):
    """The beginning of each recording for training, the end for testing."""
    cuts = {name: int(len(samples) * share) for name, samples in recordings.items()}
    return {
        name: s[: cuts[name]] if part == "train" else s[cuts[name] :]
        for name, s in recordings.items()
    }
