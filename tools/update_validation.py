#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/validation/: what `waferwatt validate` says of the shipped cases, as accuracy.json (the report carries it), a page for each
set, and pictures of predicted against measured.

    tools/update_validation.py PROGRAM [SET...]     default: all sets; supply takes a minute
"""
import csv
import json
import math
import pathlib
import subprocess
import sys
import tempfile
from xml.sax.saxutils import escape

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs/validation"
SETS = ["training", "serving", "kernels", "network", "supply", "power", "world"]
MODEL = {"training": "training", "serving": "serving", "kernels": "cost", "network": "network", "supply": "supply", "power": "power", "world": "world"}
# Pictures from --points: (set, name, measured column, predicted column, family column, unit, factor).
POINTS = [("training", "iteration time", "measured_s", "predicted_s", "group", "s", 1),
          ("training", "memory", "measured_memory_byte", "memory_byte", "group", "GB", 1e-9),
          ("serving", "time per output token", "measured_tpot_s", "tpot_s", "backend", "ms", 1e3),
          ("serving", "time to first token", "measured_ttft_s", "ttft_s", "backend", "ms", 1e3)]
# Pictures of backtests: (set, unit, file, title, what is drawn).
BACKTESTS = [("supply", "accelerator", "supply-deliveries.svg", "deliveries foretold", "accelerators delivered"),
             ("world", "H100e", "world-owners.svg", "fleets foretold", "H100-equivalents of owners")]
COLOURS = ["#0072b2", "#d98200", "#008f68", "#c44e00", "#b8578f", "#3d9ad1", "#8a7a00", "#6b7280"]


def validated(program, name, *options):
    return json.loads(subprocess.run([program, "validate", name, "--json", *options], check=True, capture_output=True, text=True, cwd=ROOT).stdout)


def unseen(program, name):
    """Errors on the measurements that no number was fitted to, and their file; nothing where a set has none."""
    file = f"backtests/{name}-unseen.json"
    return (file, validated(program, name, "--cases", file)) if (ROOT / file).exists() else None


def points(program, name):
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/points.csv"
        subprocess.run([program, "validate", name, "--points", file], check=True, capture_output=True, cwd=ROOT)
        with open(file, newline="") as rows:
            return list(csv.DictReader(rows))


def questions():
    """What a backtest foretells, by its id; several of one id one after the other."""
    texts = {}
    for name in ("supply.json", "world.json"):
        for case in json.loads((ROOT / "backtests" / name).read_text())["cases"]:
            texts.setdefault(case["id"], {})[case["question"].rstrip(".")] = None
    return {key: f"{key}: {'; '.join(each)}" for key, each in texts.items()}


QUESTIONS = questions()


def words(metric):
    return QUESTIONS.get(metric, metric.replace("_", " "))


def accuracy_rows(results):
    for name, result in results.items():
        for metric, errors in result["metrics"].items():
            value = lambda key: None if errors.get(key) is None else round(errors[key], 1)  # curves ship with their medians only
            yield {"set": name, "metric": metric, **({"what": QUESTIONS[metric]} if metric in QUESTIONS else {}), "n": int(errors["n"]), "median": round(errors["median_abs_pct"], 1), "mean": value("mean_abs_pct"),
                   "p90": value("p90_abs_pct"), "bias": value("bias_pct")}


def decades(low, high):
    return [10.0**k for k in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def scatter(title, unit, families):
    """Predicted against measured on logarithmic axes, the diagonal and 20 % to each side."""
    values = [v for pairs in families.values() for pair in pairs for v in pair]
    low, high = min(values) / 1.3, max(values) * 1.3
    size, left, top, width = 360, 60, 30, 640
    place = lambda v: (math.log(v) - math.log(low)) / (math.log(high) - math.log(low)) * size
    x, y = lambda v: left + place(v), lambda v: top + size - place(v)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top + size + 46}" role="img" font-family="sans-serif" font-size="12">',
           f"<title>{escape(title)}: predicted against measured</title>", f'<rect width="{width}" height="{top + size + 46}" fill="#fff"/>',
           f'<text x="{left}" y="18" font-weight="bold">{escape(title)}, {unit}</text>',
           f'<clipPath id="c"><rect x="{left}" y="{top}" width="{size}" height="{size}"/></clipPath>']
    for tick in decades(low, high):
        if low < tick < high:
            text = f"{tick:g}"
            out.append(f'<path d="M{x(tick):.1f} {top}v{size}M{left} {y(tick):.1f}h{size}" stroke="#ddd"/><text x="{x(tick):.1f}" y="{top + size + 16}" text-anchor="middle">{text}</text>'
                       f'<text x="{left - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{text}</text>')
    for factor, dash in ((1, ""), (0.8, "4 3"), (1.25, "4 3")):
        out.append(f'<path clip-path="url(#c)" d="M{x(low):.1f} {y(low * factor):.1f}L{x(high):.1f} {y(high * factor):.1f}" stroke="#888" stroke-dasharray="{dash}"/>')
    for i, (family, pairs) in enumerate(sorted(families.items())):
        colour = COLOURS[i % len(COLOURS)]
        out += [f'<circle cx="{x(m):.1f}" cy="{y(p):.1f}" r="3.5" fill="{colour}" fill-opacity="0.7"/>' for m, p in pairs]
        out.append(f'<circle cx="{left + size + 20}" cy="{top + 10 + 20 * i}" r="4" fill="{colour}"/><text x="{left + size + 30}" y="{top + 14 + 20 * i}">{escape(family)} ({len(pairs)})</text>')
    out.append(f'<text x="{left + size / 2}" y="{top + size + 36}" text-anchor="middle">measured</text>'
               f'<text transform="translate(14 {top + size / 2}) rotate(-90)" text-anchor="middle">predicted</text>'
               f'<rect x="{left}" y="{top}" width="{size}" height="{size}" fill="none" stroke="#888"/></svg>')
    return "\n".join(out) + "\n"


def pictures(program, results):
    """(set, file, title) of every picture, written."""
    rows = {name: points(program, name) for name in dict.fromkeys(p[0] for p in POINTS) if name in results}
    for name, title, measured, predicted, family, unit, factor in POINTS:
        if name not in results:
            continue
        families = {}
        for row in rows[name]:
            if row[measured] and row[predicted] and float(row[measured]) > 0 and float(row[predicted]) > 0:
                families.setdefault(row[family], []).append((float(row[measured]) * factor, float(row[predicted]) * factor))
        yield name, f"{name}-{title.replace(' ', '-')}.svg", title, scatter(f"{name}: {title}", unit, families)
    for name, unit, file, title, drawn in BACKTESTS:
        outcomes = {}
        for case in results.get(name, {}).get("cases", []):
            if case["unit"] == unit and case["foretold"] > 0 and case["outcome"] > 0:
                outcomes.setdefault(case["id"], []).append((case["outcome"] / 1e6, case["foretold"] / 1e6))
        if outcomes:
            yield name, file, title, scatter(f"{name}: {drawn}, by backtest", "millions", outcomes)
    sites = {}
    for case in results.get("power", {}).get("cases", []):
        if case["unit"] == "MW":
            sites.setdefault(case["family"], []).append((case["measured"], case["predicted"]))
    if sites:
        yield "power", "power-sites.svg", "power", scatter("power: facilities and nodes", "MW", sites)


NOTE = "Made by `tools/update_validation.py` from the shipped cases; do not edit."


def shown(value, sign=""):
    return "" if value is None else f"{value:{sign}.1f}"


def table(result):
    groups = [("all", m, e) for m, e in result["metrics"].items()]
    for family, metrics in result.get("groups", {}).items():  # by quantity, or of the one quantity that the name tells
        groups += [("all", family, metrics)] if "median_abs_pct" in metrics else [(family, m, e) for m, e in metrics.items()]
    return ["| family | quantity | cases | median | mean | bias |", "| --- | --- | --- | --- | --- | --- |",
            *(f"| {g} | {words(m)} | {int(e['n']):,} | {e['median_abs_pct']:.1f} | {shown(e.get('mean_abs_pct'))} | {shown(e.get('bias_pct'), '+')} |" for g, m, e in groups)]


def index_page(rows):
    text = ["# Predicted and measured", "",
            f"{NOTE} Errors are absolute, in per cent, except the bias, which is mean predicted over measured, less one. Cases that a fit has seen are "
            "among them where the model's page says so; give cases of your own with `waferwatt validate SET --cases FILE`.", "",
            "| set | quantity | cases | median | mean | 90 % | bias |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for r in rows:
        text.append(f"| [{r['set']}]({r['set']}.md) | {words(r['metric'])} | {r['n']:,} | {shown(r['median'])} | {shown(r['mean'])} | {shown(r['p90'])} | {shown(r['bias'], '+')} |")
    return "\n".join(text) + "\n"


def set_page(name, result, drawn, fresh=None):
    text = [f"# Predicted and measured: {name}", "", f"{NOTE} The command is `waferwatt validate {name}`; what the model leaves out: [its page](../models/{MODEL[name]}.md).", ""]
    text += [f"![{title}: predicted against measured]({file})\n" for of, file, title, _ in drawn if of == name]
    if result.get("n_skipped"):
        reasons = list(dict.fromkeys(s["reason"] for s in result["skipped"]))
        text.append(f"{int(result['n_skipped'])} cases are skipped: {'; '.join(reasons[:4])}.\n")
    text += table(result)
    if fresh:
        file, errors = fresh
        errors["groups"] = {family: metrics for family, metrics in errors.get("groups", {}).items() if not family.startswith("half ")}  # halves of a fit
        text += ["", "## Never fitted", "", f"No number was fitted to these; `docs/models/{name}.md` says what they led to: "
                 f"`waferwatt validate {name} --cases {file}`; each row names its source.", "", *table(errors)]
    return "\n".join(text).rstrip() + "\n"


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    results = {name: validated(program, name) for name in sys.argv[2:] or SETS}
    kept = json.loads((FOLDER / "accuracy.json").read_text()) if (FOLDER / "accuracy.json").exists() else []
    rows = [row for row in kept if row["set"] not in results] + list(accuracy_rows(results))
    rows.sort(key=lambda row: SETS.index(row["set"]))
    drawn = list(pictures(program, results))
    (FOLDER / "accuracy.json").write_text("[\n" + ",\n".join("  " + json.dumps(row) for row in rows) + "\n]\n")
    (FOLDER / "index.md").write_text(index_page(rows))
    for name, result in results.items():
        (FOLDER / f"{name}.md").write_text(set_page(name, result, drawn, unseen(program, name)))
    for _, file, _, svg in drawn:
        (FOLDER / file).write_text(svg)


if __name__ == "__main__":
    main()
