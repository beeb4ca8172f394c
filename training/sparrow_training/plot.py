"""A picture of a training run.

SPDX-License-Identifier: Apache-2.0
"""
import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402 (the backend comes first)


def write(path, log):
    """log: one dictionary for each epoch, as Trainer makes them."""
    figure, (loss, right) = pyplot.subplots(2, 1, sharex=True, figsize=(8, 7))
    epochs = range(1, len(log) + 1)
    loss.plot(epochs, [entry["loss"] for entry in log], color="black")
    loss.set_ylabel("training loss")
    for name in ("overall", "keywords", "unknown", "silence"):
        right.plot(epochs, [100 * entry[name] for entry in log], label=name)
    right.set_ylim(70, 100)
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
