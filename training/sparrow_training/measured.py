"""What training/evaluate found out about one network: its answers to the test clips and to words
held out of training, and what it costs.

A model file is asked by the integer reference; a checkpoint of training/train in floating point,
by PyTorch: for networks that the engine does not run, and to see what whole numbers cost.

SPDX-License-Identifier: Apache-2.0
"""
import re
from dataclasses import asdict

import numpy as np

from . import command, corpus, figures, modelfile, noisetest, paired, reference, testset
from . import vocabulary

CHECKPOINT = ".pt"


class File:
    """A model file, answering by the reference."""

    def __init__(self, path, sparrow):
        self.path, self.sparrow, self.model = path, sparrow, modelfile.read(path)
        self.words, self.name = vocabulary.of(self.model), self.model.name
        self.version, self.numbers = self.model.version, "8 bit"
        self.held_out = tuple(self.model.card.held_out)
        self.recipe = self.model.card.recipe

    @property
    def seed(self):
        told = re.search(r"Seed (\d+)\.", self.recipe)
        return int(told.group(1)) if told else None

    def look(self, samples):
        shape = self.model.front_end.frames, self.model.front_end.bands
        return command.features(self.sparrow, samples, self.path, *shape)

    def scores(self, features):
        return reference.scores(self.model, features)

    def cost(self, features):
        return figures.cost(self.model, features)


class Checkpoint:
    """What training/train wrote, in floating point; one in integers answers as its file would."""

    def __init__(self, path, sparrow):
        import torch  # not wanted for model files

        from . import card, judge, trainer

        trained = trainer.load(path)
        self.path, self.sparrow, self.judge, self.torch = path, sparrow, judge, torch
        self.net, self.seed = trained.net, trained.settings.seed
        self.words, self.version = trained.settings.vocabulary, None
        whole = bool(trained.log) and trained.log[-1]["stage"] == "integer"
        self.numbers = "8 bit, PyTorch" if whole else "fp32, PyTorch"
        self.name = trained.settings.net
        if self.name != "bcresnet1":
            self.name += "-pytorch" if whole else "-fp32"
        self.held_out, self.recipe = trained.held_out, card.recipe_of(trained)

    def look(self, samples):
        return command.features(self.sparrow, samples)

    def scores(self, features):
        return self.judge.scores(self.net, self.torch.from_numpy(np.array(features))).numpy()

    def cost(self, _):
        return figures.cost_of_net(self.net)


class AskedCheckpoint(Checkpoint):
    """As noisetest.Asked; its front end is that of all our model files."""

    def __init__(self, path, sparrow):
        super().__init__(path, sparrow)
        self.digest, self.features = modelfile.digest(path), self.look

    def front_end(self):
        from . import exporting

        model = modelfile.messages().Model()
        exporting.describe(model, self.name, "", self.words)
        return model.front_end.SerializeToString(deterministic=True)


def ask(path, sparrow, cpu=None):
    """What training/noise asks."""
    if path.endswith(CHECKPOINT):
        return AskedCheckpoint(path, sparrow)
    return noisetest.Asked(path, sparrow, cpu)


class Measured:
    """A network's answers. ValueError if words are said to have been held out and the network
    does not say so itself."""

    def __init__(self, path, sparrow, test_list, options):
        self.network = (Checkpoint if path.endswith(CHECKPOINT) else File)(path, sparrow)
        self.words = self.network.words
        wrong = [w for w in options["hold_out"] if w not in self.network.held_out]
        if wrong:
            told = ", ".join(self.network.held_out) or "no word"
            raise ValueError(
                f"{path} was not trained with {', '.join(wrong)} held out; it names {told}"
            )
        self.test = testset.find(self.words, test_list, options)
        self.kinds = self.words.kinds(self.test.words)
        self.features = self.network.look(self.test.samples)
        self.scores = self.network.scores(self.features)
        self.answers = self.scores.argmax(1)
        self.cost = self.network.cost(self.features[::8])
        self.strange = self.open_set(options) if options["hold_out"] else []

    def open_set(self, options):
        """(word, times taken for a keyword, clips) of each word held out."""
        clips = testset.held_out(self.words, options)
        answers = self.network.scores(self.network.look(clips.samples)).argmax(1)
        return list(figures.fires(answers, clips.words, self.words))

    def shares(self):
        return figures.shares(self.answers, self.kinds, self.words)

    def heard_unknown(self):
        """(times, clips): other words of the test clips that were taken for a keyword."""
        chosen = self.kinds == self.words.unknown
        return int((self.answers[chosen] < self.words.silence).sum()), int(chosen.sum())

    def told(self):
        """What training/results reads, without times."""
        right, network = self.answers == self.kinds, self.network
        return {
            "model": network.name,
            "version": network.version,
            "sha256": modelfile.digest(network.path),
            "numbers": network.numbers,
            "seed": network.seed,
            "recipe": network.recipe,
            "labels": list(self.words.labels),
            "test": self.test.name,
            "clips": len(right),
            "accuracy": float(right.mean()),
            "shares": {name: [share, count] for name, share, count, _ in self.shares()},
            "right": paired.pack(right),
            **asdict(self.cost),
            "open_set": [list(row) for row in self.strange],
        }


def measure(args):
    """args: the command line of training/evaluate."""
    return Measured(args.model, args.sparrow, args.list, corpus.options(args))
