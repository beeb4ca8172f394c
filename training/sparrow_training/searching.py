"""Successive halving over the settings of a network.

Many trials are trained briefly; of each rung the most promising third trains again, three times as
long. Trial and rung decide everything random, so that a search that was killed goes on where it
was: what is done stands in a file of JSON lines, what was being trained in a checkpoint.

SPDX-License-Identifier: Apache-2.0
"""
import dataclasses
import json
import os

import numpy as np

from . import assembly, command, figures, modelfile, pareto, trainer

ETA = 3
SPACE = {
    "peak": {"log": [0.03, 0.3]},
    "decay": {"log": [1e-4, 2e-3]},
    "lookups": {"log": [1500, 9000], "whole": True},
    "winners": {"one": [1, 2]},
    "shape": {
        "one": [
            {"widths": [64, 96, 96, 192]},
            {"widths": [96, 128, 128, 256]},
            {"widths": [128, 128, 128, 256]},
            {"widths": [96, 160, 160, 320]},
        ]
    },
}
COSTS = {
    "density": "stored weights over those of the dense twin",
    "nonzeros": "stored weights and biases",
    "products": "multiply-adds with an alive input, for a word (counted)",
    "microseconds": "for a word, by the fastest kernels of this machine (measured)",
}


def check_space(space):
    """ValueError if it does not say for settings what to draw."""
    if not isinstance(space, dict):
        raise ValueError("no settings by name")
    usual = dataclasses.asdict(trainer.preset("commands"))
    for name, how in space.items():
        if name not in usual or name in ("net", "keywords", "epochs", "integer_epochs"):
            raise ValueError(f"{name} is no setting to draw")
        ways = set(how) & {"one", "log", "between"} if isinstance(how, dict) else ()
        if len(ways) != 1:
            raise ValueError(f"{name} wants one of 'one', 'log' and 'between'")
        way = min(ways)
        if not isinstance(how[way], list) or not how[way]:
            raise ValueError(f"{name}: {way} wants a list")
        if way == "one":
            continue
        if len(how[way]) != 2 or not all(isinstance(v, (int, float)) for v in how[way]):
            raise ValueError(f"{name}: {way} wants two numbers, from and to")
        if how[way][0] > how[way][1] or (way == "log" and how[way][0] <= 0):
            raise ValueError(f"{name}: {way} wants rising numbers, for log above 0")
        if isinstance(usual[name], (bool, str, dict)):
            raise ValueError(f"{name} is no number: it wants 'one'")
        if isinstance(usual[name], int) and not how.get("whole"):
            raise ValueError(f"{name} wants 'whole': true")


def draw(space, seed, trial):
    """The settings of a trial, by name."""
    rng, result = np.random.default_rng([seed, trial]), {}
    for name, how in sorted(space.items()):
        if "one" in how:
            value = how["one"][rng.integers(len(how["one"]))]
        elif "log" in how:
            value = float(np.exp(rng.uniform(*np.log(how["log"]))))
        else:
            value = float(rng.uniform(*how["between"]))
        result[name] = round(value) if how.get("whole") else value
    return result


