#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/answers/*.md and their pictures from runs of the scenario library.

usage: update_answers.py PROGRAM [--only NAME...] [--results DIR]      (needs matplotlib)
"""
import argparse
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from answers import figures  # noqa: E402
from answers.questions import QUESTIONS  # noqa: E402
from answers.runs import ROOT, Runner  # noqa: E402

FOLDER = ROOT / "docs/answers"
NOTE = "Made by `tools/update_answers.py` from the runs named below; do not edit.\n\n"


def page(title, scenarios, paragraph, picture):
    question = json.loads((ROOT / "scenarios" / scenarios[0]).read_text())["question"]
    commands = "\n".join(f"build/release/bin/waferwatt run scenarios/{name}" for name in scenarios)
    return (f"# {title}\n\n{NOTE}**Question.** {question}\n\n**Answer.** {paragraph}\n\n![{title}]({picture})\n\n"
            f"How to see it:\n\n<!-- not run: tools/update_answers.py runs it -->\n```sh\n{commands}\n```\n\nWhat the model holds and leaves out, and how far it can be trusted: [world](../models/world.md).\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "build/answers")
    options = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    options.results.mkdir(parents=True, exist_ok=True)
    runner = Runner(str(pathlib.Path(options.program).resolve()), options.results)
    for name, title, scenarios, answer in QUESTIONS:
        if options.only and name not in options.only:
            continue
        paragraph = answer(runner.run, FOLDER / f"{name}.png")
        (FOLDER / f"{name}.md").write_text(page(title, scenarios, paragraph, f"{name}.png"))
        print(name)
    if not options.only or "figures" in options.only:
        (FOLDER / "figures.md").write_text(figures.page(runner.run, NOTE))
    rows = "\n".join(f"- [{title}]({name}.md)" for name, title, _, _ in QUESTIONS)
    (FOLDER / "README.md").write_text(f"# Answers\n\n{NOTE}{rows}\n- [Circulated figures, checked](figures.md)\n")


if __name__ == "__main__":
    main()
