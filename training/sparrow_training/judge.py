"""How good answers are.

SPDX-License-Identifier: Apache-2.0
"""
import math
from dataclasses import dataclass

import numpy as np
import torch


@dataclass
class Verdict:
    """Shares of right answers. overall weighs the classes alike, and within unknown every word
    alike; a class without a clip counts in no mean."""

    overall: float
    keywords: float
    unknown: float
    silence: float

    def __str__(self):
        told = [
            f"{name} {share:.4f}"
            for name in ("keywords", "unknown", "silence")
            if not math.isnan(share := getattr(self, name))
        ]
        return f"{self.overall:.4f} ({', '.join(told)})"


def mean(shares):
    """NaN if there are none."""
    return float(np.mean(shares)) if shares else math.nan


def judge(answers, words, vocabulary):
    right, known = answers == vocabulary.kinds(words), vocabulary.labels[:-1]
    share = {word: float(right[words == word].mean()) for word in np.unique(words)}
    keywords = [share[word] for word in vocabulary.keywords if word in share]
    unknown = mean([s for word, s in share.items() if word not in known])
    silence = share.get("silence", math.nan)
    classes = [*keywords, *(s for s in (unknown, silence) if not math.isnan(s))]
    return Verdict(mean(classes), mean(keywords), unknown, silence)


@torch.no_grad()
def scores(net, features, batch=200):
    """features: u8 [n, frames, bands] -> floats [n, labels]"""
    net.eval()
    return torch.cat([net(features[i : i + batch].float()) for i in range(0, len(features), batch)])


def mean_scores(nets, features):
    return sum(scores(net, features) for net in nets) / len(nets)


def interval(right, count):
    """The 95 % interval of a share (Wilson)."""
    z, p = 1.96, right / count
    middle = (p + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return max(0.0, middle - half), min(1.0, middle + half)


def calibration(logits, words, vocabulary):
    """The factor for logits at which their softmax is the least surprised by the words, each
    class weighed alike."""
    right = vocabulary.kinds(words)
    weight = 1 / np.bincount(right, minlength=len(vocabulary.labels))[right]

    def surprise(factor):
        scaled = logits * factor
        top = scaled.max(1)
        total = top + np.log(np.exp(scaled - top[:, None]).sum(1))
        return (weight * (total - scaled[np.arange(len(right)), right])).sum()

    return min(np.exp(np.linspace(np.log(0.2), np.log(5), 200)), key=surprise)