def rungs(trials, epochs):
    """(trials, epochs) of each rung; the last one has the full epochs."""
    counts = [trials]
    while counts[-1] >= ETA:
        counts.append(counts[-1] // ETA)
    last = len(counts) - 1
    return [(count, max(1, round(epochs / ETA ** (last - i)))) for i, count in enumerate(counts)]


def applied(base, drawn, epochs, integer_epochs):
    """base: Settings."""
    changes = {**drawn, "epochs": epochs, "integer_epochs": integer_epochs}
    if "shape" in changes:
        shape = {**base.shape, **changes["shape"]}
        changes["shape"] = {k: tuple(v) if isinstance(v, list) else v for k, v in shape.items()}
    return dataclasses.replace(base, **changes)


class Log:
    """The file of JSON lines: a head that says what is searched, then a line for each result. A
    line that a kill cut off is dropped."""

    def __init__(self, path, head):
        self.path, self.results = path, []
        head = json.loads(json.dumps(head))
        lines = self.read() if os.path.exists(path) else []
        if lines and lines[0] != head:
            changed = sorted(k for k in head if lines[0].get(k) != head[k])
            raise ValueError(f"{path} is another search: {', '.join(changed)} differ")
        self.results = lines[1:]
        with open(path + ".part", "w", encoding="utf-8") as f:
            f.writelines(json.dumps(line) + "\n" for line in [head, *self.results])
        os.replace(path + ".part", path)

    def read(self):
        lines = []
        with open(self.path, encoding="utf-8") as f:
            for text in f:
                try:
                    lines.append(json.loads(text))
                except ValueError:
                    break
        return lines

    def find(self, trial, rung):
        for result in self.results:
            if (result["trial"], result["rung"]) == (trial, rung):
                return result
        return None

    def add(self, result):
        self.results.append(result)
        with open(self.path, "a", encoding="utf-8") as f:
            f.write(json.dumps(result) + "\n")
            f.flush()
            os.fsync(f.fileno())


@dataclasses.dataclass
class Goal:
    least_accuracy: float
    cost: str  # one of COSTS
    most_cost: float

    def point(self, result):
        return result["accuracy"], result[self.cost]

    def reached(self, result):
        return pareto.lack(self.point(result), self.least_accuracy, self.most_cost) == 0


class Search:
    """material: Takes; kept: Kept of the same corpus; folder: for checkpoints and model files."""

    def __init__(self, base, material, kept, folder, log, sparrow, integer_epochs):
        self.base, self.material, self.kept, self.folder = base, material, kept, folder
        self.log, self.sparrow, self.integer_epochs = log, sparrow, integer_epochs

    def path(self, trial, rung, end):
        return os.path.join(self.folder, f"trial-{trial:03}-rung-{rung}.{end}")

    def train(self, trial, rung, settings, progress):
        """The path of a finished checkpoint; goes on with one that is there."""
        path = self.path(trial, rung, "pt")
        run = trainer.Trainer(settings, self.material)
        if os.path.exists(path):
            run.resume(path)
        while run.next_stage():
            run.run_epoch(progress)
            run.save(path)
        return path

    def measure(self, checkpoint, model_path, microseconds):
        trained = trainer.load(checkpoint)
        model, verdict = assembly.model_file(trained, self.kept, "trial")
        modelfile.write(model_path, model)
        cost = figures.cost(model, self.kept.features[::20])
        result = {
            "accuracy": verdict.overall,
            "density": cost.density,
            "nonzeros": cost.stored + cost.biases,
            "products": cost.products_alive,
        }
        if microseconds:
            result["microseconds"] = min(command.bench(self.sparrow, model_path, 0.3).values())
        return result

    def run(self, trial, rung, epochs, drawn, microseconds, progress):
        """The result of a trial on a rung: what the log has, or trained now."""
        result = self.log.find(trial, rung)
        if result is None:
            settings = applied(self.base, drawn, epochs, self.integer_epochs)
            checkpoint = self.train(trial, rung, settings, progress)
            measured = self.measure(checkpoint, self.path(trial, rung, "sparrow"), microseconds)
            result = {"trial": trial, "rung": rung, "epochs": epochs, **measured, "drawn": drawn}
            self.log.add(result)
        return result


def halving(search, space, seed, trials, epochs, goal, note, progress):
    """Runs the whole search. note(result): called with each one. Returns the results of the last
    rung."""
    alive, results = list(range(trials)), []
    stairs = rungs(trials, epochs)
    for rung, (count, length) in enumerate(stairs):
        if results:
            points = [goal.point(r) for r in results]
            order = pareto.ranking(points, goal.least_accuracy, goal.most_cost, patient=True)
            alive = sorted(results[i]["trial"] for i in order[:count])
        results = []
        for trial in alive:
            drawn = draw(space, seed, trial)
            microseconds = goal.cost == "microseconds"
            results.append(search.run(trial, rung, length, drawn, microseconds, progress))
            note(results[-1])
    return results
