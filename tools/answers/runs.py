# SPDX-License-Identifier: Apache-2.0
"""Runs of the program and what they gave."""
import csv
import json
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Points:
    """Metrics of a run (one point) or of a sweep."""

    def __init__(self, folder):
        self.folder = folder
        self.summary = json.loads((folder / "summary.json").read_text())
        self._values = {}
        sweep = folder / "tables/metrics.csv"
        if sweep.exists():
            for row in csv.DictReader(sweep.open()):
                dims = tuple(sorted(part.split("=", 1) for part in row["dims"].split(";") if part))
                self._values[int(row["point"]), row["name"], tuple(map(tuple, dims))] = float(row["value"])
        else:
            for metric in self.summary["metrics"]:
                self._values[1, metric["name"], tuple(sorted(metric["dims"].items()))] = metric["value"]

    def n(self):
        return max(point for point, _, _ in self._values)

    def get(self, name, point=1, default=None, **dims):
        key = point, name, tuple(sorted((k, str(v)) for k, v in dims.items()))
        if default is not None:
            return self._values.get(key, default)
        return self._values[key]

    def years(self, name, point=1, **dims):
        """Year -> value."""
        found = {}
        for (at, metric, of), value in self._values.items():
            of = dict(of)
            year = of.pop("year", None)
            if at == point and metric == name and year and of == {k: str(v) for k, v in dims.items()}:
                found[int(year)] = value
        return dict(sorted(found.items()))

    def owners(self, name, year, point=1):
        """Owner -> value of the year."""
        return {dict(of)["owner"]: value for (at, metric, of), value in self._values.items() if at == point and metric == name and dict(of).get("year") == str(year) and "owner" in dict(of)}

    def table(self, name):
        path = self.folder / f"tables/{name}.csv"
        return list(csv.DictReader(path.open())) if path.exists() else []


class Runner:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self._done = {}

    def run(self, scenario):
        """A scenario of scenarios/, run once."""
        if scenario not in self._done:
            out = self.folder / pathlib.Path(scenario).stem
            subprocess.run([self.program, "run", str(ROOT / "scenarios" / scenario), "-o", str(out), "--force"], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
            self._done[scenario] = Points(out)
        return self._done[scenario]


def compact(value):
    """1.23 M, 4.5 G: three digits."""
    for size, text in ((1e15, " P"), (1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{text}"
    return f"{value:.3g}"
