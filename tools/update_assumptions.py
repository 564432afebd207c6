#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/assumptions.md: which inputs of shipped scenarios move their answers most.

    tools/update_assumptions.py PROGRAM [SCENARIO...]     default: all; sections of the others stay

Every plain quantity of the resolved scenario is made a quarter smaller and a quarter larger, one at a time; a supply scenario with a Monte
Carlo says it with the ranges of the catalog instead (table "tornado").
"""
import concurrent.futures
import csv
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Scenario, and the metrics by which its inputs are ranked (dims "last" mean the last year).
STUDIES = [("compute-famine", [("h100_equivalents_energised", {"year": "last"}), ("tokens_served", {"year": "last"}), ("cost_per_mtoken", {"year": "last"})]),
           ("train-llama3-70b-h100", [("training_days", {}), ("cost", {})]),
           ("serve-llama3-70b-azure-like", [("cost_per_output_token", {}), ("time_to_first_token", {"statistic": "p99"})]),
           ("fleet-shared-site", [("utilisation", {}), ("cost", {})])]
QUANTITY = re.compile(r"^(-?[0-9.]+(?:e[+-]?[0-9]+)?)( .+)$")
STEP = 0.25
MOST_ROWS = 12


def run(program, scenario, overrides=()):
    """The summary, or None for a value that the scenario refuses."""
    with tempfile.TemporaryDirectory() as folder:
        words = [w for o in overrides for w in ("--set", o)]
        done = subprocess.run([program, "run", f"scenarios/{scenario}.json", "-o", f"{folder}/out", "--json", "--jobs", "1", *words], capture_output=True, text=True, cwd=ROOT)
        if done.returncode in (2, 3, 4):
            return None, []
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        tornado = pathlib.Path(folder) / "out/tables/tornado.csv"
        rows = list(csv.DictReader(tornado.open())) if tornado.exists() else []
        return json.loads(done.stdout), rows


def plain_quantities(value, path=""):
    """(path, number, unit) of quantities that stand in no list; counts and shares are left to their own studies."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from plain_quantities(member, f"{path}.{key}" if path else key)
    elif isinstance(value, str) and (found := QUANTITY.match(value)):
        yield path, float(found[1]), found[2]
    elif isinstance(value, float) and not isinstance(value, bool) and value > 0:
        yield path, value, ""


def resolved(program, scenario):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, "run", f"scenarios/{scenario}.json", "-o", f"{folder}/out", "--jobs", "1"], check=True, capture_output=True, cwd=ROOT)
        return json.loads((pathlib.Path(folder) / "out/resolved.json").read_text())


def value_of(summary, name, dims):
    found = [m for m in summary["metrics"] if m["name"] == name and set(m["dims"]) == set(dims) and all(v == "last" or m["dims"][k] == v for k, v in dims.items())]
    return max(found, key=lambda m: m["dims"].get("year", ""))["value"]


def study(program, scenario, metrics):
    base, _ = run(program, scenario)
    inputs = [(p, n, u) for p, n, u in plain_quantities(resolved(program, scenario)) if n != 0]
    tries = [(path, number * factor, unit) for path, number, unit in inputs for factor in (1 - STEP, 1 + STEP)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda t: run(program, scenario, [f"{t[0]}={t[1]:.10g}{t[2]}"])[0], tries))
    rows = []
    for i, (path, number, unit) in enumerate(inputs):
        low, high = results[2 * i], results[2 * i + 1]
        changes = [tuple(None if s is None else value_of(s, *m) / value_of(base, *m) - 1 for s in (low, high)) for m in metrics]
        size = max(abs(c) for pair in changes for c in pair if c is not None) if any(c is not None for pair in changes for c in pair) else 0
        if size >= 0.001:
            rows.append((size, path, f"{number:g}{unit}", changes))
    return base["question"], len(inputs), sorted(rows, key=lambda r: -r[0])


def table(metrics, rows):
    titles = [name.replace("_", " ") + "".join(f" ({v})" for v in dims.values()) for name, dims in metrics]
    shown = lambda c: "refused" if c is None else f"{100 * c:+.1f} %"
    yield "| input | value | " + " | ".join(titles) + " |"
    yield "| --- | --- |" + " --- |" * len(titles)
    for _, path, value, changes in rows[:MOST_ROWS]:
        yield f"| `{path}` | {value} | " + " | ".join(f"{shown(low)} / {shown(high)}" for low, high in changes) + " |"


def tornado_section(program, scenario):
    _, tornado = run(program, scenario)
    yield from ("", "Accelerators delivered over the run with one input of the catalog at its low and at its high (5 % and 95 %).", "",
                "| input | at low | at high | swing |", "| --- | --- | --- | --- |")
    for row in tornado[:20]:
        low, high, swing = (float(row[c]) / 1e6 for c in ("accelerators_delivered_at_low", "accelerators_delivered_at_high", "swing_accelerators"))
        yield f"| {row['input']} | {low:.1f} M | {high:.1f} M | {swing:.1f} M |"


def study_section(program, scenario, metrics):
    question, n, rows = study(program, scenario, metrics)
    yield from ("", f"*{question}* {len(rows)} of {n} quantities move the answer by more than 0.1 %.", "", *table(metrics, rows))


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    page = ROOT / "docs/assumptions.md"
    sections = dict(part.split("\n", 1) for part in page.read_text().split("\n## ")[1:]) if page.exists() else {}
    makers = {scenario: (study_section, scenario, metrics) for scenario, metrics in STUDIES} | {"supply-2026": (tornado_section, "supply-2026")}
    for scenario in sys.argv[2:] or makers:
        maker, *arguments = makers[scenario]
        sections[scenario] = "\n".join(maker(program, *arguments)) + "\n"
    text = ("# Assumptions by effect\n\nMade by `tools/update_assumptions.py`; do not edit. Each quantity that a scenario states or takes by default is made a quarter "
            "smaller / a quarter larger, alone; the change of the answer is shown, the largest first.\n")
    page.write_text(text + "".join(f"\n## {s}\n{sections[s].rstrip()}\n" for s in makers if s in sections))


if __name__ == "__main__":
    main()
