#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/reference/*.md from the program's own records, or checks that they are fresh.

    tools/update_reference.py PROGRAM [--check]
"""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCENARIOS = ["scenario", "world", "supply", "training", "serving", "fabric", "fleet", "power"]


def output(program, *arguments):
    return subprocess.run([program, *arguments], check=True, capture_output=True, text=True, cwd=ROOT).stdout


def command_line(program):
    """The help of every command."""
    listing = output(program, "--help")
    names = [line.split()[0] for line in listing.split("usage:")[1].splitlines()[1:] if line.startswith("  ") and not line.startswith("  -") and line.strip()]
    names = names[:names.index("man") + 1]
    fold = lambda text: "```text\n" + text.rstrip() + "\n```\n"
    return fold(listing) + "".join(f"\n## {name}\n\n" + fold(output(program, name, "--help")) for name in names)


def decisions():
    """The list of decisions."""
    paths = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    lines = [f"- [{path.read_text().splitlines()[0].removeprefix('# ')}]({path.name})\n" for path in paths]
    return "# Decisions\n\nWhere the code leaves the obvious way, a page says why.\n\n" + "".join(lines)


def pages(program):
    catalog_kinds = sorted(path.name for path in (ROOT / "models").iterdir() if path.is_dir())
    note = "Made by `tools/update_reference.py` from the records' declarations; do not edit.\n\n"
    yield "scenarios.md", "# Scenario keys\n\n" + note + "\n".join(output(program, "schema", kind, "--markdown") for kind in SCENARIOS)
    yield "catalog.md", "# Catalog keys\n\n" + note + "\n".join(output(program, "schema", kind, "--markdown") for kind in catalog_kinds)
    yield "../decisions/index.md", decisions()
    yield "command-line.md", "# Command line\n\n" + note.replace("the records' declarations", "the program's help") + command_line(program)


def main():
    program, check = sys.argv[1], "--check" in sys.argv
    stale = []
    for name, text in pages(program):
        path = ROOT / "docs/reference" / name
        if check and (not path.exists() or path.read_text() != text):
            stale.append(str(path.resolve().relative_to(ROOT)))
        elif not check:
            path.write_text(text)
    if stale:
        print("stale, run tools/update_reference.py:", ", ".join(stale))
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
