# SPDX-License-Identifier: Apache-2.0
"""Every notebook runs from its first cell to its last; the claims in it are asserts of its own."""
import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"


@pytest.mark.parametrize("name", sorted(file.name for file in FOLDER.glob("*.ipynb")))
def test_a_notebook_runs(name, tmp_path, monkeypatch):
    """Its cells one after the other in one namespace: notebooks here are plain Python, without a kernel's own commands."""
    pytest.importorskip("matplotlib").use("Agg")
    notebook = json.loads((FOLDER / name).read_text())
    assert notebook["nbformat"] == 4
    assert not any(cell.get("outputs") for cell in notebook["cells"]), "notebooks are kept without outputs"
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"{name}, cell {number}", "exec"), names)


def test_the_documentation_names_all_notebooks():
    page = (FOLDER.parent / "docs" / "python.md").read_text()
    for file in FOLDER.glob("*.ipynb"):
        assert file.name in page, f"{file.name} is not in docs/python.md"
