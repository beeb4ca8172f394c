"""The page of results: several networks, several seeds each, in a table for each task.

It is made of what training/evaluate and training/noise wrote, and of notes that a person wrote. Any
program may write such files for a rival; of an evaluation only model, clips, accuracy and right are
needed, and what is missing is shown as a dash.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
from dataclasses import dataclass, field

import numpy as np

from . import noisetest, paired

NONE = "–"
DENSE = "-dense"
OURS = "commands"  # what rivals are compared with
# What others published, on other clips: (network, right in %, weights, multiply-adds, whose)
PUBLISHED = (
    (
        "dense, 5x5 convolutions and 1600 -> 1500",
        "97.05 ± 0.20 (ten digits, best epoch chosen on test)",
        "2,522,128",
        "13.9 M",
        "Numenta",
    ),
    (
        "sparse-sparse, the same shape",
        "97.03 ± 0.14 (likewise)",
        "127,696",
        "0.74 M",
        "Numenta",
    ),
    (
        "TC-ResNet8",
        "96.1 (12 classes, v0.01)",
        "66 k",
        "1.52 M",
        "Choi et al., arXiv:1904.03814",
    ),
    (
        "BC-ResNet-1",
        "96.6 (12 classes, v0.01), 96.9 (v0.02)",
        "9.2 k",
        "3.1 M",
        "Kim et al., arXiv:2106.04140",
    ),
)


@dataclass
class Network:
    """The runs of one network: evaluations, and noise results of those of the same digest."""

    name: str
    runs: list = field(default_factory=list)
    noises: list = field(default_factory=list)

    def values(self, *keys):
        """One number for each run that has it."""
        found = []
        for run in self.runs:
            for key in keys:
                run = run.get(key) if isinstance(run, dict) else None
            if run is not None:
                found.append(run)
        return found

    def fastest(self):
        return [min(us.values()) for us in self.values("microseconds") if us]

    def ways(self):
        """What was fastest, of each run."""
        return sorted({min(us, key=us.get) for us in self.values("microseconds") if us})

    def density(self):
        """Stored weights over those of the dense twin, of each run."""
        return [s / d for s, d in zip(self.values("stored"), self.values("dense"))]

    def task(self):
        """What it is asked: two networks of one task are measured on the same clips."""
        return task_of(self.runs[0])

    def fires(self):
        """Share of the clips of words held out that are taken for a keyword, for each run."""
        rows = [open_set for open_set in self.values("open_set") if open_set]
        return [sum(r[1] for r in some) / sum(r[2] for r in some) for some in rows]

    def right(self):
        """How often each clip was right, as a mean over the runs."""
        return np.mean([paired.unpack(r["right"], r["clips"]) for r in self.runs], 0)

    def right_in_noise(self):
        """The same over the eleven levels; None without noise results."""
        if not self.noises:
            return None
        return np.mean([noisetest.rights(noise).mean(0) for noise in self.noises], 0)

    def mean_noise(self):
        """One noise result whose curves are means over the runs."""
        first = self.noises[0]

        def mean(*keys):
            lines = []
            for noise in self.noises:
                for key in keys:
                    noise = noise[key]
                lines.append(noise["accuracy"])
            return np.mean(lines, 0).tolist()

        kinds = {
            kind: {"at": line["at"], "accuracy": mean("ratios_db", kind)}
            for kind, line in first["ratios_db"].items()
        }
        eleven = {"at": first["eleven"]["at"], "accuracy": mean("eleven")}
        share = float(np.mean([noise["share"] for noise in self.noises]))
        return {"share": share, "eleven": eleven, "ratios_db": kinds}


def task_of(run):
    """(test, clips, labels): test clips of other words are other clips, though the name of the test
    and their number may be the same."""
    return run.get("test", "the test list"), run["clips"], tuple(run.get("labels", ()))


def complete(runs):
    """Gives runs without labels those of the others of their test."""
    for run in runs:
        if "labels" not in run:
            same = (r["labels"] for r in runs if "labels" in r and r.get("test") == run.get("test"))
            run["labels"] = next(same, [])


def check(networks):
    """ValueError if runs that are put together, or networks of one test, know other clips."""
    counts = {}
    for network in networks.values():
        tasks_told = {task_of(run) for run in network.runs}
        for test, clips, labels in tasks_told:
            counts.setdefault((test, labels), set()).add(clips)
        if len({labels for _, _, labels in tasks_told}) > 1:
            raise ValueError(
                f"the files of {network.name} know different words: give one another name "
                "(training/export --name)"
            )
    if any(len(some) > 1 for some in counts.values()):
        raise ValueError("networks were measured on different numbers of clips of one test")


def read(paths):
    """(networks by name in the order of the files, what was left out and why). ValueError for
    files that are neither an evaluation nor a noise result."""
    networks, noises, notes = {}, {}, []
    for path in paths:
        with open(path, encoding="utf-8") as f:
            try:
                told = json.load(f)
            except ValueError as error:
                raise ValueError(f"{path}: {error}") from error
        if isinstance(told, dict) and "models" in told:
            if not all("sha256" in noise for noise in told["models"].values()):
                raise ValueError(f"{path} names no model files: run training/noise again")
            noises.update((noise["sha256"], noise) for noise in told["models"].values())
        elif isinstance(told, dict) and {"model", "clips", "accuracy", "right"} <= set(told):
            networks.setdefault(told["model"], Network(told["model"])).runs.append(told)
        else:
            raise ValueError(f"{path} was written by neither training/evaluate nor training/noise")
    if not networks:
        raise ValueError("no evaluation among the files")
    for network in networks.values():
        digests = network.values("sha256")
        network.noises = [noises.pop(d) for d in dict.fromkeys(digests) if d in noises]
    notes += [f"noise of {digest[:12]}: no evaluation of that file" for digest in noises]
    complete([run for network in networks.values() for run in network.runs])
    check(networks)
    return networks, notes


def tasks(networks):
    """Networks by name, for each task; the one with the most networks first."""
    result = {}
    for name, network in networks.items():
        result.setdefault(network.task(), {})[name] = network
    return sorted(result.items(), key=lambda item: -len(item[1]))


def spread(values, scale=1.0, digits=2):
    """Mean, and the deviation over several seeds where they differ."""
    if not values:
        return NONE
    mean = f"{scale * np.mean(values):,.{digits}f}"
    if len(set(values)) == 1:
        return mean
    return f"{mean} ± {scale * np.std(values, ddof=1):,.{digits}f}"


def row(network):
    keywords = [share for share, _ in network.values("shares", "test accuracy, keywords")]
    return [
        network.name,
        " ".join(sorted(set(network.values("numbers")))) or NONE,
        str(len(network.runs)),
        spread(network.values("accuracy"), 100),
        spread(keywords, 100),
        spread([noise["share"] for noise in network.noises], 100),
        spread(network.values("dense"), digits=0),
        spread(network.values("stored"), digits=0),
        spread(network.density(), 100, 1),
        spread(network.values("products_dense"), 1e-6),
        spread(network.values("products_alive"), 1e-6),
        spread(network.fastest(), digits=2),
        ", ".join(network.ways()) or NONE,
        spread(network.fires(), 100, 1),
    ]


HEAD = [
    "network",
    "numbers",
    "seeds",
    "right, % (measured)",
    "keywords, % (measured)",
    "noise score, % (measured)",
    "weights of the dense twin (counted)",
    "weights stored (counted)",
    "density, % (counted)",
    "million multiply-adds, dense twin (counted)",
    "million multiply-adds with an alive input (counted)",
    "µs a word (measured)",
    "by",
    "fires on words never heard, % (measured)",
]


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(r) + " |" for r in rows])


def twins(networks):
    """(network, its dense twin) wherever both are there: NAME and NAME-dense."""
    for name, network in networks.items():
        twin = networks.get(name.removesuffix("-sparse-dense") + DENSE)
        if twin is not None and twin is not network:
            yield network, twin


def interval(first, second):
    mean, low, high = (100 * v for v in paired.interval(first, second))
    return f"{mean:+.2f} ({low:+.2f} .. {high:+.2f})"


def rivals(networks):
    """(ours, each network of another family that stores every weight)"""
    ours = networks.get(OURS)
    for name, network in networks.items():
        if ours and not name.startswith(OURS) and min(network.density(), default=0) == 1:
            if not any(network is twin for _, twin in twins(networks)):
                yield ours, network


def pairs(compared):
    rows = []
    for network, twin in compared:
        noise, other = network.right_in_noise(), twin.right_in_noise()
        both = noise is not None and other is not None and len(noise) == len(other)
        rows.append(
            [
                f"{network.name} – {twin.name}",
                interval(network.right(), twin.right()),
                interval(noise, other) if both else NONE,
            ]
        )
    return rows


def ratios(networks):
    """Mean accuracy at each ratio, by kind of noise."""
    rows = []
    for network in networks.values():
        if network.noises:
            for kind, line in network.mean_noise()["ratios_db"].items():
                shares = [f"{100 * share:.1f}" for share in line["accuracy"]]
                rows.append((line["at"], [network.name, kind, *shares]))
    if not rows:
        return None
    head = ["network", "noise", *(f"{db} dB" for db in rows[0][0])]
    return table(head, [r for _, r in rows])


INTRODUCTION = """
Made by `training/results` from what `training/evaluate --json`, `training/noise` and
`bench/engine/rivals` wrote into `models/results`. **Measured**: ran on this project's data or on
the machine named below; **counted**: exact, but no time; **published**: someone else's, on other
clips. ± is the deviation over seeds, of which the table says how many there are: one seed has none.
µs a word: one core, the least of many samples, by whatever runs the network fastest at its best
batch. The noise score is the share of right answers over the eleven levels of the published test.
"""
PUBLISHED_HEAD = [
    "network",
    "right, % (published)",
    "weights stored (published)",
    "multiply-adds (published)",
    "whose",
]


def task_parts(task, networks):
    """The tables of the networks that were measured on the same clips."""
    test, clips, labels = task
    labels = f", {' '.join(labels)}" if labels else ""
    parts = [
        f"## {clips:,} clips of {test}{labels}",
        table(HEAD, [row(network) for network in networks.values()]),
    ]
    head = ["difference, points (95 % interval)", "clean (measured)", "noise score (measured)"]
    for title, compared in (
        ("Against the dense twin", list(twins(networks))),
        ("Against dense rivals", list(rivals(networks))),
    ):
        if compared:
            parts += [
                f"### {title}",
                "Clip by clip: how often each clip was right, as a mean over the seeds; the "
                "interval is by drawing clips.",
                table(head, pairs(compared)),
            ]
    told = ratios(networks)
    if told:
        parts += ["### Noise at a ratio", "Right answers to clips with a word in them, %.", told]
    return parts


def recipes(networks):
    """How each network was trained, and where its time was measured."""
    rows = []
    for network in networks.values():
        for told in sorted(set(network.values("recipe"))):
            rows.append(f"- **{network.name}**: {told}")
    machines = sorted({cpu for network in networks.values() for cpu in network.values("cpu")})
    loads = [load for network in networks.values() for load in network.values("load")]
    if machines:
        beside = (
            f" Other programs ran beside (load average up to {max(loads):.1f})" if loads else ""
        )
        beside += ", which least times withstand but for small losses." if loads else ""
        rows.append("- **Times**: " + "; ".join(machines) + "." + beside)
    return "\n".join(rows)


def page(networks, notes, pictures, told=""):
    """The page in Markdown. pictures: file names, as seen from it, by title; told: what a person
    has to add."""
    parts = ["# Results", " ".join(INTRODUCTION.split())]
    for task, some in tasks(networks):
        parts += task_parts(task, some)
    parts += ["## What others published", table(PUBLISHED_HEAD, PUBLISHED)]
    for title, name in pictures.items():
        parts += [f"## {title}", f"![{title}]({name})"]
    if told:
        parts += [told.strip()]
    trained = recipes(networks)
    if trained:
        parts += ["## How they were made", trained]
    if notes:
        parts += ["## Left out", "\n".join(f"- {note}" for note in notes)]
    return "\n\n".join(parts) + "\n"


def pictures(networks, folder, draw):
    """Draws what there is of the first task into a folder; draw: the module curves. File names by
    title."""
    result, (_, some) = {}, tasks(networks)[0]
    noisy = {name: n.mean_noise() for name, n in some.items() if n.noises}
    if noisy:
        result["Noise"] = "noise.png"
        draw.noise(os.path.join(folder, "noise.png"), noisy)
    for title, name, cost, label in (
        ("Accuracy against weights", "weights.png", lambda n: n.values("stored"), "weights stored"),
        (
            "Accuracy against density",
            "density.png",
            lambda n: [100 * share for share in n.density()],
            "weights stored, % of the dense twin's",
        ),
        ("Accuracy against time", "time.png", Network.fastest, "µs a word"),
    ):
        points = {
            name: (100 * np.array(n.values("accuracy")), float(np.mean(cost(n))))
            for name, n in some.items()
            if cost(n)
        }
        if points:
            result[title] = name
            draw.against(os.path.join(folder, name), points, label)
    return result
