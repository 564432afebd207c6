# SPDX-License-Identifier: Apache-2.0
"""What a sweep gives back."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._frames import metrics_frame

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas as pd
    import xarray as xr


class SweepResult:
    """Points of a sweep: ``points`` (one row each), ``metrics`` (tidy), ``to_xarray()``, ``plot()``."""

    def __init__(self, points: list[dict[str, Any]], records: list[dict[str, Any]]) -> None:
        import pandas as pd

        self._axes = pd.DataFrame(points)
        self._records = records

    @property
    def axes(self) -> list[str]:
        """Names of the axes."""
        return list(self._axes.columns)

    @property
    def points(self) -> pd.DataFrame:
        """One row a point: its axes, status, error, binds, and the metrics without dimensions as ``name_unit``."""
        import pandas as pd

        rows = [
            {"status": r["status"], "error": r["error"], "binds": r["binds"], **{_column(m): m["value"] for m in r["metrics"] if not m["dims"]}}
            for r in self._records
        ]
        return pd.concat([self._axes, pd.DataFrame(rows)], axis=1)

    @property
    def metrics(self) -> pd.DataFrame:
        """Every metric of every point: axes, name, dimensions, value, unit, low, high."""
        import pandas as pd

        frames = []
        for i, record in enumerate(self._records):
            if record["metrics"]:
                frame = metrics_frame(record["metrics"])
                for path in reversed(self.axes):
                    value = self._axes.iloc[i][path]
                    frame.insert(0, path, [value] * len(frame))
                frames.append(frame)
        return pd.concat(frames, ignore_index=True) if frames else metrics_frame([])

    @property
    def failed(self) -> pd.DataFrame:
        """The points that gave no result, with their errors."""
        points = self.points
        return points[points["status"] != "ok"][[*self.axes, "status", "error"]]

    def metric(self, name: str, **dims: object) -> pd.Series[float]:
        """One metric at every point, a Series over ``points``; NaN where there is none."""
        import pandas as pd

        wanted = {key: str(value) for key, value in dims.items()}
        values = [next((m["value"] for m in r["metrics"] if m["name"] == name and (m["dims"] == wanted)), float("nan")) for r in self._records]
        series = pd.Series(values, name=name, dtype=float)
        if series.isna().all():
            known = sorted({m["name"] for r in self._records for m in r["metrics"]})
            raise KeyError(f"no metric {name!r} with {wanted} at any point; metrics: {', '.join(known)}")
        return series

    def to_xarray(self) -> xr.Dataset:
        """The metrics without dimensions as an xarray.Dataset over the axes (of a cartesian sweep)."""
        points = self.points
        numbers = points.drop(columns=["status", "error", "binds"]).set_index(self.axes)
        if numbers.index.duplicated().any():
            raise ValueError("several points have the same values on the axes")
        return numbers.to_xarray()

    def plot(self, metric: str, x: str | None = None, color: str | None = None, ax: matplotlib.axes.Axes | None = None) -> matplotlib.axes.Axes:
        """A metric against an axis, one line for each value of another; a matplotlib Axes."""
        import matplotlib.pyplot as plt

        x = x or self.axes[0]
        color = color or next((a for a in self.axes if a != x), None)
        data = self._axes.assign(value=self.metric(metric))
        ax = ax or plt.subplots()[1]
        groups = [("", data)] if color is None else [(f"{color} = {v}", g) for v, g in data.groupby(data[color].astype(str), sort=False)]
        for label, group in groups:
            means = group.groupby(x, sort=False)["value"].mean()
            labels = means.index if means.index.dtype.kind in "if" else means.index.astype(str)
            ax.plot(labels.to_numpy(), means.to_numpy(dtype=float), marker="o", label=label)
        unit = next((m["unit"] for r in self._records for m in r["metrics"] if m["name"] == metric), "")
        ax.set(xlabel=x, ylabel=metric.replace("_", " ") + (f" ({unit})" if unit not in ("", "1") else ""))
        if color is not None:
            ax.legend(frameon=False)
        return ax

    def __len__(self) -> int:
        return len(self._records)

    def __repr__(self) -> str:
        counts: dict[str, int] = {}
        for record in self._records:
            counts[record["status"]] = counts.get(record["status"], 0) + 1
        return f"<waferwatt.SweepResult {len(self)} points over {', '.join(self.axes)}: {', '.join(f'{n} {status}' for status, n in counts.items())}>"

    def _repr_html_(self) -> str:
        return self.points.to_html(index=False, max_rows=50)


def _column(metric: dict[str, Any]) -> str:
    unit: str = metric["unit"]
    name: str = metric["name"]
    suffix = "" if unit in ("", "1") else "_" + "".join(c.lower() if c.isalnum() else "_per_" if c == "/" else "_" for c in unit)
    return name + suffix
