"""bench/engine's section of RESULTS.md, from one report.

SPDX-License-Identifier: Apache-2.0
"""
# Words a second of two cores, ratios and microseconds that we hold ourselves to; by instruction set.
TARGETS = {
    "commands": {"rate": {"avx512": 1370000, "avx2": 625000}, "single_us": {"avx512": 3, "avx2": 5}},
    "published": {"rate": {"avx512": 800000, "avx2": 320000}, "over_onnx_fp32_all": {"avx512": 55, "avx2": 55},
                  "over_onnx_int8_all": {"avx512": 25, "avx2": 32}, "over_best_dense_all": {"avx512": 10, "avx2": 12}},
}


# What is held to the instruction set measured on a machine that has a newer one, and how.
HOLDS = {"ours": "ours (`--cpu`)", "the C library": "the C library (`GLIBC_TUNABLES`)", "oneDNN": "oneDNN (`ONEDNN_MAX_CPU_ISA`)",
         "XNNPACK": "XNNPACK (what cpuinfo tells it)", "ONNX Runtime": "ONNX Runtime (`bench/engine/hold.py`)"}


def count(value, unit=""):
    return f"{value:,.0f}{unit}" if value else ""


def row_line(row):
    macs = count(row.get("macs", 0) / 1e3)
    if row.get("macs_alive"):
        macs += f" ({row['macs_alive'] / 1e3:,.0f} alive)"
    return (f"| {row['title']} | {row['us']:,.2f} | {row['us_median']:,.2f} | {row['words']} | {row['rate']:,.0f} | {row['rate_all']:,.0f} | {macs} "
            f"| {count(row.get('weight_bytes', 0) / 1e3)} | {count(row.get('value_bytes', 0) / 1e3)} | {count((row.get('instructions') or 0) / 1e3)} "
            f"| {row['over_best_dense']:.2f} | {format(row['over_onnx_fp32'], '.1f') if 'over_onnx_fp32' in row else ''} |")


def rival(network, name):
    return next((r for r in network["rows"] if r["rival"] == name), None)


def target_lines(network, isa, cores):
    rates = {"rate": next(r["rate_all"] for r in network["rows"] if r["group"] == "ours"), "single_us": network["single_us"],
             **{k: v for k, v in network["ratios"].items() if k != "best_dense"}}
    names = {"rate": f"words/s, {cores} cores", "single_us": "one word alone, us"}
    for kind in ("fp32", "int8"):
        if rival(network, f"onnx-{kind}"):
            names[f"over_onnx_{kind}_all"] = f"times {rival(network, f'onnx-{kind}')['title']}, all cores"
    names["over_best_dense_all"] = f"times the best dense int8 ({network['ratios']['best_dense']}), all cores"
    lines = ["| | measured | target |", "| --- | --- | --- |"]
    targets = TARGETS.get(network["name"], {})
    for key, name in names.items():
        target = targets.get(key, {}).get(isa)
        bound = "at most" if key == "single_us" else "at least"
        digits = 0 if key == "rate" else 2 if key == "single_us" else 1
        lines.append(f"| {name} | {rates[key]:,.{digits}f} | {f'{bound} {target:,}' if target else ''} |")
    return lines


def scaling_lines(network):
    lines = ["", "| replicas, one a core | words/s | of linear | private bytes of each |", "| --- | --- | --- | --- |"]
    for r in network["scaling"]:
        lines.append(f"| {r['replicas']} | {r['rate']:,.0f} | {100 * r['of_linear']:.1f} % | {r['scratch_bytes']:,} |")
    ours = next(r for r in network["rows"] if r["group"] == "ours")
    traffic = network["word_bytes"] * ours["rate"] / 1e6
    return lines + [
        "", f"Counted: the weights ({ours['weight_bytes'] / 1e3:,.0f} kB as stored) are shared by all replicas of a process, what a replica writes is private, and both "
        f"stay in a core's own second cache where it has room for them. Beyond it a word is {network['word_bytes']:,} bytes, features in and scores out: "
        f"{traffic:,.0f} MB/s a core at this rate, {64 * traffic / 1e3:,.1f} GB/s for 64 cores, a fraction of one socket's memory bandwidth; replicas share no line that is written. "
        "What a full host loses is clock under load and, where a core has two threads, half of a core for each."]


def network_lines(report, network):
    agrees = {r["title"]: r["agreement"] for r in network["rows"] if r["group"] == "dense" and r.get("agreement") is not None}
    lines = [f"#### {network['name']}", "",
             "| | us a word | median | batch | words/s, 1 core | " + f"{report['cores']} cores | 1,000 multiply-adds | weights, kB | values, kB | 1,000 instructions "
             "| x best dense | x ORT fp32 |", "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    lines += [row_line(r) for r in network["rows"]]
    lines += [""] + target_lines(network, report["isa"], report["cores"]) + scaling_lines(network)
    told = ", ".join(f"{t.removeprefix('dense int8, ')} {100 * v:.1f} %" for t, v in agrees.items() if v >= 0)
    if "onnx_int8_agrees_with_fp32" in network:
        told += f"; ONNX Runtime int8 as its fp32: {100 * network['onnx_int8_agrees_with_fp32']:.1f} %"
    return lines + ["", f"Dense twin: weights of `{network['dense_weights']}`, zeros included. Same answers as our dense twin: {told}.", ""]


def held_lines(report):
    held, free = report["held"], [name for name in HOLDS if name not in report["held"] and name not in report.get("left_out", {})]
    line = f"The machine has {report['native_isa']}; held to {report['isa']}: {', '.join(HOLDS[name] for name in held)}."
    if free:
        line += f" Not held: {', '.join(free)}; their rows are faster here than on a machine without it, our ratios to them smaller."
    return [line]


def lines(report):
    peak, isa = report["peak"], report["isa"]
    out = [f"### {isa}: {report['cpu']}", "",
           f"Measured on {report['clips']}: least time of many short samples on pinned cores ({report['rounds']} rounds), each rival at its best batch; features in, scores out. "
           f"A core: {peak['ghz']:.2f} GHz, at most {peak['macs_per_ns']:.0f} multiply-adds a ns."]
    if report["load"] > 0.5:
        out.append(f"**Other programs ran at the same time** (load average before the run: {report['load']:.1f}): times of one core are little touched, "
                   "since they are least times; those of all cores and of ONNX Runtime are worse than they would be alone.")
    if report["quick"]:
        out.append("**A quick run: short samples, fewer batches; not for quoting.**")
    if isa != report["native_isa"]:
        out += held_lines(report)
    out += [f"{name} is left out: {why}." for name, why in report.get("left_out", {}).items()]
    out.append("Instructions: counted by callgrind." if isa == "avx2" else
               "Instructions: not counted, since callgrind does not know AVX-512 and this machine gives `perf` no counters.")
    out.append("")
    for network in report["networks"]:
        out += network_lines(report, network)
    if not any(n["watts"] for n in report["networks"]):
        out += ["Words per watt: no energy counter answers on this machine.", ""]
    return out + [f"![{name}](results/engine-{isa}-{name}.png)" for name in ("speedup", "articles", "roofline")] + [""]
