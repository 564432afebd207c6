# SPDX-License-Identifier: Apache-2.0
"""What a person has at a terminal: colours only there, completion, the manual page."""
import json
import os
import pty
import re
import shutil
import subprocess

import pytest
from results import ROOT

RUN = ["run", "scenarios/compute-famine.json", "--force"]


def on_terminal(words, **variables):
    """What a program writes when its output is a terminal."""
    main, side = pty.openpty()
    environment = {**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TERM": "xterm", **variables}
    if "NO_COLOR" not in variables:
        environment.pop("NO_COLOR", None)
    child = subprocess.Popen(words, stdout=side, stderr=side, cwd=ROOT, env=environment)
    os.close(side)
    text = b""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:
            break
        if not part:
            break
        text += part
    os.close(main)
    assert child.wait() == 0, text.decode()
    return text.decode()


def test_colours_and_small_curves_are_for_terminals_only(program, tmp_path):
    words = [program, *RUN, "-o", str(tmp_path / "out")]
    plain = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert "\033" not in plain and "▁" not in plain
    shown = on_terminal(words)
    assert "\033[1m" in shown and "▁" in shown
    uncoloured = on_terminal(words, NO_COLOR="1")
    assert "\033[1m" not in uncoloured and "\033[2m" not in uncoloured and "▁" in uncoloured
    assert "▁" not in on_terminal(words, LANG="C", LC_ALL="C")


@pytest.mark.parametrize("line, expected", [("waferwatt comp", "compare"), ("waferwatt run --fo", "--force"), ("waferwatt validate ser", "serving"), ("waferwatt schema train", "training")])
def test_bash_completes(program, line, expected):
    script = f"""source <({program} completion bash)
        COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _waferwatt; echo "${{COMPREPLY[@]}}" """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    assert expected in done.stdout.split(), done.stderr


def test_zsh_reads_its_completion(program, tmp_path):
    zsh = shutil.which("zsh") or pytest.skip("zsh is not installed")
    file = tmp_path / "_waferwatt"
    file.write_text(subprocess.run([program, "completion", "zsh"], check=True, capture_output=True, text=True).stdout)
    assert subprocess.run([zsh, "-n", file], capture_output=True, text=True).stderr == ""


def test_the_manual_page_is_clean(program, tmp_path):
    groff = shutil.which("groff") or pytest.skip("groff is not installed")
    page = subprocess.run([program, "man"], check=True, capture_output=True, text=True).stdout
    done = subprocess.run([groff, "-man", "-Tutf8", "-ww"], input=page, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""
    shown = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout)  # bold, by colours or by overstriking
    assert re.search(r"waferwatt\s+validate\s+SET", shown)


def test_the_report_of_a_folder_is_written_again(program, runs, tmp_path):
    run, file = runs["fleet-shared-site"], tmp_path / "again.html"
    subprocess.run([program, "report", run.folder, "-o", file], cwd=ROOT, check=True, capture_output=True)
    assert file.read_text() == run.page.read_text()
    done = subprocess.run([program, "report", tmp_path / "none"], capture_output=True, text=True)
    assert done.returncode == 3 and "no such results folder" in done.stderr


def told_json(program, *words, status=0):
    done = subprocess.run([program, *words, "--json"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)


def test_answers_of_commands_are_json_on_request(program, tmp_path):
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"schema": "waferwatt.scenario/1", "kind": "training", "name": "x", "question": "y", "modle": 1}')
    good, bad = told_json(program, "check", "scenarios/train-llama3-70b-h100.json", wrong, status=3)
    assert good == {"file": "scenarios/train-llama3-70b-h100.json", "ok": True, "kind": "training", "name": "Llama 3 70B on 2,048 H100"}
    assert not bad["ok"] and any("modle" in d["message"] and d["line"] == 1 and d["path"] == "/modle" for d in bad["diagnostics"])
    explained = told_json(program, "explain", "scenarios/train-llama3-70b-h100.json")
    assert explained["scenario"]["kind"] == "training" and all(value["source"] for value in explained["values"]) and len(explained["values"]) > 20
    kinds = told_json(program, "catalog")
    assert {"kind", "things", "what they are"} == set(kinds[0]) and kinds == told_json(program, "catalog", "list")
    assert {"id": "nvidia-h100-sxm", "name": "NVIDIA H100 SXM5 80 GB"} in told_json(program, "catalog", "list", "accelerators")
    assert {"id", "date", "title", "publisher", "where"} == set(told_json(program, "catalog", "sources")[0])
    plans = told_json(program, "plan", "scenarios/train-llama3-70b-h100.json", "--objective", "memory")
    assert [p["rank"] for p in plans["plans"]] == list(range(1, len(plans["plans"]) + 1)) and plans["plans"][0]["why"] == "best"
    assert plans["question"].endswith("least memory for an iteration?") and plans["pareto"]


def test_a_search_finds_the_same_twice(program):
    first, second = (told_json(program, "plan", "scenarios/train-llama3-70b-h100.json", "--jobs", n) for n in ("1", "2"))
    assert {k: v for k, v in first.items() if k != "provenance"} == {k: v for k, v in second.items() if k != "provenance"}
