"""The data folder: archives of spoken words in, 16 kHz samples out.

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


def decode(data):
    samples, rate = soundfile.read(io.BytesIO(data), dtype="int16")
    if rate != RATE or samples.ndim != 1:
        raise ValueError(f"a clip with {rate} samples a second and {samples.ndim} channels")
    return samples


def read_archive(path, wanted=None):
    """Name and samples of each clip in a tar file, or of the wanted ones."""
    with tarfile.open(path) as tar:
        for member in tar:
            if member.isfile() and (wanted is None or member.name in wanted):
                yield member.name, decode(tar.extractfile(member).read())


def read_words(data, split, progress):
    """All words of a split ("train", "valid", "test"); short clips are followed by zeros."""
    rows = [
        r
        for r in read_manifest(data)
        if r["split"] == split and r["archive"].endswith(".tar") and r["word"] != "_noise_"
    ]
    samples, words = np.zeros((len(rows), RATE), np.int16), []
    for archive in sorted({r["archive"] for r in rows}):
        wanted = {r["file"]: r["word"] for r in rows if r["archive"] == archive}
        for name, clip in read_archive(os.path.join(data, archive), wanted):
            samples[len(words), : min(RATE, len(clip))] = clip[:RATE]
            words.append(wanted[name])
            progress(len(words), len(rows))
    return Clips(samples[: len(words)], np.array(words))


def read_noise(data, part):
    """The background recordings of `part` ("train" or "test"), by name."""
    prefix = f"_noise_/{part}/"
    names = {r["file"] for r in read_manifest(data) if r["file"].startswith(prefix)}
    return dict(sorted(read_archive(os.path.join(data, "noise.tar"), names)))
