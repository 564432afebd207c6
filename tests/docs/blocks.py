# SPDX-License-Identifier: Apache-2.0
"""Fenced blocks of Markdown pages. A block that cannot be run says so in the line before it: <!-- not run: the reason -->"""
import pathlib
import re
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(\w*)")
NOT_RUN = re.compile(r"<!-- not run: (.+) -->")


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    language: str
    text: str
    before: str    # the page up to the block
    not_run: str   # the reason, or ""


def pages():
    """README.md and the documentation, what is generated from the program apart."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [p for p in found if "reference" not in p.parts]


def blocks_of(path):
    lines, blocks, at = path.read_text().splitlines(), [], 0
    while at < len(lines):
        if opening := FENCE.match(lines[at]):
            end = next(i for i in range(at + 1, len(lines)) if lines[i].startswith("```"))
            marked = NOT_RUN.search(lines[at - 1]) if at > 0 else None
            blocks.append(Block(str(path.relative_to(ROOT)), at + 1, opening[1], "\n".join(lines[at + 1:end]), "\n".join(lines[:at]), marked[1] if marked else ""))
            at = end
        at += 1
    return blocks


def blocks(language):
    return [b for p in pages() for b in blocks_of(p) if b.language == language]
