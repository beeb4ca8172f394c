"""What is asked of a run, looked at before hours go by: settings that mean something for the
network, and networks to learn or begin from that fit it. ValueError says what does not.

SPDX-License-Identifier: Apache-2.0
"""
import math
from dataclasses import fields

from . import masks, network, trainer, vocabulary, winners

CHOICES = {
    "masks": masks.KINDS,
    "competition": winners.KINDS,
    "precision": ("float32", "bfloat16"),
}
LEAST = {"epochs": 0, "integer_epochs": 0, "steps": 1, "batch": 2, "lookups": 0}
MOST = {"winners": network.BLOCK, "maximum": 127}
# what only a temporal network has
TEMPORAL = ("integer_epochs", "shape", "competition", "boost", "masks", "maximum")


def settings(asked):
    """asked: Settings."""
    vocabulary.Vocabulary(tuple(asked.keywords))
    for name, kinds in CHOICES.items():
        if getattr(asked, name) not in kinds:
            raise ValueError(f"{name} is one of {', '.join(kinds)}")
    for name, least in LEAST.items():
        if getattr(asked, name) < least:
            raise ValueError(f"{name} is {least} or more")
    for name, most in MOST.items():
        if not 1 <= getattr(asked, name) <= most:
            raise ValueError(f"{name} is from 1 to {most}")
    if asked.epochs + asked.integer_epochs == 0:
        raise ValueError("there is no epoch to train")
    if trainer.is_temporal(asked):
        shape(asked)
    else:
        fixed(asked)


def fixed(asked):
    """A network of one shape has some settings for good."""
    usual, names = trainer.preset(asked.net), TEMPORAL
    if asked.net == "bcresnet1":
        names += ("winners", "lookups")
    elif asked.lookups not in (0, trainer.PUBLISHED_LOOKUPS):
        raise ValueError(f"{asked.net} has lookups={trainer.PUBLISHED_LOOKUPS}, or 0: dense")
    for name in names:
        if getattr(asked, name) != getattr(usual, name):
            raise ValueError(f"{asked.net} has no other {name} than {getattr(usual, name)}")


def shape(asked):
    known = [field.name for field in fields(network.Shape)]
    wrong = set(asked.shape) - set(known)
    if wrong:
        raise ValueError(f"shape knows no {min(wrong)}; it knows {', '.join(known)}")
    told = network.Shape(**asked.shape)
    blocks = len(told.widths) - 1
    if blocks < 1 or len(told.strides) != blocks or len(told.taps) != blocks:
        raise ValueError("shape: a stride and taps for each width but the first, the stem's")
    if network.FRAMES % (told.stem_stride * math.prod(told.strides)):
        raise ValueError(f"shape: the strides together divide {network.FRAMES} frames")
    if any(taps % 2 == 0 for taps in (*told.taps, told.stem_taps)):
        raise ValueError("shape: the number of taps is odd")
    if any(width % network.BLOCK for width in told.widths):
        raise ValueError(f"shape: widths are multiples of {network.BLOCK}")
    if asked.lookups and any(width % network.WINDOW for width in told.widths):
        raise ValueError(
            f"shape: widths under windows of weights are multiples of {network.WINDOW}"
        )
    if asked.lookups and len(told.shares) != 1 + 2 * blocks:
        raise ValueError("shape: a share for the stem and two for each block")


def teacher(asked, trained, path):
    """A network to learn from answers with the same words in the same order; trained: Trained."""
    if trained.settings.vocabulary != asked.vocabulary:
        raise ValueError(
            f"{path} knows other words than are asked for: {' '.join(trained.settings.keywords)}"
        )


def start(asked, trained, path):
    """A network to begin from has the same words and weights of the same sizes."""
    teacher(asked, trained, path)
    if sizes(asked) != sizes(trained.settings):
        raise ValueError(f"{path} is of another shape ({trained.settings.net})")


def sizes(asked):
    """What two networks share if one can go on from the other."""
    if not trainer.is_temporal(asked):
        return trainer.is_image(asked)
    told = network.Shape(**asked.shape)
    return told.stem_stride, *(tuple(s) for s in (told.widths, told.strides, told.taps))
