#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the two tables of docs/models/supply.md: what `waferwatt validate supply` prints, and whose uncertainty matters most.

usage: update_supply.py WAFERWATT [--check]      --check: exit 1 if the page holds other tables
"""
import csv
import json
import pathlib
import subprocess
import sys
import tempfile

import marked_tables

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/models/supply.md"
N_INPUTS = 8


def compact(n):
    for size, letter in [(1e9, " G"), (1e6, " M"), (1e3, " k")]:
        if abs(n) >= size:
            return f"{n / size:.3g}{letter}"
    return f"{n:.3g}"


def accuracy(program):
    report = json.loads(subprocess.run([program, "validate", "supply", "--json"], check=True, capture_output=True, text=True).stdout)
    rows = ["| test | what | foretold | outcome | error | 80 % band |", "| --- | --- | ---: | ---: | ---: | --- |"]
    quarters = []
    for case in report["cases"]:
        dims = " ".join(case["dims"].values())
        band = f"{compact(case['low'])} to {compact(case['high'])}" + ("" if case["covered"] else ", missed") if "low" in case else ""
        error = f"{case['error_pct']:+.1f} %" if case["outcome"] else ""
        rows.append(f"| {case['id']} | {case['metric'].replace('_', ' ')} {dims} | {compact(case['foretold'])} | {compact(case['outcome'])} | {error} | {band} |")
        if "quarter" in case["dims"] and "low" in case:
            quarters.append(case["covered"])
    rows += ["", f"The band covers {sum(quarters)} of {len(quarters)} quarters, and {sum(c.get('covered', False) for c in report['cases'])} of {len(report['cases'])} outcomes in all."]
    return "\n".join(rows) + "\n"


def uncertainty(program):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out"
        subprocess.run([program, "run", str(ROOT / "scenarios/supply-2026.json"), "-o", str(out)], check=True, capture_output=True)
        shares = list(csv.DictReader((out / "tables/sensitivity.csv").open()))
        swings = {row["input"]: float(row["swing_accelerators"]) for row in csv.DictReader((out / "tables/tornado.csv").open())}
    rows = ["| input | part of the variance | swing from low to high |", "| --- | ---: | ---: |"]
    for row in shares[:N_INPUTS]:
        rows.append(f"| {row['input']} | {100 * float(row['first_order_share_of_variance']):.0f} % | {compact(swings[row['input']])} |")
    return "\n".join(rows) + "\n"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program = sys.argv[1]
    marked_tables.update(PAGE, {"<!-- accuracy: tools/update_supply.py -->\n": accuracy(program), "<!-- uncertainty: tools/update_supply.py -->\n": uncertainty(program)},
                         "--check" in sys.argv, "the tables are not what the program prints; run tools/update_supply.py")


if __name__ == "__main__":
    main()
