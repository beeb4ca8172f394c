"""Features of the clips as the network gets them: computed by the `sparrow` command, kept in a
cache folder.

A take is one augmented pass over all training clips followed by pieces of silence; training draws
each clip from a random take. Validation clips are taken once, as they are.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

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


def noise_for(noise, part):
    """The beginning of each recording for training, the end for validation; if those are too
    short, all of it."""
    cut = clips.cut_in_time(noise, 1 - HELD_OUT, part)
    return {name: s for name, s in cut.items() if len(s) >= clips.RATE} or noise


@dataclass(frozen=True)
class Manner:
    """How often a group of training clips gets a room or another pitch: 0 never, 1 always."""

    rooms: float = 0.0
    pitches: float = 0.0


def one_take(path, decoded, noise, seed, sparrow, manner=Manner()):
    """Writes one take of all training clips; runs in a process of its own."""
    torch.set_num_threads(1)
    samples, rng = np.load(decoded, mmap_mode="r"), np.random.default_rng(seed)
    order = rng.permutation(len(samples))
    result = np.empty((len(samples) + SILENCES["train"], FRAMES, BANDS), np.uint8)
    for first in range(0, len(order), 64 * GROUP):
        some = order[first : first + 64 * GROUP]
        takes = [
            augment.augment(samples[some[i : i + GROUP]], noise, rng, manner)
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
    origin: dict = field(default_factory=dict)  # where they come from: for the checkpoint


def decode(corpus, folder, split, progress):
    """Decodes a split once; returns the paths of samples and words."""
    samples, words = (os.path.join(folder, f"{split}.{kind}") for kind in ("npy", "json"))
    if os.path.exists(words):
        return samples, words
    most, said = corpus.count(split), []
    space = np.lib.format.open_memmap(
        samples + ".part", "w+", np.int16, (max(most, 1), clips.RATE)
    )
    for word, clip in corpus.clips(split):
        space[len(said)] = clip
        said.append(word)
        progress(f"decoding {split}", len(said), most)
    space.flush()
    if len(said) < len(space):
        np.save(samples, space[: len(said)])
        os.remove(samples + ".part")
    else:
        os.replace(samples + ".part", samples)
    with open(words, "w", encoding="utf-8") as f:
        json.dump(said, f)
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


def take_name(manner, number):
    if manner == Manner():
        return f"take-{number:03}.npy"
    return f"take-{number:03}-rooms-{manner.rooms:g}-pitches-{manner.pitches:g}.npy"


def load(corpus, folder, count, sparrow, workers, progress, manner=Manner()):
    """Takes from the cache folder; what is missing is made first, which needs the corpus and the
    `sparrow` command (ValueError without it)."""
    paths = [os.path.join(folder, take_name(manner, i)) for i in range(count)]
    missing = [(i, path) for i, path in enumerate(paths) if not os.path.exists(path)]
    if missing:
        command.find(sparrow)  # before what takes minutes
    os.makedirs(folder, exist_ok=True)
    samples, words = decode(corpus, folder, "train", progress)
    valid_samples, valid_words = decode(corpus, folder, "valid", progress)
    noise = corpus.noise("train")
    heard, kept = (noise_for(noise, part) for part in ("train", "valid"))
    # Ctrl-C is the caller's: the takes that are being made are finished, the others are not begun.
    deaf = (signal.SIGINT, signal.SIG_IGN)
    with ProcessPoolExecutor(workers, initializer=signal.signal, initargs=deaf) as pool:
        jobs = [
            pool.submit(one_take, path, samples, heard, i, sparrow, manner)
            for i, path in missing
        ]
        try:
            for done, job in enumerate(jobs):
                job.result()
                progress("making takes", done + 1, len(jobs))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return Takes(
        [torch.from_numpy(np.load(path)) for path in paths],
        read_words(words, SILENCES["train"]),
        valid_take(folder, valid_samples, kept, sparrow),
        read_words(valid_words, SILENCES["valid"]),
        {"cache": folder, "trained_on": corpus.trained_on, "licence": corpus.licence},
    )
