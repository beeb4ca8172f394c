"""The answers that a network can give: its keywords, then `silence`, then `unknown`.

SPDX-License-Identifier: Apache-2.0
"""
from dataclasses import dataclass

import numpy as np

COMMANDS = tuple("yes no up down left right on off stop go".split())
DIGITS = tuple("zero one two three four five six seven eight nine".split())
KEYWORD, SILENCE, UNKNOWN = range(3)  # sorts of labels, as in proto/model.proto


@dataclass(frozen=True)
class Vocabulary:
    keywords: tuple = COMMANDS

    def __post_init__(self):
        if not self.keywords:
            raise ValueError("a vocabulary without keywords")
        taken = {"silence", "unknown"} & set(self.keywords)
        if taken:
            raise ValueError(f"a keyword cannot be called {taken.pop()}")
        if len(set(self.keywords)) < len(self.keywords):
            raise ValueError("a keyword stands twice in the vocabulary")

    @property
    def labels(self):
        return (*self.keywords, "silence", "unknown")

    @property
    def sorts(self):
        """One of KEYWORD, SILENCE, UNKNOWN for each label."""
        return (*[KEYWORD] * len(self.keywords), SILENCE, UNKNOWN)

    @property
    def silence(self):
        return len(self.keywords)

    @property
    def unknown(self):
        return len(self.keywords) + 1

    def kinds(self, words):
        """The place of the right answer to each word; a word without a label is unknown."""
        place = {word: i for i, word in enumerate(self.labels)}
        return np.array([place.get(word, self.unknown) for word in words], int)


def of(model):
    """The vocabulary of a model file."""
    found = Vocabulary(tuple(model.labels[:-2]))
    if tuple(model.labels) != found.labels or tuple(model.label_kinds) != found.sorts:
        raise ValueError(
            f"the labels of {model.name} are not keywords, then silence, then unknown: "
            + " ".join(model.labels)
        )
    return found
