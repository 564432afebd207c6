# SPDX-License-Identifier: Apache-2.0
"""The documentation builds without a warning, and every page is reached from its menu."""
import re
import subprocess
import sys

import pytest
import yaml
from blocks import ROOT

pytest.importorskip("mkdocs", reason="mkdocs-material is not installed: pip install .[docs]")


class Loader(yaml.SafeLoader):
    """mkdocs.yml without the tags that only mkdocs knows."""


Loader.add_multi_constructor("", lambda loader, suffix, node: None)


def pages_of(nav):
    for entry in nav:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            yield from pages_of(value) if isinstance(value, list) else [value]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run([sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_is_built_and_in_the_menu(site):
    menu = set(pages_of(yaml.load((ROOT / "mkdocs.yml").read_text(), Loader)["nav"]))
    written = {str(p.relative_to(ROOT / "docs")) for p in (ROOT / "docs").rglob("*.md")}
    decisions = {p for p in written if p.startswith("decisions/") and p != "decisions/index.md"}
    listed = {f"decisions/{name}" for name in re.findall(r"\]\((\d+[\w.-]+\.md)\)", (ROOT / "docs/decisions/index.md").read_text())}
    answers = {p for p in written if p.startswith("answers/")}  # listed by their README
    assert written - menu - decisions - answers == set(), "pages that no menu of mkdocs.yml leads to"
    assert decisions == listed, "docs/decisions/index.md: run tools/update_reference.py"
    assert all((site / p.replace("README", "index")).with_suffix(".html").exists() for p in menu)


def test_pages_load_nothing_from_a_network(site):
    for page in site.rglob("*.html"):
        loaded = re.findall(r'<(?:script|img|iframe)[^>]+src="(https?:[^"]+)|<link[^>]+rel="stylesheet"[^>]+href="(https?:[^"]+)', page.read_text())
        assert not loaded, f"{page.name}: {loaded}"
