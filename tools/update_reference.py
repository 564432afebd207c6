#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/reference/*.md from the program's own records, or checks that they are fresh.

    tools/update_reference.py PROGRAM [--check]
"""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCENARIOS = ["world", "supply", "training", "serving", "fabric", "fleet", "power"]


def output(program, *arguments):
    return subprocess.run([program, *arguments], check=True, capture_output=True, text=True, cwd=ROOT).stdout


def pages(program):
    catalog_kinds = sorted(path.name for path in (ROOT / "models").iterdir() if path.is_dir())
    note = "Made by `tools/update_reference.py` from the records' declarations; do not edit.\n\n"
    yield "scenarios.md", "# Scenario keys\n\n" + note + "\n".join(output(program, "schema", kind, "--markdown") for kind in SCENARIOS)
    yield "catalog.md", "# Catalog keys\n\n" + note + "\n".join(output(program, "schema", kind, "--markdown") for kind in catalog_kinds)


def main():
    program, check = sys.argv[1], "--check" in sys.argv
    stale = []
    for name, text in pages(program):
        path = ROOT / "docs/reference" / name
        if check and (not path.exists() or path.read_text() != text):
            stale.append(str(path.relative_to(ROOT)))
        elif not check:
            path.write_text(text)
    if stale:
        print("stale, run tools/update_reference.py:", ", ".join(stale))
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
