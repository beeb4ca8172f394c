"""The pictures of bench/engine: roofline, speed-up, and the four graphs of the published articles. Measured bars are filled, published
ones hatched.

SPDX-License-Identifier: Apache-2.0
"""
import os

import matplotlib
import published

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

OURS, RIVAL, PALE = "#2a6f97", "#8d99a6", "#b8c4cc"
COLOURS = {"ours": OURS, "dense": RIVAL, "sparse-dense": "#61a5c2", "blocks": "#bc6c25", "shuffled": "#e09f3e", "lists": "#606c38", "one": "#9a8c98"}
KINDS = {"ours": "the engine, products alive", "dense": "dense, ours", "sparse-dense": "sparse-dense, three forms", "blocks": "blocks, 50 and 98 % zeros",
         "shuffled": "random by shuffles, 50 and 98 %", "lists": "random (CSR), 50 and 98 %"}
HEAD_START_S = 300


def figure(columns, rows, wide, high):
    fig, axes = plt.subplots(rows, columns, figsize=(wide, high), squeeze=False)
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize=8)
    return fig, axes


def save(fig, title, path):
    fig.suptitle(title, fontsize=10)
    fig.tight_layout()
    fig.savefig(path, dpi=80)
    plt.close(fig)


def find(network, group):
    return [r for r in network["rows"] if r["group"] == group]


def find_fp32(network):
    """ONNX Runtime's row; None where it is left out."""
    return next((r for r in network["rows"] if r["rival"] == "onnx-fp32"), None)


def the_engine(network):
    return find(network, "ours")[0]


def best_dense(network):
    return next(r for r in network["rows"] if r["title"] == network["ratios"]["best_dense"])


def mean_macs(row):
    """Multiply-adds that are of use: those that meet a living input, where that is known."""
    return row["macs_alive"] or row["macs"]


def roofline(ax, report, network):
    peak, macs = report["peak"], find(network, "dense")[0]["macs"]
    xs = [0.25 * 2 ** (i / 4) for i in range(52)]
    for name, rate, style in (("L1", "l1_per_ns", "-"), ("L2", "l2_per_ns", "--"), ("memory", "ram_per_ns", ":")):
        ys = [min(peak["macs_per_ns"], x * peak[rate]) for x in xs]
        ax.plot(xs, ys, style, color="black", lw=0.8, label=f"{name}: {peak[rate]:.0f} B/ns")
    named = set()
    for row in network["rows"]:
        # The smallest and largest share of zeros stand for their kind.
        if row["group"] == "one" or not row.get("value_bytes") or row.get("zeros") not in (None, 0.5, 0.98):
            continue
        # weights are read once a batch
        touched = row["weight_bytes"] / row["words"] + 2 * row["value_bytes"]
        done = mean_macs(row)
        name = KINDS[row["group"]] if row["group"] not in named else None
        named.add(row["group"])
        ax.plot(done / touched, done / row["us"] / 1e3, "o", ms=5, color=COLOURS[row["group"]], label=name)
    mine = the_engine(network)
    ax.axhline(macs / mine["us"] / 1e3, color=OURS, lw=0.8, ls="-.")
    ax.annotate("what dense arithmetic would need for the engine's speed", (0.3, macs / mine["us"] / 1e3), fontsize=6.5, color=OURS,
                xytext=(0, 3), textcoords="offset points")
    ax.set(xscale="log", yscale="log", xlabel="multiply-adds per byte touched", ylabel="multiply-adds per ns, one core")
    ax.set_title(network["name"], fontsize=9)
    ax.legend(fontsize=6.5, frameon=False, loc="center left", bbox_to_anchor=(0.98, 0.5), title=f"peak {peak['macs_per_ns']:.0f} a ns", title_fontsize=7)


def speed_up_bars(ax, network):
    shown = find(network, "dense") + find(network, "sparse-dense") + find(network, "ours")
    shown.sort(key=lambda r: -r["us"])
    slowest = find_fp32(network) or shown[0]
    bars = ax.barh([r["title"].replace(": the engine", "") for r in shown], [slowest["us"] / r["us"] for r in shown],
                   color=[COLOURS[r["group"]] for r in shown])
    ax.bar_label(bars, [f"{slowest['us'] / r['us']:.1f}x  {r['us']:.1f} us" for r in shown], padding=3, fontsize=7)
    ax.set_xlim(0, 1.3 * max(slowest["us"] / r["us"] for r in shown))
    ax.set_xlabel(f"times as fast as {slowest['title']}, one core", fontsize=8)
    ax.set_title(network["name"], fontsize=9)


def zeros_lines(ax, network):
    base = best_dense(network)
    for group, label in (("blocks", "blocks of 8 x 4"), ("shuffled", "random, by shuffles"), ("lists", "random (CSR), 64 words at once"),
                         ("one", "random (CSR), one word, plain C")):
        rows = sorted((r for r in find(network, group)), key=lambda r: r["zeros"])
        ax.plot([100 * r["zeros"] for r in rows], [base["us"] / r["us"] for r in rows], "o-", ms=3, color=COLOURS[group], label=label)
    mine = the_engine(network)
    share = 100 * (1 - mine["macs"] / find(network, "dense")[0]["macs"])
    ax.plot([share], [base["us"] / mine["us"]], "*", ms=12, color=OURS, label="the engine: sparse-sparse")
    ax.axhline(2, color="black", lw=0.6, ls=":")
    ax.axhline(1, color="black", lw=0.6)
    ax.annotate('published: "over 90 % for 2x"', (100, 2.08), fontsize=7, ha="right")
    ax.set_yscale("log")
    ax.set_xlabel("multiply-adds left out for zero weights, %", fontsize=8)
    ax.set_ylabel(f"times as fast as {base['title']}", fontsize=8)
    ax.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(0, 1.12))
    low, high = ax.get_ylim()
    ax.set_ylim(low, high * 4)


