"""A picture of a training run.

SPDX-License-Identifier: Apache-2.0
"""
import math

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402 (the backend comes first)


RIGHT = ("overall", "keywords", "unknown", "silence")
USUAL = 70  # %, from where on good networks differ


def lowest(log):
    """Where the axis of right answers begins: at the end of the run, every curve is on it."""
    last = [share for name, share in log[-1].items() if name in RIGHT and not math.isnan(share)]
    return min([USUAL, *(10 * math.floor(10 * share) for share in last)])


def write(path, log):
    """log: one dictionary for each epoch, as Trainer makes them."""
    figure, (loss, right) = pyplot.subplots(2, 1, sharex=True, figsize=(8, 7))
    epochs = range(1, len(log) + 1)
    loss.plot(epochs, [entry["loss"] for entry in log], color="black")
    loss.set_ylabel("training loss")
    for name in RIGHT:
        right.plot(epochs, [100 * entry[name] for entry in log], label=name)
    right.set_ylim(lowest(log), 100)
    right.set_ylabel("right answers on validation clips, %")
    right.set_xlabel("epoch")
    right.legend(loc="lower right")
    turn = sum(entry["stage"] == "float" for entry in log)
    for axes in (loss, right):
        axes.grid(alpha=0.3)
        if turn < len(log):
            axes.axvline(turn + 0.5, linestyle=":", color="black")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
