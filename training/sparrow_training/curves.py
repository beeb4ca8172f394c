"""Pictures of accuracy: against noise, and against what a network costs.

SPDX-License-Identifier: Apache-2.0
"""
import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402 (the backend comes first)

MARKS = "osD^vPX*<>"


def noise(path, results):
    """results: what noisetest.measure() gave, by the name of the model."""
    kinds = sorted({kind for result in results.values() for kind in result["ratios_db"]})
    figure, axes = pyplot.subplots(
        1,
        1 + len(kinds),
        figsize=(4.2 + 2.6 * len(kinds), 4.2),
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
    first.legend(fontsize=8, loc="upper right")
    for panel, kind in zip(others, kinds):
        panel.set_xlabel(f"speech over {kind} noise, dB", fontsize=9)
        panel.invert_xaxis()
    for panel in axes[0]:
        panel.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
