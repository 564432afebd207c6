#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the table of held-out errors in docs/models/cost.md from `waferwatt validate kernels`.

usage: update_accuracy.py WAFERWATT [--check]      --check: exit 1 if the page holds another table
"""
import json
import pathlib
import subprocess
import sys

import marked_tables

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs/models/cost.md"
BEGIN = "<!-- held-out errors: tools/update_accuracy.py -->\n"


def table(program):
    report = json.loads(subprocess.run([program, "validate", "kernels", "--json"], check=True, capture_output=True, text=True).stdout)
    rows = ["| accelerator, operator, format | rows | median % | mean % | p90 % | bias % |", "| --- | ---: | ---: | ---: | ---: | ---: |"]
    errors = [(name, group["time"]) for name, group in sorted(report["groups"].items())] + [("all", report["metrics"]["time"])]
    for name, e in errors:
        rows.append(f"| {name} | {e['n']} | {e['median_abs_pct']:.1f} | {e['mean_abs_pct']:.1f} | {e['p90_abs_pct']:.1f} | {e['bias_pct']:+.1f} |")
    return "\n".join(rows) + "\n"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    marked_tables.update(PAGE, {BEGIN: table(sys.argv[1])}, "--check" in sys.argv,
                         "the table is not what `waferwatt validate kernels` prints; run tools/update_accuracy.py")


if __name__ == "__main__":
    main()
