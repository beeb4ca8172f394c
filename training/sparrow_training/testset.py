"""The clips that a model is measured on.

For the ten commands on the project's data: the test list. Otherwise the test clips of the corpus,
followed by pieces of background noise as silence.

SPDX-License-Identifier: Apache-2.0
"""
from dataclasses import dataclass

import numpy as np

from . import augment, corpus, testlist
from .clips import Clips
from .vocabulary import COMMANDS

FEWEST = 20  # pieces of silence


@dataclass
class TestSet:
    samples: np.ndarray  # s16 [n, RATE]
    words: np.ndarray  # what is said in each
    recordings: dict  # background noise that no training heard, s16 by name
    name: str


def listed(data, path):
    rows = testlist.read(path)
    words, recordings = np.array([r["label"] for r in rows]), corpus.Project(data).noise("test")
    return TestSet(testlist.samples(rows, data), words, recordings, "eval.tsv")


def of_corpus(found):
    """As many pieces of silence as a keyword has clips."""
    clips, recordings = corpus.read(found, "test"), found.noise("test")
    known = np.isin(clips.words, found.keywords)
    if not known.any():
        raise ValueError("no test clips of any keyword")
    count = max(FEWEST, int(known.sum()) // len(found.keywords))
    silence = augment.silence(recordings, count, np.random.default_rng(0))
    words = np.concatenate([clips.words, ["silence"] * count])
    return TestSet(np.concatenate([clips.samples, silence]), words, recordings, "its test clips")


def of_test(vocabulary):
    """What corpus.find() is told instead of the command line's: no synthetic voice is in a test."""
    return {"keywords": vocabulary.keywords, "fill": 0, "training": False}


def of_words(found, split, words):
    """The clips of some words; of archives, no other is decoded."""
    if isinstance(found, corpus.Project):
        yield from found.chosen([row for row in found.rows(split) if row["word"] in words])
        return
    for word, samples in found.clips(split):
        if word in words:
            yield word, samples


def held_out(vocabulary, options):
    """All clips of the words held out, those of the training speakers too: no training heard
    them."""
    told = {**options, **of_test(vocabulary), "hold_out": ()}
    found, words = corpus.find(**told), set(options["hold_out"])
    clips = [
        (word, samples)
        for split in ("train", "valid", "test")
        for word, samples in of_words(found, split, words)
    ]
    missing = words - {word for word, _ in clips}
    if missing:
        raise ValueError(f"there are no clips of {', '.join(sorted(missing))}")
    return Clips(np.array([s for _, s in clips]), np.array([w for w, _ in clips]))


def find(vocabulary, path, options):
    """path: of the test list; options: those of corpus.find(), of which the vocabulary replaces
    the keywords."""
    data = options["data"] or corpus.DEFAULT
    if corpus.is_project(data) and vocabulary.keywords == COMMANDS:
        return listed(data, path)
    told = {**options, **of_test(vocabulary)}
    return of_corpus(corpus.find(**told))
