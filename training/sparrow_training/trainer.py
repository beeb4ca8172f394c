"""Training from the first step to whole numbers, in epochs after each of which it can be killed
and resumed.

Stages: `float` (winners and windows of weights get fewer on the way) and `integer` (quantise.py,
from the average of the first). A checkpoint holds all that the next epoch depends on, random
numbers included.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pickle
import time
from dataclasses import asdict, dataclass, field, replace

import numpy as np
import torch

from . import bcresnet, judge, masks, network, published, published_prune, prune, quantise
from . import recipe, sampling, vocabulary, winners

PRUNE_EVERY = 96  # steps
# winners of each 8 channels until this part of the training is done
ANNEALING = [(0.08, 8), (0.12, 6), (0.18, 4), (0.24, 3), (0.34, 2)]


COMMANDS = network.Shape((96, 128, 128, 256), (2, 1, 2), (9, 9, 5), stem_taps=3, stem_stride=2)
TEACHER = network.Shape((96, 96, 96, 192))
# A rival: like TC-ResNet8 (Choi et al., Temporal Convolution for Real-time Keyword Spotting on
# Mobile Devices, 2019, arXiv:1904.03814). Kept of the paper: a stem of 3 taps, three residual
# blocks of two 9-tap convolutions at stride 2 with a 1-tap skip, 16, 24, 32 and 48 channels, the
# mean over time. Not kept: 32 mel bands in place of 40 cepstral coefficients, 32 frames in place
# of 98, no ReLU on the skip before the sum, 8 bit; recipe and augmentation are ours.
TCRESNET8 = network.Shape((16, 24, 32, 48), (2, 2, 2), (9, 9, 9), stem_taps=3)
PUBLISHED_LOOKUPS = 5376  # windows of published.py: 50 at 100 positions, 376 at one


@dataclass
class Settings:
    """What is trained and how long. A checkpoint remembers it."""

    net: str  # one of NETS
    shape: dict = field(default_factory=lambda: asdict(network.Shape()))
    winners: int = 2  # of each 8 channels in the end; 8: all
    lookups: int = 0  # budget of prune.py for the weights that stay; 0: all stay
    epochs: int = 110
    integer_epochs: int = 0
    steps: int = 192  # batches in an epoch
    batch: int = 100
    peak: float = 0.1  # learning rate
    integer_peak: float = 0.004
    decay: float = 5e-4
    maximum: int = 127  # of activations
    competition: str = "block"  # between channels: one of winners.KINDS
    boost: float = 0.0  # of channels that win rarely, at the beginning
    masks: str = "learned"  # one of masks.KINDS, if there is a budget of lookups
    precision: str = "float32"  # or bfloat16, of the products of the float stage
    warp: bool = True  # clips of other vocal tracts and paces
    blur: bool = True  # steady noise under most of them
    started: bool = False  # from a trained network: its masks and winners stay
    seed: int = 1
    keywords: tuple = vocabulary.COMMANDS

    @property
    def vocabulary(self):
        return vocabulary.Vocabulary(tuple(self.keywords))


# What training/train knows, and what each is.
NETS = {
    "commands": "sparse-sparse, what ships",
    "commands-dense": "its dense twin",
    "commands-sparse-dense": "its weights pruned alike, every positive value alive",
    "digits": "as commands, for zero to nine",
    "relu": "a dense teacher",
    "published": "the published shape",
    "published-dense": "its dense twin",
    "published-sparse-dense": "its weights pruned alike, every positive value alive",
    "tcresnet8": "a dense rival",
    "bcresnet1": "another, in floating point",
}
RIVAL = {"winners": network.BLOCK, "epochs": 50, "integer_epochs": 4}  # and twin
DENSE_IMAGE = {"winners": network.BLOCK, "epochs": 32}


def preset(name):
    """The settings of one of NETS: for what ships, those that it was trained with."""
    sparse = {"shape": asdict(COMMANDS), "lookups": 4600}
    image = {"steps": 96, "precision": "bfloat16"}
    sparse_image = {**image, "lookups": PUBLISHED_LOOKUPS, "peak": 0.05}
    return {
        "commands": Settings("commands", **sparse, epochs=140, integer_epochs=12),
        "commands-dense": Settings("commands-dense", asdict(COMMANDS), **RIVAL),
        "commands-sparse-dense": Settings("commands-sparse-dense", **sparse, **RIVAL),
        "digits": Settings(
            "digits", **sparse, epochs=50, integer_epochs=4, keywords=vocabulary.DIGITS
        ),
        "relu": Settings("relu", asdict(TEACHER), winners=network.BLOCK, epochs=42),
        "published": Settings("published", winners=1, epochs=56, **sparse_image),
        "published-dense": Settings("published-dense", **DENSE_IMAGE, **image),
        "published-sparse-dense": Settings("published-sparse-dense", **DENSE_IMAGE, **sparse_image),
        "tcresnet8": Settings("tcresnet8", asdict(TCRESNET8), **RIVAL),
        "bcresnet1": Settings("bcresnet1", winners=network.BLOCK, epochs=50, decay=1e-3),
    }[name]


def is_image(settings):
    """Whether it is one of published.py."""
    return settings.net.startswith("published")


def is_temporal(settings):
    """Whether it is one of network.py, which alone have a shape and an integer stage."""
    return not is_image(settings) and settings.net != "bcresnet1"


def build(settings):
    if is_image(settings):
        return published.Published(len(settings.vocabulary.labels))
    if settings.net == "bcresnet1":
        return bcresnet.BCResNet(len(settings.vocabulary.labels))
    net = network.Temporal(network.Shape(**settings.shape), len(settings.vocabulary.labels))
    if settings.competition != "block" or settings.boost:
        winners.install(net, settings.competition)
    return net


def winners_left(part, settings):
    if settings.started:
        return settings.winners
    return max(settings.winners, next((left for until, left in ANNEALING if part < until), 1))


class Trainer:
    """One network in training. teachers: networks whose mean scores are imitated; may be none."""

    def __init__(self, settings, takes, teachers=(), device="cpu"):
        self.settings, self.takes, self.device = settings, takes, device
        # The teachers hear every take once, whole; the student has to manage with what
        # sampling.hide() leaves of it.
        self.taught, self.teachers = None, len(teachers)
        if teachers:
            self.taught = [judge.mean_scores(teachers, take) for take in takes.train]
        torch.manual_seed(settings.seed)
        self.rng = np.random.default_rng(settings.seed)
        self.hiding = torch.Generator().manual_seed(settings.seed)
        weights, kinds = sampling.weights(takes.train_words, settings.vocabulary)
        self.chances, self.kinds = np.cumsum(weights / weights.sum()), torch.from_numpy(kinds)
        self.net = build(settings).to(device)
        self.stage, self.epoch, self.log, self.note = "float", 0, [], ""
        self.begin()

    def start(self, trained):
        """Goes on from a trained network of the same shape, with a fresh optimiser and rate. One
        that has all its weights is yet to be pruned."""
        started = bool(trained.settings.lookups) or not self.settings.lookups
        self.settings = replace(self.settings, started=started)
        if isinstance(trained.net, quantise.Quantised):
            features = self.takes.train[0][::40].float()
            quantise.restore(trained.net, self.net, features)
        else:
            winners.load(self.net, trained.net.state_dict())
        self.note = f"Begun from a network of {len(trained.log)} epochs."
        self.begin()

    def begin(self):
        """A fresh optimiser and average for the stage."""
        self.optimiser = recipe.optimiser(
            self.net, self.settings.decay if self.stage == "float" else 0.0
        )
        self.average = recipe.Average(self.net)

    def batch(self):
        size = self.settings.batch
        clips = np.searchsorted(self.chances, self.rng.random(size)).clip(0, len(self.chances) - 1)
        takes = self.rng.integers(len(self.takes.train), size=size)
        features = torch.stack([self.takes.train[t][c] for t, c in zip(takes, clips)]).float()
        taught = None
        if self.taught is not None:
            taught = torch.stack([self.taught[t][c] for t, c in zip(takes, clips)]).to(self.device)
        if self.settings.warp:
            features = sampling.warp(features, self.hiding)
        if self.settings.blur:
            features = sampling.blur(features, self.hiding)
        hidden = sampling.hide(features, self.hiding).to(self.device)
        return hidden, self.kinds[clips].to(self.device), taught

    def length(self):
        return self.settings.epochs if self.stage == "float" else self.settings.integer_epochs

    def step(self, part, number):
        settings = self.settings
        features, labels, taught = self.batch()
        if self.stage == "float":
            winners.set_boost(self.net, settings.boost, part)
            if settings.lookups and not settings.started and number % PRUNE_EVERY == 0:
                self.prune(part, features, labels, number)
        peak = settings.peak if self.stage == "float" else settings.integer_peak
        for group in self.optimiser.param_groups:
            group["lr"] = recipe.rate(part, peak)
        coarse = self.stage == "float" and settings.precision == "bfloat16"
        with torch.autocast(self.device, dtype=torch.bfloat16, enabled=coarse):
            scores = self.net(features)
        loss = recipe.loss(scores.float(), labels, taught)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        if self.stage == "integer":
            self.net.settle()
        self.average.update(self.net, number)
        return loss.item()

    def prune(self, part, features, labels, number):
        if is_image(self.settings):
            published_prune.prune(self.net, features, part)
        elif self.settings.masks == "learned":
            prune.prune(self.net, features, part, self.settings.lookups)
        elif number == 0:
            masks.scatter(self.net, self.settings.lookups, self.settings.seed)
        elif self.settings.masks == "dynamic":

            def loss():
                return recipe.loss(self.net(features), labels)

            masks.move(self.net, features, loss, part, self.optimiser)
        self.share_masks()

    def share_masks(self):
        """The average has the masks of the network."""
        own = {k: v for k, v in self.net.state_dict().items() if k.endswith("mask")}
        self.average.net.load_state_dict({**self.average.net.state_dict(), **own})

    def run_epoch(self, progress):
        """Trains for one epoch; appends to the log what came out."""
        began, total, steps = time.time(), 0.0, self.settings.steps
        if self.stage == "float":
            left = winners_left(self.epoch / self.length(), self.settings)
            self.net.set_winners(left)
            self.average.net.set_winners(left)
        self.net.train()
        for i in range(steps):
            number = self.epoch * steps + i
            total += self.step(number / (self.length() * steps), number)
            progress(self.stage, self.epoch, self.length(), i + 1, steps)
        self.epoch += 1
        answers = judge.scores(self.average.net, self.takes.valid).argmax(1).cpu().numpy()
        verdict = judge.judge(answers, self.takes.valid_words, self.settings.vocabulary)
        self.log.append(
            {
                "stage": self.stage,
                "epoch": self.epoch,
                "loss": total / steps,
                "seconds": time.time() - began,
                **asdict(verdict),
            }
        )
        return self.log[-1], verdict

    def next_stage(self):
        """True if another epoch is to be run; goes over to whole numbers when the first stage is
        through."""
        if self.stage == "float" and self.epoch >= self.length() and self.settings.integer_epochs:
            self.quantise()
        return self.epoch < self.length()

    def quantise(self):
        self.average.net.set_winners(self.settings.winners)  # a checkpoint does not tell
        features = self.takes.train[0][::40].float()
        self.net = quantise.Quantised(
            self.average.net, features.to(self.device), self.settings.maximum
        )
        self.stage, self.epoch = "integer", 0
        self.begin()

    def save(self, path):
        state = {
            "settings": asdict(self.settings),
            "stage": self.stage,
            "epoch": self.epoch,
            "log": self.log,
            "taught": self.teachers,
            "note": self.note,
            "origin": self.takes.origin,
            "net": self.net.state_dict(),
            "average": self.average.net.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "rng": self.rng.bit_generator.state,
            "hiding": self.hiding.get_state(),
            "torch": torch.get_rng_state(),
        }
        torch.save(state, path + ".part")
        os.replace(path + ".part", path)

    def resume(self, path):
        state = read(path, self.device)
        if state["stage"] == "integer":
            self.net = empty_quantised(self.settings)
            self.stage = "integer"
            self.begin()
        for name in ("net", "optimiser"):
            getattr(self, name).load_state_dict(state[name])
        self.average.net.load_state_dict(state["average"])
        self.epoch, self.log, self.note = state["epoch"], state["log"], state["note"]
        self.rng.bit_generator.state = state["rng"]
        self.hiding.set_state(state["hiding"].cpu())
        torch.set_rng_state(state["torch"].cpu())


def empty_quantised(settings):
    """A Quantised network of the right shape, whose numbers come from a checkpoint."""
    net = build(settings)
    net.set_winners(settings.winners)
    return quantise.Quantised(net, torch.full((2, 32, network.BANDS), 60.0), settings.maximum)


@dataclass
class Trained:
    """What a checkpoint holds: the averaged network, ready to use, and how it came about."""

    net: torch.nn.Module
    settings: Settings
    log: list
    taught: int  # by so many teachers
    note: str  # what else is to be said about the run
    origin: dict  # of the clips: Takes.origin

    @property
    def held_out(self):
        """Words that it was trained without."""
        return tuple(self.origin.get("options", {}).get("hold_out", ()))


def read(path, device="cpu"):
    """A checkpoint as it is in its file. OSError, or ValueError if it is none."""
    try:
        state = torch.load(path, map_location=device)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ValueError(f"{path} is not a checkpoint of training/train: {error}") from error
    if not isinstance(state, dict) or "settings" not in state:
        raise ValueError(f"{path} is not a checkpoint of training/train")
    return state


def load(path):
    """A network from its checkpoint. OSError, or ValueError if it is none."""
    state = read(path)
    settings = Settings(**state["settings"])
    if state["stage"] == "integer":
        net = empty_quantised(settings)
    else:
        net = build(settings)
        net.set_winners(winners_left(state["epoch"] / settings.epochs, settings))
    net.load_state_dict(state["average"])
    told = (state[name] for name in ("log", "taught", "note"))
    return Trained(net.eval(), settings, *told, state.get("origin", {}))
