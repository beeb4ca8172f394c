"""How good answers are.

SPDX-License-Identifier: Apache-2.0
"""
import math
from dataclasses import dataclass

import numpy as np
import torch

from .clips import COMMANDS, LABELS, SILENCE, UNKNOWN


@dataclass
class Verdict:
    """Shares of right answers. overall weighs the twelve classes alike, and within unknown every
    word alike."""

    overall: float
    keywords: float
    unknown: float
    silence: float

    def __str__(self):
        return (
            f"{self.overall:.4f} (keywords {self.keywords:.4f}, unknown {self.unknown:.4f}, "
            f"silence {self.silence:.4f})"
        )


def kinds(words):
    place = {word: i for i, word in enumerate(LABELS)}
    return np.array([place.get(word, UNKNOWN) for word in words])


def judge(answers, words):
    right = answers == kinds(words)
    share = {word: right[words == word].mean() for word in np.unique(words)}
    keywords = np.mean([share[word] for word in COMMANDS])
    unknown = np.mean([s for word, s in share.items() if word not in LABELS or word == "unknown"])
    silence = share[LABELS[SILENCE]]
    return Verdict(
        (len(COMMANDS) * keywords + unknown + silence) / len(LABELS), keywords, unknown, silence
    )


@torch.no_grad()
def scores(net, features, batch=200):
    """features: u8 [n, frames, bands] -> floats [n, labels]"""
    net.eval()
    return torch.cat([net(features[i : i + batch].float()) for i in range(0, len(features), batch)])


def interval(right, count):
    """The 95 % interval of a share (Wilson)."""
    z, p = 1.96, right / count
    middle = (p + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return middle - half, middle + half


def calibration(logits, words):
    """The factor for logits at which their softmax is the least surprised by the words, each
    class weighed alike."""
    right = kinds(words)
    weight = 1 / np.bincount(right, minlength=len(LABELS))[right]

    def surprise(factor):
        scaled = logits * factor
        top = scaled.max(1)
        total = top + np.log(np.exp(scaled - top[:, None]).sum(1))
        return (weight * (total - scaled[np.arange(len(right)), right])).sum()

    return min(np.exp(np.linspace(np.log(0.2), np.log(5), 200)), key=surprise)
