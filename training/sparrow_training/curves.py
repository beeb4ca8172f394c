"""Pictures of accuracy: against noise, and against what a network costs.

SPDX-License-Identifier: Apache-2.0
"""
import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot, ticker  # noqa: E402 (the backend comes first)

from . import pareto  # noqa: E402

MARKS = "osD^vPX*<>"


def noise(path, results):
    """results: what noisetest.measure() gave, by the name of the model."""
    kinds = sorted({kind for result in results.values() for kind in result["ratios_db"]})
    figure, axes = pyplot.subplots(
        1,
        1 + len(kinds),
        figsize=(4.2 + 2.6 * len(kinds), 4.2 + 0.2 * ((len(results) + 2) // 3)),
        sharey=True,
        gridspec_kw={"width_ratios": [1.7] + [1] * len(kinds)},
        squeeze=False,
    )
    first, *others = axes[0]
    for i, (name, result) in enumerate(results.items()):
        style = {"marker": MARKS[i % len(MARKS)], "markersize": 4}
        eleven = result["eleven"]
        label = f"{name}: {100 * result['share']:.1f} % of all levels"
        first.plot(eleven["at"], [100 * a for a in eleven["accuracy"]], label=label, **style)
        for panel, kind in zip(others, kinds):
            if kind in result["ratios_db"]:
                line = result["ratios_db"][kind]
                panel.plot(line["at"], [100 * a for a in line["accuracy"]], **style)
    first.set_xlabel("share of uniform noise in the signal")
    first.set_ylabel("right answers, %")
    first.set_ylim(0, 100)
    for panel, kind in zip(others, kinds):
        panel.set_xlabel(f"speech over {kind} noise, dB", fontsize=9)
        panel.invert_xaxis()
    for panel in axes[0]:
        panel.grid(alpha=0.3)
    legend = figure.legend(fontsize=8, loc="lower center", ncol=3)
    height = legend.get_window_extent().height / figure.bbox.height
    figure.tight_layout(rect=(0, height + 0.02, 1, 1))
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def log_scale(axes):
    """A logarithmic cost axis, labelled with plain numbers: 1, 2, 5, 10, ..."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda x, _: f"{x:,.12g}"))
    axes.xaxis.set_minor_formatter(ticker.NullFormatter())
    axes.tick_params(axis="x", labelsize=9)


def front(path, results, goal):
    """Accuracy against cost of a search's results, one line through those that no other beats;
    goal: the Goal whose thresholds are drawn."""
    figure, axes = pyplot.subplots(figsize=(7.5, 5))
    last = max(result["rung"] for result in results)
    for rung in range(last + 1):
        some = [goal.point(r) for r in results if r["rung"] == rung]
        epochs = next(r["epochs"] for r in results if r["rung"] == rung)
        axes.scatter(
            [cost for _, cost in some],
            [100 * accuracy for accuracy, _ in some],
            s=18 + 12 * rung,
            marker=MARKS[rung % len(MARKS)],
            alpha=0.35 + 0.65 * (rung + 1) / (last + 1) * 0.9,
            label=f"{epochs} epochs",
        )
    points = [goal.point(result) for result in results]
    best = [points[i] for i in pareto.front(points)]
    axes.step(
        [c for _, c in best], [100 * a for a, _ in best], where="post", color="black", linewidth=1
    )
    axes.axhline(100 * goal.least_accuracy, linestyle="--", color="grey", linewidth=1)
    axes.axvline(goal.most_cost, linestyle="--", color="grey", linewidth=1)
    log_scale(axes)
    axes.set_xlabel(goal.cost)
    axes.set_ylabel("validation accuracy, %")
    axes.grid(alpha=0.3, which="both")
    axes.legend(fontsize=9)
    axes.set_title("dashed: the thresholds; line: the front", fontsize=10)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def against(path, points, label):
    """Accuracy against a cost; points: (accuracies of the seeds in %, cost) by the name of the
    network."""
    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    for i, (name, (accuracies, cost)) in enumerate(points.items()):
        mean = accuracies.mean()
        spread = [[mean - accuracies.min()], [accuracies.max() - mean]]
        mark = MARKS[i % len(MARKS)]
        axes.errorbar([cost], [mean], spread, marker=mark, linestyle="", capsize=3, label=name)
    log_scale(axes)
    axes.set_xlabel(label)
    axes.set_ylabel("right answers, % (bars: all seeds)")
    axes.grid(alpha=0.3, which="both")
    axes.legend(fontsize=9)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