def two_kinds(ax, rows, label, text="{:,.0f}"):
    """Bars of (name, value, measured); published ones are hatched."""
    values = [v for _, v, _ in rows]
    bars = ax.barh([n for n, _, _ in rows], values, color=[OURS if m else "white" for _, _, m in rows], edgecolor=OURS)
    for bar, (_, _, measured) in zip(bars, rows):
        bar.set_hatch("" if measured else "////")
    ax.bar_label(bars, [text.format(v) for v in values], padding=3, fontsize=7)
    ax.set_xlim(right=(max(values) * 4 if ax.get_xscale() == "log" else max(values) * 1.25))
    ax.invert_yaxis()
    ax.set_xlabel(label, fontsize=8)


def throughput(ax, report):
    ax.set_xscale("log")
    rows = [(name, rate, False) for name, rate, _ in published.THROUGHPUT]
    for n in report["networks"]:
        fp32 = find_fp32(n)
        for row, name in ((fp32, fp32 and fp32["title"]), (best_dense(n), "best dense int8"), (the_engine(n), "sparse-sparse")):
            if row is not None:
                rows.append((f"{n['name']}: {name}", row["rate_all"], True))
    two_kinds(ax, rows, f"words/s; measured: {report['cores']} cores")
    ax.set_xlim(left=1000)


def race(ax, report):
    """Words done since the sparse ones set out; dense set out five minutes before."""
    pairs = [("U250, published", published.DENSE_CARD[1], published.SPARSE_SPARSE_2021[1], "--", RIVAL)]
    for n, colour in zip(report["networks"], (OURS, "#bc6c25", "#606c38")):
        pairs.append((f"{n['name']}, measured", best_dense(n)["rate_all"], the_engine(n)["rate_all"], "-", colour))
    seconds = [10 ** (i / 20) for i in range(-10, 61)]
    for name, dense, sparse, style, colour in pairs:
        meet = HEAD_START_S * dense / (sparse - dense) if sparse > dense else None
        ax.plot(seconds, [dense * (HEAD_START_S + t) / 1e6 for t in seconds], style, color=colour, lw=0.8)
        text = f"{name}: passes after {meet:.1f} s" if meet else f"{name}: never passes"
        ax.plot(seconds, [sparse * t / 1e6 for t in seconds], style, color=colour, lw=2, label=text)
        if meet:
            ax.plot([meet], [sparse * meet / 1e6], "o", ms=5, color=colour)
    ax.set(xscale="log", yscale="log")
    ax.set_xlabel("seconds since sparse-sparse set out", fontsize=8)
    ax.set_ylabel("million words done", fontsize=8)
    ax.legend(fontsize=7, frameon=False, title="thin: dense, with five minutes' head start", title_fontsize=7)


def full_chip(ax, report):
    dense = published.DENSE_CARD[1]
    rows = [("U250: sparse (2020)", published.SPARSE_2020[1] / dense, False), ("U250: sparse-dense (2021)", published.SPARSE_DENSE_2021[1] / dense, False),
            ("U250: sparse-sparse (2021)", published.SPARSE_SPARSE_2021[1] / dense, False)]
    for n in report["networks"]:
        rows.append((f"{n['name']}: over best dense int8", n["ratios"]["over_best_dense_all"], True))
        rows += [(f"{n['name']}: over {row['title']}", the_engine(n)["rate_all"] / row["rate_all"], True)
                 for row in reversed(find(n, "dense")) if row["rival"].startswith("onnx")]
    two_kinds(ax, rows, "speed-up of the whole chip over dense on the same chip", "{:.1f}x")


def words_per_watt(ax, report):
    rows = [(name, rate / watts, False) for name, rate, watts in published.WATTS]
    for n in report["networks"]:
        for title, row in (n["watts"] or {"rows": {}})["rows"].items():
            rows.append((f"{n['name']}: {title}", row["words_per_watt"], True))
    ax.set_xscale("log")
    two_kinds(ax, rows, "words/s per watt (published: board ratings)")
    ax.set_xlim(left=30)
    if not any(m for _, _, m in rows):
        ax.set_title("no power sensor answers on this machine: published only", fontsize=8)


def draw(report, folder):
    """engine-ISA-{roofline,speedup,articles}.png"""
    where = f"one core of {report['cpu']}, {report['isa']} kernels"
    networks, n = report["networks"], len(report["networks"])
    fig, axes = figure(n, 1, 6 * n, 4.2)
    for ax, network in zip(axes[0], networks):
        roofline(ax, report, network)
    save(fig, f"Roofline: {where}", os.path.join(folder, f"engine-{report['isa']}-roofline.png"))
    fig, axes = figure(n, 2, 6 * n, 6.4)
    for i, network in enumerate(networks):
        speed_up_bars(axes[0][i], network)
        zeros_lines(axes[1][i], network)
    save(fig, f"Time for a word: {where}", os.path.join(folder, f"engine-{report['isa']}-speedup.png"))
    fig, axes = figure(2, 2, 12, 7)
    for ax, graph in zip(axes.flat, (throughput, race, full_chip, words_per_watt)):
        graph(ax, report)
    save(fig, f"The published graphs: hatched or dashed = published (FPGA, GPU), filled = measured on {report['cpu']}, {report['isa']}",
         os.path.join(folder, f"engine-{report['isa']}-articles.png"))
