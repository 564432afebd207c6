#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the table of docs/models/world.md that says in which shipped worlds the three views of what binds agree.

usage: update_world.py WAFERWATT [--check]      --check: exit 1 if the page holds another table
"""
import csv
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile

import marked_tables

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/models/world.md"
BEGIN = "<!-- views: tools/update_world.py -->\n"
MOST_POINTS = 12  # of a sweep
STEP = 0.1  # by which each resource is raised


def points(scenario):
    """Overrides of each point of a scenario's sweep; of one without, none."""
    sweep = json.loads((ROOT / "scenarios" / scenario).read_text()).get("sweep")
    if not sweep:
        return [[]]
    paths, values = list(sweep["axes"]), list(sweep["axes"].values())
    combined = zip(*values) if sweep.get("mode") == "zipped" else itertools.product(*values)
    chosen = [[f"{path}={json.dumps(value)}" for path, value in zip(paths, point)] for point in combined]
    if len(chosen) > MOST_POINTS:
        sys.exit(f"{scenario} has {len(chosen)} points; update_world.py looks at {MOST_POINTS} at most")
    return chosen


def views(program, scenario, overrides):
    """Rows of all buyers together."""
    with tempfile.TemporaryDirectory() as folder:
        words = [word for override in overrides for word in ("--set", override)]
        alone = pathlib.Path(folder) / "point.json"
        alone.write_text(json.dumps({"extends": str(ROOT / "scenarios" / scenario), "sweep": None, "marginal_step": STEP}))
        subprocess.run([program, "run", str(alone), "-o", f"{folder}/out", "--jobs", "2", *words], check=True, capture_output=True, cwd=ROOT)
        return [row for row in csv.DictReader(open(f"{folder}/out/tables/views.csv")) if row["owner"] == ""]


def gain(row):
    """Of compute, in per cent."""
    return 100 * float(row["h100e_weeks_gain_fraction"])


def has_opposite_sign(row):
    """More of it brings less, though it has waits or is in the cut."""
    return gain(row) < -0.01 and (float(row["share_of_waits"]) >= 0.02 or float(row["share_of_cut"]) >= 0.02)


def table(program):
    rows = ["| world | years x resources | all views agree | one or two say that it binds | opposite sign |", "| --- | ---: | ---: | ---: | ---: |"]
    reasons = []
    for path in [ROOT / "scenarios/compute-famine.json", *sorted(ROOT.glob("scenarios/world-*.json"))]:
        found = [(i + 1, row) for i, overrides in enumerate(points(path.name)) for row in views(program, path.name, overrides)]
        opposite = [(i, row) for i, row in found if has_opposite_sign(row)]
        agree = [row for _, row in found if row["says_it_binds"] in ("none", "waits+re-run+cut") and gain(row) > -0.01]
        n_points = max(i for i, _ in found)
        name = path.stem + (f" ({n_points} points)" if n_points > 1 else "")
        rows.append(f"| {name} | {len(found)} | {len(agree)} | {len(found) - len(agree) - len(opposite)} | {len(opposite)} |")
        for what in sorted({(row["resource"], row["year"]) for _, row in opposite}):
            alike = [(i, row) for i, row in opposite if (row["resource"], row["year"]) == what]
            worst = min(alike, key=lambda entry: gain(entry[1]))[1]
            where = f" (points {', '.join(str(i) for i, _ in alike)})" if n_points > 1 else ""
            reasons.append(f"- {path.stem}{where}, {what[0]} in {what[1]}: {'down to ' if len(alike) > 1 else ''}{gain(worst):+.2g} % compute; {worst['why_views_differ']}.")
    return "\n".join(rows + ([""] + ["Where a resource is waited for or in the cut and more of it brings less:", ""] + reasons if reasons else [])) + "\n"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    marked_tables.update(PAGE, {BEGIN: table(str(pathlib.Path(sys.argv[1]).resolve()))}, "--check" in sys.argv, "the table is not what the program prints; run tools/update_world.py")


if __name__ == "__main__":
    main()
