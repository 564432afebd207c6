#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Results of scenarios against kept ones, metric by metric.

usage: check.py PROGRAM [--update]

A case is <case>.json:
  {"scenario": "../../scenarios/x.json", "overrides": ["a.b=1"], "tolerance": 1e-6,
   "metrics": [{"name": ..., "dims": {...}, "value": ..., "tolerance": 0.01}]}
The scenario is relative to the case; "overrides" and tolerances (relative; default 1e-6) may be absent.
--update writes the present values (tools/update_golden.py); a new case may start with "metrics": [].
"""
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOLERANCE = 1e-6


def run(program, scenario, overrides):
    """The summary of a run and the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        options = [word for override in overrides for word in ("--set", override)]
        command = [program, "run", str(scenario), "-o", f"{folder}/out", "--json", *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1200)
    if done.returncode not in (0, 4) or not done.stdout:
        raise RuntimeError(f"exit status {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def key_of(metric):
    return metric["name"], tuple(sorted(metric.get("dims", {}).items()))


def label(key):
    name, dims = key
    return name + ("" if not dims else " (" + ", ".join(f"{k} {v}" for k, v in dims) + ")")


def change(old, new):
    return "" if old in (None, 0) or new is None else f"{(new / old - 1) * 100:+.4f} %"


def differences(case, summary):
    """Rows (metric, old, new, change) of what is out of tolerance."""
    now = {key_of(metric): metric["value"] for metric in summary["metrics"]}
    rows = []
    for metric in case["metrics"]:
        key, old, new = key_of(metric), metric["value"], now.get(key_of(metric))
        tolerance = metric.get("tolerance", case.get("tolerance", TOLERANCE))
        same = old is None and new is None or None not in (old, new) and math.isclose(old, new, rel_tol=tolerance, abs_tol=1e-12)
        if not same:
            rows.append((label(key), str(old), "absent" if key not in now else str(new), change(old, new)))
    return rows


def table(rows):
    rows = [("metric", "old", "new", "change"), *rows]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    return "\n".join("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def updated(case, summary):
    """The case with the values of a run; tolerances stay."""
    kept = {key_of(metric): metric.get("tolerance") for metric in case["metrics"]}
    metrics = []
    for metric in summary["metrics"]:
        entry = {"name": metric["name"], "dims": metric["dims"], "value": metric["value"]}
        if kept.get(key_of(metric)) is not None:
            entry["tolerance"] = kept[key_of(metric)]
        metrics.append(entry)
    return {**case, "metrics": metrics}


def write_case(file, case):
    """One metric a line, so that a difference is one line."""
    head = {key: value for key, value in case.items() if key != "metrics"}
    lines = ",\n".join("    " + json.dumps(metric) for metric in case["metrics"])
    body = "".join(f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items())
    file.write_text(f'{{\n{body}  "metrics": [\n{lines}\n  ]\n}}\n')


def main():
    program, update = str(Path(sys.argv[1]).resolve()), "--update" in sys.argv[2:]
    files = sorted(HERE.glob("*.json"))
    n_failed = 0
    for file in files:
        case = json.loads(file.read_text())
        try:
            summary = run(program, (HERE / case["scenario"]).resolve(), case.get("overrides", []))
        except RuntimeError as error:
            n_failed += 1
            print(f"{file.stem}: {error}")
            continue
        rows = differences(case, summary)
        if update:
            write_case(file, updated(case, summary))
        elif rows:
            n_failed += 1
        if rows:
            print(f"{file.stem}: {'updated' if update else 'out of tolerance'}\n{table(rows)}\n")
        if not case["metrics"] and not update:
            n_failed += 1
            print(f"{file.stem}: the case has no metrics; run tools/update_golden.py")
    print(f"{len(files) - n_failed} of {len(files)} cases within tolerance")
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
