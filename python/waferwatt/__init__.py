# SPDX-License-Identifier: Apache-2.0
"""Waferwatt simulates the chain from wafers and megawatts to trained models and served tokens.

>>> import waferwatt as ww
>>> result = ww.run("scenarios/small.json", cluster__n_accelerators=512)
>>> result.headline
>>> result.metrics

A run is a forked child of this process, so that a crash costs one result only. As with every fork,
a child has only the calling thread: run scenarios from several processes rather than several threads.
"""
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd

from . import _core
from ._errors import Error, InfeasibleError, InputError, RunError

__all__ = ["Error", "InfeasibleError", "InputError", "Result", "RunError", "check", "models_folder", "run", "scenarios_folder"]
__version__ = _core.version()

scenarios_folder = Path(__file__).parent / "scenarios"


def models_folder():
    """The catalog in use: WAFERWATT_MODELS, or the one of the package."""
    return Path(os.environ.get("WAFERWATT_MODELS") or Path(__file__).parent / "models")


class Result:
    """What a run gives back: the content of a results folder, in memory."""

    def __init__(self, run):
        self._run = run
        self.summary = json.loads(run.summary())

    @property
    def name(self):
        return self.summary["name"]

    @property
    def question(self):
        return self.summary["question"]

    @property
    def headline(self):
        """The sentence that answers the question."""
        return self.summary["headline"]

    @property
    def infeasible(self):
        """Why there is no solution; None when there is one."""
        return self.summary.get("infeasible")

    @property
    def resolved(self):
        """The scenario with overrides applied and defaults filled in."""
        return json.loads(self._run.resolved())

    @property
    def metrics(self):
        """The metrics as a DataFrame: name, one column for each dimension, value, unit, low, high."""
        rows = [{"name": m["name"], **m["dims"], **{k: m[k] for k in ("value", "unit", "low", "high")}} for m in self.summary["metrics"]]
        dims = list(dict.fromkeys(key for m in self.summary["metrics"] for key in m["dims"]))
        frame = pd.DataFrame(rows, columns=["name", *dims, "value", "unit", "low", "high"])
        return frame.astype({"value": float, "low": float, "high": float})

    def metric(self, name, **dims):
        """The value of one metric; KeyError unless exactly one fits."""
        wanted = {key: str(value) for key, value in dims.items()}
        found = [m for m in self.summary["metrics"] if m["name"] == name and wanted.items() <= m["dims"].items()]
        if len(found) != 1:
            known = ", ".join(dict.fromkeys(m["name"] for m in self.summary["metrics"]))
            raise KeyError(f"{len(found)} metrics are named {name!r} with {wanted}; metrics: {known}")
        return found[0]["value"]

    @property
    def tables(self):
        """Names of the tables."""
        return self._run.table_names()

    def table(self, name):
        """A table as a DataFrame over the run's own columns."""
        return _frame(self._run.table(name))

    @property
    def ledger(self):
        """Every charge: who waited for what, and how much."""
        return _frame(self._run.ledger())

    def binds(self):
        """What binds, strongest first: resource, scope, share, text."""
        return pd.DataFrame(self.summary["binds"], columns=["resource", "scope", "share", "text"])

    def save(self, folder, replace=False):
        """Writes the results folder. InputError when it exists, unless ``replace``."""
        self._run.save(os.fspath(folder), replace)

    def html(self):
        """The report, a whole HTML page."""
        return self._run.html()

    def __repr__(self):
        return f"<waferwatt.Result {self.name}: {self.infeasible or self.headline}>"

    def _repr_html_(self):
        import html

        answer = html.escape(self.infeasible or self.headline)
        return f"<h4>{html.escape(self.question or self.name)}</h4><p>{answer}</p>{self.binds().to_html(index=False)}{self.metrics.to_html(index=False)}"


def _frame(columns):
    return pd.DataFrame({name: np.asarray(column) if isinstance(column, np.ndarray) else column for name, column in columns.items()}, copy=False)


def _source(scenario):
    """(file or text, is it a text)"""
    return (json.dumps(scenario), True) if isinstance(scenario, dict) else (os.fspath(scenario), False)


def _overrides(overrides, keywords):
    pairs = {**(overrides or {}), **{key.replace("__", "."): value for key, value in keywords.items()}}
    return [f"{path}={json.dumps(value)}" for path, value in pairs.items()]


def run(scenario, overrides=None, *, seed=None, timeout=None, jobs=None, models=None, **keywords):
    """Runs a scenario, a path or a dict.

    overrides: {"cluster.n_accelerators": 512}; a keyword says the same: cluster__n_accelerators=512
    seed: replaces the scenario's; timeout: seconds; jobs: processor cores (default: all)
    models: folder of the catalog

    Raises InputError (with .diagnostics), InfeasibleError or RunError.
    """
    source, is_text = _source(scenario)
    folder = os.fspath(models or models_folder())
    return Result(_core.run(source, is_text, _overrides(overrides, keywords), seed, folder, timeout, jobs or os.cpu_count() or 1))


def check(scenario, overrides=None, *, models=None, **keywords):
    """Raises InputError with everything that is wrong with a scenario."""
    source, is_text = _source(scenario)
    _core.check(source, is_text, _overrides(overrides, keywords), os.fspath(models or models_folder()))
