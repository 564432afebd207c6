# SPDX-License-Identifier: Apache-2.0
"""What a run gives back."""
from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _core
from ._frames import frame, metrics_frame

if TYPE_CHECKING:
    import pandas as pd

    from ._plot import Plots


class Result:
    """The content of a results folder, in memory."""

    def __init__(self, run: _core.Run) -> None:
        self._run = run
        self.summary: dict[str, Any] = json.loads(run.summary())

    @property
    def name(self) -> str:
        return str(self.summary["name"])

    @property
    def kind(self) -> str:
        return str(self.summary["kind"])

    @property
    def question(self) -> str:
        return str(self.summary["question"])

    @property
    def headline(self) -> str:
        """The sentence that answers the question."""
        return str(self.summary["headline"])

    @property
    def infeasible(self) -> str | None:
        """Why there is no solution; None when there is one."""
        return self.summary.get("infeasible")

    @property
    def resolved(self) -> dict[str, Any]:
        """The scenario with overrides applied and defaults filled in."""
        resolved: dict[str, Any] = json.loads(self._run.resolved())
        return resolved

    @property
    def metrics(self) -> pd.DataFrame:
        """The metrics as a DataFrame: name, one column for each dimension, value, unit, low, high."""
        return metrics_frame(self.summary["metrics"])

    def metric(self, name: str, **dims: object) -> float:
        """The value of one metric; KeyError unless exactly one fits."""
        wanted = {key: str(value) for key, value in dims.items()}
        found = [m for m in self.summary["metrics"] if m["name"] == name and wanted.items() <= m["dims"].items()]
        if len(found) != 1:
            known = ", ".join(dict.fromkeys(m["name"] for m in self.summary["metrics"]))
            raise KeyError(f"{len(found)} metrics are named {name!r} with {wanted}; metrics: {known}")
        return float(found[0]["value"])

    @property
    def tables(self) -> list[str]:
        """Names of the tables."""
        return self._run.table_names()

    def table(self, name: str) -> pd.DataFrame:
        """A table as a DataFrame over the run's own columns."""
        return frame(self._run.table(name))

    @property
    def ledger(self) -> pd.DataFrame:
        """Every charge: who waited for what, and how much."""
        return frame(self._run.ledger())

    def binds(self) -> pd.DataFrame:
        """What binds, strongest first: resource, scope, share, text."""
        import pandas as pd

        return pd.DataFrame(self.summary["binds"], columns=["resource", "scope", "share", "text"])

    @property
    def plot(self) -> Plots:
        """Pictures: ``result.plot.binds()``, ``.metric(name)``, ``.table(name, x, y)``, ``.ledger()``."""
        from ._plot import Plots

        return Plots(self)

    def save(self, folder: str | os.PathLike[str], replace: bool = False) -> None:
        """Writes the results folder. InputError when it exists, unless ``replace``."""
        self._run.save(os.fspath(folder), replace)

    def to_parquet(self, folder: str | os.PathLike[str]) -> None:
        """Writes metrics, binds, ledger and every table as Parquet files of a folder, which is made (pyarrow)."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        frames = {"metrics": self.metrics, "binds": self.binds(), "ledger": self.ledger}
        frames.update((f"table-{name}", self.table(name)) for name in self.tables)
        for name, data in frames.items():
            data.to_parquet(target / f"{name}.parquet", index=False)
        (target / "summary.json").write_text(json.dumps(self.summary, indent=2))

    def html(self) -> str:
        """The report, a whole HTML page."""
        return self._run.html()

    def __repr__(self) -> str:
        return f"<waferwatt.Result {self.name}: {self.infeasible or self.headline}>"

    def _repr_html_(self) -> str:
        import html

        answer = html.escape(self.infeasible or self.headline)
        return f"<h4>{html.escape(self.question or self.name)}</h4><p>{answer}</p>{self.binds().to_html(index=False)}{self.metrics.to_html(index=False)}"
