"""Features of the clips as the network gets them: computed by the `sparrow` command, kept in a
cache folder.

A take is one augmented pass over all training clips followed by pieces of silence; training draws
each clip from a random take. Validation clips are taken once, as they are.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from . import augment, clips, command

FRAMES, BANDS = 32, 32
GROUP = 32  # clips that share a speed
SILENCES = {"train": 2000, "valid": 160}
HELD_OUT = 0.15  # the end of each background recording is kept for validation


def cache_folder():
    """Where decoded clips and features are kept unless someone says otherwise."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "sparrow-training")


def split_noise(noise, part):
    """The beginning of each recording for training, the end for validation."""
    cuts = {name: int(len(samples) * (1 - HELD_OUT)) for name, samples in noise.items()}
    return {
        name: s[: cuts[name]] if part == "train" else s[cuts[name] :] for name, s in noise.items()
    }


def one_take(path, decoded, noise, seed, sparrow):
    """Writes one take of all training clips; runs in a process of its own."""
    torch.set_num_threads(1)
    samples, rng = np.load(decoded, mmap_mode="r"), np.random.default_rng(seed)
    order = rng.permutation(len(samples))
    result = np.empty((len(samples) + SILENCES["train"], FRAMES, BANDS), np.uint8)
    for first in range(0, len(order), 64 * GROUP):
        some = order[first : first + 64 * GROUP]
        takes = [
            augment.augment(samples[some[i : i + GROUP]], noise, rng)
            for i in range(0, len(some), GROUP)
        ]
        result[some] = command.features(sparrow, np.concatenate(takes))
    result[len(samples) :] = command.features(
        sparrow, augment.silence(noise, SILENCES["train"], rng)
    )
    np.save(path + ".part.npy", result)
    os.replace(path + ".part.npy", path)


@dataclass
class Takes:
    """train: one u8 tensor [clips, frames, bands] for each take; words: what is said in each of
    them."""

    train: list
    train_words: np.ndarray
    valid: torch.Tensor
    valid_words: np.ndarray


def decode(data, folder, split, progress):
    """Decodes a split once; returns the paths of samples and words."""
    samples, words = (os.path.join(folder, f"{split}.{kind}") for kind in ("npy", "json"))
    if not os.path.exists(words):
        read = clips.read_words(
            data, split, lambda done, of: progress(f"decoding {split}", done, of)
        )
        np.save(samples, read.samples)
        with open(words, "w", encoding="utf-8") as f:
            json.dump(read.words.tolist(), f)
    return samples, words


def read_words(path, silences):
    with open(path, encoding="utf-8") as f:
        return np.array(json.load(f) + ["silence"] * silences)


def valid_take(folder, samples, noise, sparrow):
    path = os.path.join(folder, "valid-features.npy")
    if not os.path.exists(path):
        quiet = augment.silence(noise, SILENCES["valid"], np.random.default_rng(0))
        np.save(path, command.features(sparrow, np.concatenate([np.load(samples), quiet])))
    return torch.from_numpy(np.load(path))


def load(data, folder, count, sparrow, workers, progress):
    """Takes from the cache folder; what is missing is made first, which needs the data and the
    `sparrow` command."""
    os.makedirs(folder, exist_ok=True)
    samples, words = decode(data, folder, "train", progress)
    valid_samples, valid_words = decode(data, folder, "valid", progress)
    noise = clips.read_noise(data, "train")
    paths = [os.path.join(folder, f"take-{i:03}.npy") for i in range(count)]
    missing = [(i, path) for i, path in enumerate(paths) if not os.path.exists(path)]
    with ProcessPoolExecutor(workers) as pool:
        jobs = [
            pool.submit(one_take, path, samples, split_noise(noise, "train"), i, sparrow)
            for i, path in missing
        ]
        for done, job in enumerate(jobs):
            job.result()
            progress("making takes", done + 1, len(jobs))
    return Takes(
        [torch.from_numpy(np.load(path)) for path in paths],
        read_words(words, SILENCES["train"]),
        valid_take(folder, valid_samples, split_noise(noise, "valid"), sparrow),
        read_words(valid_words, SILENCES["valid"]),
    )
