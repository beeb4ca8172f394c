"""A trained network as a model file: layers, calibrated scores, card.

SPDX-License-Identifier: Apache-2.0
"""
import os
import sys
from dataclasses import dataclass

import numpy as np
import torch

from . import card, exporting, exporting_published, judge, modelfile, published
from . import quantise, reference, takes


@dataclass
class Kept:
    """What training keeps in its cache folder: validation clips (features u8 and words), and some
    training clips."""

    features: np.ndarray
    words: np.ndarray
    examples: np.ndarray


def kept(cache):
    features = np.load(os.path.join(cache, "valid-features.npy"))
    words = takes.read_words(os.path.join(cache, "valid.json"), takes.SILENCES["valid"])
    some = sorted(name for name in os.listdir(cache) if name.startswith("take-000"))
    if not some:
        raise ValueError(f"no take of the training clips in {cache}")
    examples = np.load(os.path.join(cache, some[0]), mmap_mode="r")[::40]
    return Kept(features, words, np.array(examples))


def add_layers(model, net, settings, examples):
    examples = torch.from_numpy(examples).float()
    if isinstance(net, published.Published):
        exporting_published.published(model, net, examples)
        return
    if not isinstance(net, quantise.Quantised):
        print(
            "the checkpoint is not through its integer stage: quantising it as it is",
            file=sys.stderr,
        )
        net = quantise.Quantised(net, examples, settings.maximum)
    exporting.temporal(model, net)


def model_file(trained, clips, name=None, version="1.0.0"):
    """(model, verdict on the validation clips); trained: what trainer.load() gives, clips: Kept."""
    settings = trained.settings
    model, vocabulary = modelfile.messages().Model(), settings.vocabulary
    exporting.describe(model, name or settings.net, version, vocabulary)
    add_layers(model, trained.net, settings, clips.examples)
    scores = reference.scores(model, clips.features)
    model.score_scale *= judge.calibration(scores * model.score_scale, clips.words, vocabulary)
    card.fill(model.card, trained)
    verdict = judge.judge(scores.argmax(1), clips.words, vocabulary)
    note = f"measured: {len(clips.words)} clips, the classes weighed alike"
    card.set_figure(model.card, "validation accuracy", verdict.overall, "fraction", note)
    return model, verdict
