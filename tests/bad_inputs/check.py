#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every message about a wrong input, word for word.

usage: check.py PROGRAM [--update]

Each <what>.json beside this file is run; what the program says on standard error has to be
<what>.expected, its exit status 3, and nothing may be written. Cases that no single file can show
are in SPECIAL, with their messages in special/<what>.expected. --update rewrites the messages.
"""
import difflib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOUND = HERE.parent.parent / "scenarios"


def run(program, *words, folder=HERE, **variables):
    return subprocess.run([program, *words], cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, errors="backslashreplace", timeout=300)


def sound_scenario():
    """A scenario that could be run, were it not for what the case adds."""
    return str(sorted(SOUND.glob("supply-*.json"))[0])


def spoilt_catalog(program, temporary):
    """Shares above one, a yield above one, nodes that share capacity in a circle, and a part for nobody."""
    shutil.copytree(HERE.parent.parent / "models", temporary / "models")
    for file, old, new in [
        ("packaging-families/tsmc-cowos.json", '["2024-01", 0.61]', '["2024-01", 0.95]'),
        ("packaging/tsmc-cowos-r.json", '["2024-01", 0.96]', '["2024-01", 1.96]'),
        ("memories/hbm3.json", '["2022-06", 0.75], ["2023-07", 0.8]', '["2023-07", 0.8], ["2022-06", 0.75]'),
        ("nodes/tsmc-n7.json", '"foundry": "tsmc",', '"foundry": "tsmc", "capacity_of": "tsmc-n7",'),
        ("memory-makers/micron-hbm.json", '"customer": "nvidia"', '"customer": "nvidea"'),
        ("parts/nvl72-racks.json", '"nvidia-gb200"', '"nvidia-gb202"'),
    ]:
        path = temporary / "models" / file
        text = path.read_text()
        assert old in text, (file, old)
        path.write_text(text.replace(old, new, 1))
    return run(program, "catalog", "sources", folder=temporary, WAFERWATT_MODELS="models")


def huge_file(program, temporary):
    (temporary / "huge.json").write_text('{"schema": "waferwatt.scenario/1", "x": [' + "1234567, " * 22_250_000 + "1]}")
    return run(program, "run", "huge.json", folder=temporary)


def deep_file(program, temporary):
    (temporary / "deep.json").write_text("[" * 100_000)
    return run(program, "run", "deep.json", folder=temporary)


def unreadable_bytes(program, temporary):
    (temporary / "bytes.json").write_bytes(b'{"schema": "\xff\xfe"}')
    return run(program, "run", "bytes.json", folder=temporary)


def existing_results(program, temporary):
    (temporary / "out").mkdir()
    (temporary / "out" / "summary.json").write_text("{}")
    return run(program, "run", sound_scenario(), "-o", "out", folder=temporary)


def foreign_folder(program, temporary):
    (temporary / "out").mkdir()
    (temporary / "out" / "thesis.txt").write_text("precious")
    done = run(program, "run", sound_scenario(), "-o", "out", "--force", folder=temporary)
    assert (temporary / "out" / "thesis.txt").read_text() == "precious"
    return done


def results_over_a_file(program, temporary):
    (temporary / "out").write_text("precious")
    return run(program, "run", sound_scenario(), "-o", "out", "--force", folder=temporary)


SPECIAL = {
    "missing_file": (3, lambda program, _: run(program, "run", "no_such_file.json")),
    "folder_instead_of_file": (3, lambda program, temporary: run(program, "run", ".", folder=temporary)),
    "huge_file": (3, huge_file),
    "deep_file": (3, deep_file),
    "unreadable_bytes": (3, unreadable_bytes),
    "existing_results": (3, existing_results),
    "foreign_folder": (3, foreign_folder),
    "results_over_a_file": (3, results_over_a_file),
    "wrong_override": (3, lambda program, _: run(program, "run", sound_scenario(), "--set", "no_such_key.value=1")),
    "override_with_empty_part": (3, lambda program, _: run(program, "run", sound_scenario(), "--set", "a..b=1")),
    "two_files_checked": (3, lambda program, _: run(program, "check", "empty_file.json", "unknown_kind.json")),
    "catalog_unknown_id": (3, lambda program, _: run(program, "catalog", "show", "nvidia-h100-sxn")),
    "catalog_unknown_kind": (3, lambda program, _: run(program, "catalog", "list", "accelerator")),
    "spoilt_catalog": (3, spoilt_catalog),
    "compare_no_results": (3, lambda program, _: run(program, "compare", "no_such_a", "special")),
    "usage_no_command": (2, lambda program, _: run(program)),
    "usage_unknown_command": (2, lambda program, _: run(program, "chekc", "x.json")),
    "usage_unknown_option": (2, lambda program, _: run(program, "run", "x.json", "--forse")),
    "usage_missing_value": (2, lambda program, _: run(program, "run", "x.json", "--seed")),
    "usage_wrong_number": (2, lambda program, _: run(program, "run", "x.json", "--seed", "-1")),
    "usage_repeated_option": (2, lambda program, _: run(program, "run", "x.json", "--seed", "1", "--seed", "2")),
    "usage_set_without_value": (2, lambda program, _: run(program, "run", "x.json", "--set", "seed")),
    "usage_two_files": (2, lambda program, _: run(program, "run", "x.json", "y.json")),
    "usage_no_file": (2, lambda program, _: run(program, "run")),
    "usage_unknown_schema": (2, lambda program, _: run(program, "schema", "trainin")),
    "usage_compare_one": (2, lambda program, _: run(program, "compare", "a")),
}


def judge(name, done, status, expected, update):
    """Problems of one case, as text; empty when it is as expected."""
    if update:
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(done.stderr)
    wanted = expected.read_text() if expected.exists() else ""
    problems = []
    if done.returncode != status:
        problems.append(f"{name}: exit status {done.returncode}, expected {status}")
    if done.stdout:
        problems.append(f"{name}: standard output is not empty:\n{done.stdout[:2000]}")
    if done.stderr != wanted:
        lines = difflib.unified_diff(wanted.splitlines(), done.stderr.splitlines(), str(expected.relative_to(HERE)), "now", lineterm="")
        problems.append("\n".join([f"{name}: another message", *lines]))
    return "\n".join(problems)


def cases(program, update):
    """Yields the problems of each case."""
    for file in sorted(HERE.glob("*.json")):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out"
            done = run(program, "run", file.name, "-o", str(out))
            problem = judge(file.stem, done, 3, file.with_suffix(".expected"), update)
            if out.exists():
                problem += f"\n{file.stem}: results were written"
            yield problem
    for name, (status, action) in SPECIAL.items():
        with tempfile.TemporaryDirectory() as folder:
            yield judge(name, action(program, Path(folder)), status, HERE / "special" / f"{name}.expected", update)


def main():
    program, update = str(Path(sys.argv[1]).resolve()), "--update" in sys.argv[2:]
    results = list(cases(program, update))
    problems = [problem for problem in results if problem]
    if (HERE / "results").exists():
        problems.append("a folder results/ was written")
    print("\n\n".join([*problems, f"{len(results) - len(problems)} of {len(results)} cases as expected"]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
