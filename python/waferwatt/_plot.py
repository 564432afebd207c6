# SPDX-License-Identifier: Apache-2.0
"""Pictures of a result, by matplotlib, or by plotly on request."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from ._result import Result

# Colours that stay apart for colour-blind eyes (Okabe and Ito).
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#000000")


class Plots:
    """``result.plot``. Every function returns a matplotlib Axes, with ``backend="plotly"`` a plotly Figure."""

    def __init__(self, result: Result) -> None:
        self._result = result

    def binds(self, ax: Any = None, backend: str = "matplotlib") -> Any:
        """What binds: shares of everything charged, by scope (years, phases) where there are several."""
        shares = self._result.binds().pivot_table(index="scope", columns="resource", values="share", aggfunc="sum", sort=False).fillna(0.0)
        if len(shares) > 1 and "" in shares.index:
            shares = shares.drop(index="")
        shares = shares.rename(index={"": "whole run"})
        return _bars(shares * 100, "share of what is charged (%)", self._result.question, ax, backend)

    def metric(self, name: str, x: str | None = None, color: str | None = None, ax: Any = None, backend: str = "matplotlib") -> Any:
        """A metric along one of its dimensions (default: year, else the first), with its band where it has one."""
        data = self._result.metrics
        data = data[data["name"] == name]
        if data.empty:
            raise KeyError(f"no metric {name!r}; metrics: {', '.join(dict.fromkeys(self._result.metrics['name']))}")
        dims = [c for c in data.columns if c not in ("name", "value", "unit", "low", "high") and data[c].notna().any()]
        x = x or ("year" if "year" in dims else dims[0] if dims else None)
        others = [d for d in dims if d != x]
        color = color or (others[0] if others else None)
        unit = data["unit"].iloc[0]
        label = name.replace("_", " ") + (f" ({unit})" if unit not in ("", "1") else "")
        if x is None:
            return _bars(data.set_index("name")[["value"]], label, self._result.question, ax, backend)
        return _lines(data.sort_values(x, kind="stable"), x, color, label, self._result.question, ax, backend)

    def table(self, name: str, x: str, y: str, color: str | None = None, ax: Any = None, backend: str = "matplotlib") -> Any:
        """Two columns of a table against each other, one line for each value of a third."""
        data = self._result.table(name).rename(columns={y: "value"}).assign(low=float("nan"), high=float("nan"))
        return _lines(data, x, color, y, self._result.question, ax, backend)

    def ledger(self, value: str | None = None, by: str | None = None, ax: Any = None, backend: str = "matplotlib") -> Any:
        """Everything charged, added up by the ledger's last text column (or ``by``)."""
        ledger = self._result.ledger
        value = value or next(c for c in reversed(ledger.columns) if ledger[c].dtype.kind == "f")
        by = by or [c for c in ledger.columns if ledger[c].dtype.kind in "OU" or str(ledger[c].dtype).startswith("str")][-1]
        sums = ledger.groupby(by, sort=False)[value].sum().sort_values(ascending=False).to_frame()
        return _bars(sums, value.replace("_", " "), self._result.question, ax, backend)


def _axes(ax: Any, title: str) -> Any:
    import matplotlib.pyplot as plt

    ax = ax or plt.subplots(figsize=(7.2, 4.2), layout="constrained")[1]
    ax.set_title(title, fontsize=10, loc="left", wrap=True)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _bars(frame: pd.DataFrame, label: str, title: str, ax: Any, backend: str) -> Any:
    if backend == "plotly":
        import plotly.graph_objects as go

        bars = [go.Bar(name=str(c), x=frame.index.astype(str), y=frame[c], marker_color=COLOURS[i % len(COLOURS)]) for i, c in enumerate(frame)]
        return go.Figure(bars, layout={"barmode": "stack", "title": title, "yaxis_title": label})
    ax = _axes(ax, title)
    bottom = 0.0 * frame.iloc[:, 0].to_numpy()
    for i, column in enumerate(frame):
        ax.bar(frame.index.astype(str), frame[column], bottom=bottom, label=str(column), color=COLOURS[i % len(COLOURS)])
        bottom = bottom + frame[column].to_numpy()
    ax.set_ylabel(label)
    if len(frame.columns) > 1:
        ax.legend(frameon=False)
    return ax


def _lines(data: pd.DataFrame, x: str, color: str | None, label: str, title: str, ax: Any, backend: str) -> Any:
    groups = [("", data)] if color is None else list(data.groupby(data[color].astype(str), sort=False))
    if backend == "plotly":
        import plotly.graph_objects as go

        lines = [go.Scatter(name=str(key), x=g[x], y=g["value"], line={"color": COLOURS[i % len(COLOURS)]}) for i, (key, g) in enumerate(groups)]
        return go.Figure(lines, layout={"title": title, "xaxis_title": x, "yaxis_title": label})
    ax = _axes(ax, title)
    for i, (key, group) in enumerate(groups):
        colour = COLOURS[i % len(COLOURS)]
        ax.plot(group[x], group["value"], marker="o", markersize=3, label=str(key), color=colour)
        if group["low"].notna().any():
            ax.fill_between(group[x], group["low"].astype(float), group["high"].astype(float), color=colour, alpha=0.2, linewidth=0)
    ax.set(xlabel=x.replace("_", " "), ylabel=label)
    if color is not None:
        ax.legend(frameon=False, title=color)
    return ax
