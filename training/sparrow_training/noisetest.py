"""Right answers under noise, by the integers of the C library.

A result is a dictionary that JSON can hold; which clips were right stands in it packed, so that
models measured at different times compare clip by clip.

SPDX-License-Identifier: Apache-2.0
"""
import numpy as np

from . import command, modelfile, noises, paired, vocabulary


class Asked:
    """A model file that answers, by the C library."""

    def __init__(self, path, sparrow, cpu=None):
        self.path, self.sparrow, self.cpu = path, sparrow, cpu
        self.model = modelfile.read(path)
        self.digest = modelfile.digest(path)
        self.words = vocabulary.of(self.model)

    def front_end(self):
        return self.model.front_end.SerializeToString(deterministic=True)

    def features(self, samples):
        shape = self.model.front_end.frames, self.model.front_end.bands
        return command.features(self.sparrow, samples, self.path, *shape)

    def scores(self, features):
        return command.scores(self.sparrow, self.path, features, self.cpu)


def conditions(samples, spoken, recordings, seed):
    """(kind, place on its axis, clips, which of all clips those are): the eleven levels over all
    clips, then each kind of noise at each ratio over the clips in which someone speaks."""
    for level in noises.LEVELS:
        yield "uniform", level, noises.uniform(samples, level, seed), slice(None)
    for name, kind in noises.kinds(recordings).items():
        for db in noises.RATIOS_DB:
            yield name, db, noises.at_ratio(samples[spoken], kind, db, seed), spoken


def curve(points):
    """points: (place on the axis, which clips were right) in turn."""
    places, rights = zip(*points)
    return {
        "at": list(places),
        "accuracy": [float(r.mean()) for r in rights],
        "right": [paired.pack(r) for r in rights],
    }


def result(points, spoken, seed):
    """points: those of curve(), by kind of noise."""
    eleven = curve(points["uniform"])
    score, most = (sum(f(r) for _, r in points["uniform"]) for f in (np.count_nonzero, len))
    return {
        "clips": len(spoken),
        "spoken": int(spoken.sum()),
        "seed": seed,
        "score": score,
        "most": most,
        "share": score / most,
        "eleven": eleven,
        "ratios_db": {kind: curve(p) for kind, p in points.items() if kind != "uniform"},
    }


def measure(models, words, samples, recordings, seed, progress):
    """The result of each model; models: what measured.ask() gives, by name; words and samples: the
    clips."""
    kinds = {name: asked.words.kinds(words) for name, asked in models.items()}
    front_ends = {name: asked.front_end() for name, asked in models.items()}
    spoken = np.array(words) != "silence"
    points = {name: {} for name in models}
    steps = len(noises.LEVELS) + len(noises.kinds(recordings)) * len(noises.RATIOS_DB)
    for done, (kind, at, clips, chosen) in enumerate(conditions(samples, spoken, recordings, seed)):
        features = {}
        for name, asked in models.items():
            front_end = front_ends[name]
            if front_end not in features:
                features[front_end] = asked.features(clips)
            right = asked.scores(features[front_end]).argmax(1) == kinds[name][chosen]
            points[name].setdefault(kind, []).append((at, right))
        progress(done + 1, steps)
    return {
        name: {"sha256": models[name].digest, **result(p, spoken, seed)}
        for name, p in points.items()
    }


def rights(result):
    """Which clips were right at each of the eleven levels, [levels, clips]."""
    return np.array([paired.unpack(r, result["clips"]) for r in result["eleven"]["right"]])


def compare(first, second):
    """The first result minus the second: intervals of the score's share and of the clean clips,
    and McNemar's probability for the clean ones."""
    one, two = rights(first), rights(second)
    if one.shape != two.shape or first["seed"] != second["seed"]:
        raise ValueError("they were not asked the same clips")
    return {
        "share": paired.interval(one.mean(0), two.mean(0)),
        "clean": paired.interval(one[0], two[0]),
        "clean_probability": paired.mcnemar(one[0], two[0]),
    }
