# SPDX-License-Identifier: Apache-2.0
"""Results folders of shipped scenarios."""
import csv
import json
import pathlib
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Small scenarios that together draw every picture of every kind, and what is set in them.
FEW_DRAWS = ["--set", 'monte_carlo={"runs": 8}']
SCENARIOS = {"compute-famine": [], "supply-cowos-2024": FEW_DRAWS, "supply-double-ordering": [], "supply-h20-letter": FEW_DRAWS, "train-llama3-70b-h100": [], "serve-llama3-70b-azure-like": [],
             "fleet-shared-site": [], "fabric-oversubscription": [], "power-nuclear-gas-grid": [], "power-heat-wave-texas": [], "power-swings-100k-h100": [],
             "power-claim-500t": [], "power-sustainability-cliff": [], "sweep-llama3-70b-batch": [], "fleet-carbon-three-regions": []}


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
            if '"ph": "C"' in (self.folder / "trace.json").read_text():
                tables["trace_counters"] = {"process", "name", "time_s", "value"}
            tables["trace"] = {"process", "thread", "name", "category", "start_s", "duration_s"}
        return tables
