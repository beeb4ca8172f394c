"""The page of results: several networks, several seeds each, in one table.

It is made of what training/evaluate and training/noise wrote. Any program may write such files for
a rival; of an evaluation only model, clips, accuracy and right are needed, and what is missing is
shown as a dash.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
from dataclasses import dataclass, field

import numpy as np

from . import noisetest, paired

NONE = "–"
DENSE = "-dense"


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


def read(paths):
    """(networks by name in the order of the files, what was left out and why). ValueError for
    files that are neither an evaluation nor a noise result."""
    networks, noises, notes = {}, {}, []
    for path in paths:
        with open(path, encoding="utf-8") as f:
            told = json.load(f)
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
    counts = {run["clips"] for network in networks.values() for run in network.runs}
    if len(counts) > 1:
        raise ValueError("the networks were measured on different numbers of clips")
    return networks, notes


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
        str(len(network.runs)),
        spread(network.values("accuracy"), 100),
        spread(keywords, 100),
        spread([noise["share"] for noise in network.noises], 100),
        spread(network.values("dense"), digits=0),
        spread(network.values("stored"), digits=0),
        spread(network.values("products_dense"), 1e-6),
        spread(network.values("products_alive"), 1e-6),
        spread(network.fastest(), digits=1),
        spread(network.fires(), 100, 1),
    ]


HEAD = [
    "network",
    "seeds",
    "right, %",
    "keywords, %",
    "noise score, %",
    "weights of the dense twin",
    "weights stored",
    "million multiply-adds, dense twin",
    "million multiply-adds with an alive input",
    "µs per word",
    "fires on words never heard, %",
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


def pairs(networks):
    rows = []
    for network, twin in twins(networks):
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


def page(networks, notes, pictures):
    """The page in Markdown. pictures: file names, as seen from it, by title."""
    some = next(iter(networks.values())).runs[0]
    parts = [
        "# Results",
        "Made by `training/results` from what `training/evaluate --json` and `training/noise` "
        "wrote. "
        f"All networks: {some['clips']:,} clips of {some.get('test', 'the test list')}; ± is the "
        "deviation over seeds. Multiply-adds and weights are counted, microseconds are measured "
        "on one core by the fastest kernels of the machine that ran `training/evaluate --bench`; "
        "the noise score is the share of right answers over the eleven levels of the published "
        "test.",
        table(HEAD, [row(network) for network in networks.values()]),
    ]
    compared = pairs(networks)
    if compared:
        head = ["difference, points (95 % interval)", "clean", "noise score"]
        parts += [
            "## Against the dense twin",
            "Clip by clip: how often each clip was right, as a mean over the seeds; the interval "
            "is by drawing clips.",
            table(head, compared),
        ]
    told = ratios(networks)
    if told:
        parts += ["## Noise at a ratio", "Right answers to clips with a word in them, %.", told]
    for title, name in pictures.items():
        parts += [f"## {title}", f"![{title}]({name})"]
    if notes:
        parts += ["## Left out", "\n".join(f"- {note}" for note in notes)]
    return "\n\n".join(parts) + "\n"


def pictures(networks, folder, draw):
    """Draws what there is into a folder; draw: the module curves. File names by title."""
    result = {}
    noisy = {name: n.mean_noise() for name, n in networks.items() if n.noises}
    if noisy:
        result["Noise"] = "noise.png"
        draw.noise(os.path.join(folder, "noise.png"), noisy)
    for title, name, cost, label in (
        ("Accuracy against weights", "weights.png", lambda n: n.values("stored"), "weights stored"),
        ("Accuracy against time", "time.png", Network.fastest, "µs per word"),
    ):
        points = {
            name: (100 * np.array(n.values("accuracy")), float(np.mean(cost(n))))
            for name, n in networks.items()
            if cost(n)
        }
        if points:
            result[title] = name
            draw.against(os.path.join(folder, name), points, label)
    return result
