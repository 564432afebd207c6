# SPDX-License-Identifier: Apache-2.0
"""Every command, JSON and Python block of README.md and of the documentation does what it says."""
import json
import os
import itertools
import re
import shlex
import subprocess

import jsonschema
import pytest

from blocks import ROOT, blocks, blocks_of, pages

LANGUAGES = {"sh", "json", "python", "text", "cpp"}  # the last two show, they do not run


def with_blocks(language):
    found = [(p, [b for b in blocks_of(p) if b.language == language]) for p in pages()]
    return [pytest.param(of_page, id=str(p.relative_to(ROOT))) for p, of_page in found if of_page]


def runnable(of_page):
    left = [b for b in of_page if not b.not_run]
    if not left:
        pytest.skip("; ".join(b.not_run for b in of_page))
    return left


def environment(workplace):
    return {**os.environ, "PATH": f"{workplace}/bin:{os.environ['PATH']}", "HOME": str(workplace)}


def test_every_block_is_of_a_kind_that_is_checked():
    unknown = [f"{b.page}:{b.line}: {b.language or 'no language'}" for p in pages() for b in blocks_of(p) if b.language not in LANGUAGES]
    assert not unknown, "\n".join(unknown)


@pytest.mark.parametrize("of_page", with_blocks("sh"))
def test_commands_run_in_the_order_of_the_page(of_page, workplace):
    for block in runnable(of_page):
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", block.text], cwd=workplace, env=environment(workplace), capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{block.page}:{block.line}\n{block.text}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"


@pytest.mark.parametrize("block", [pytest.param(b, id=f"{b.page}:{b.line}") for b in blocks("json")])
def test_json_blocks_are_what_the_program_reads(block, program, workplace):
    document = json.loads(block.text)
    if "schema" in document:
        file = workplace / "block.json"
        file.write_text(block.text)
        done = subprocess.run([program, "check", file], capture_output=True, text=True, cwd=workplace)
        assert done.returncode == 0, done.stderr
    elif "id" in document:  # a thing of the catalog: its folder is named before the block
        kind = re.findall(r"models/([a-z-]+)/", block.before)[-1]
        schema = json.loads(subprocess.run([program, "schema", kind], check=True, capture_output=True, text=True, cwd=workplace).stdout)
        jsonschema.validate(document, schema)


@pytest.mark.parametrize("of_page", with_blocks("python"))
def test_python_blocks_run_in_the_order_of_the_page(of_page, workplace, monkeypatch):
    pytest.importorskip("waferwatt")
    monkeypatch.chdir(workplace)
    names = {}
    for block in runnable(of_page):
        exec(compile(block.text, f"{block.page}:{block.line}", "exec"), names)


def inline_commands():
    """`waferwatt ...` and `scripts/run ...` in running text and tables."""
    for path in pages():
        for line in path.read_text().splitlines():
            for span in re.findall(r"`((?:build/release/bin/)?waferwatt [^`]+|scripts/run [^`]+)`", line):
                yield pytest.param(str(path.relative_to(ROOT)), span, id=f"{path.name}: {span}")


def help_of(program, *words):
    return subprocess.run([program, *words, "--help"], capture_output=True, text=True)


@pytest.mark.parametrize("page, span", dict.fromkeys(inline_commands()))
def test_commands_in_the_text_have_known_words_and_files(page, span, program):
    words = shlex.split(span)
    command = "run" if words[0] == "scripts/run" else words[1]
    if command.startswith("-"):
        return
    told = help_of(program, command)
    assert told.returncode == 0, f"{page}: {told.stderr}"
    for word in words[1:]:
        if word.startswith("-"):
            assert re.search(rf"(^|\s){re.escape(word.split('=')[0])}\b", told.stdout), f"{page}: {span}: no option {word}"
        if word.endswith(".json") and "/" in word and not re.search(r"[A-Z*<]", word):
            assert (ROOT / word).exists(), f"{page}: {span}: no file {word}"


def examples(program):
    listing = subprocess.run([program, "completion", "bash"], check=True, capture_output=True, text=True).stdout
    return re.search(r'compgen -W "([^"]+)"', listing)[1].replace("--help --version", "").split()


def test_examples_of_the_help_are_commands_of_the_program(program):
    for command in examples(program):
        told = help_of(program, command).stdout
        lines = list(itertools.takewhile(lambda line: line.startswith(" "), told.split("examples:\n")[1].splitlines()))
        assert lines and all(f"waferwatt {command}" in line for line in lines), told
        for line in lines:
            for word in re.findall(r"scenarios/[\w./-]+\.json", line):
                assert (ROOT / word).exists(), f"{command}: {line}"
