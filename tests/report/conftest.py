# SPDX-License-Identifier: Apache-2.0
import csv
import json
import os
import pathlib
import subprocess
import sys
from dataclasses import dataclass

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Small scenarios that together draw every picture of every kind.
SCENARIOS = ["compute-famine", "supply-cowos-2024", "supply-2026", "train-llama3-70b-h100", "serve-llama3-70b-azure-like", "fleet-shared-site",
             "fabric-oversubscription", "power-nuclear-gas-grid", "power-heat-wave-texas", "power-swings-100k-h100", "power-claim-500t",
             "power-sustainability-cliff", "sweep-llama3-70b-batch"]


@pytest.fixture(scope="session")
def program():
    """The program under test: WAFERWATT_PROGRAM, or that of the installed package, or a build."""
    beside = pathlib.Path(sys.executable).with_name("waferwatt")
    for candidate in (os.environ.get("WAFERWATT_PROGRAM"), beside, ROOT / "build/ci/bin/waferwatt", ROOT / "build/release/bin/waferwatt"):
        if candidate and pathlib.Path(candidate).exists():
            os.environ["WAFERWATT_MODELS"] = str(ROOT / "models")
            return str(pathlib.Path(candidate).absolute())
    pytest.fail("there is no program to test: scripts/build release waferwatt")


@dataclass
class Run:
    name: str
    folder: pathlib.Path

    @property
    def summary(self):
        return json.loads((self.folder / "summary.json").read_text())

    @property
    def page(self):
        return self.folder / "report.html"

    def columns(self):
        """Columns of each table of the folder, the words of the summary as the page has them."""
        files = {p.stem: p for p in (self.folder / "tables").glob("*.csv")}
        if (self.folder / "ledger.csv").exists():
            files["ledger"] = self.folder / "ledger.csv"
        tables = {}
        for name, file in files.items():
            with file.open(newline="") as lines:
                rows = csv.reader(lines)
                titles = next(rows)
                if next(rows, None) is not None:
                    tables[name] = set(titles)
        dims = {d for m in self.summary["metrics"] for d in m["dims"]}
        tables["metrics"] = {"name", "value", "unit", "low", "high", "of"} | dims
        if self.summary["binds"]:
            tables["binds"] = {"resource", "scope", "share"}
        if (self.folder / "trace.json").exists():
            tables["trace"] = {"process", "thread", "name", "category", "start_s", "duration_s"}
        return tables


@pytest.fixture(scope="session")
def runs(program, tmp_path_factory):
    """The results folder of each scenario, by name."""
    folder = tmp_path_factory.mktemp("results")
    found = {}
    for name in SCENARIOS:
        done = subprocess.run([program, "run", f"scenarios/{name}.json", "-o", folder / name], cwd=ROOT, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        found[name] = Run(name, folder / name)
    return found
