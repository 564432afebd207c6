# SPDX-License-Identifier: Apache-2.0
"""The points of a sweep: what they vary, their names, and how one is run."""
from __future__ import annotations

import functools
import hashlib
import itertools
import json
from pathlib import Path
from typing import Any

from . import _core
from ._errors import InfeasibleError, InputError, RunError


def points_of(axes: Any, mode: str) -> list[dict[str, Any]]:
    if hasattr(axes, "to_dict"):
        rows_of: list[dict[str, Any]] = axes.to_dict("records")
        return rows_of
    if not isinstance(axes, dict):
        try:
            return [dict(point) for point in axes]
        except (TypeError, ValueError):
            raise InputError(f"axes: expected a dict of lists, a DataFrame or a list of dicts, got {axes!r}") from None
    for path, values in axes.items():
        if isinstance(values, str) or not hasattr(values, "__iter__"):
            raise InputError(f"axes: {path} needs a list of values, got {values!r}")
    if not axes:
        raise ValueError("a sweep needs at least one axis")
    lists = {path: list(values) for path, values in axes.items()}
    if mode == "cartesian":
        rows = list(itertools.product(*lists.values()))
    elif mode == "zipped":
        if len({len(values) for values in lists.values()}) != 1:
            raise ValueError(f"zipped axes need equally many values: {({path: len(v) for path, v in lists.items()})}")
        rows = list(zip(*lists.values()))
    else:
        raise ValueError(f"mode is \"cartesian\" or \"zipped\", got {mode!r}; give a DataFrame for points of your own")
    return [dict(zip(lists, row)) for row in rows]


def key_of(source: str, is_text: bool, overrides: list[str], seed: int | None, models: str, timeout: float | None) -> str:
    """Names a point by what its result depends on."""
    text = source if is_text else _with_bases(Path(source))
    state = json.dumps([text, sorted(overrides), seed, _core.version(), _core.revision(), _models_state(models)])
    return hashlib.sha256(state.encode()).hexdigest()[:32]


def _with_bases(file: Path) -> str:
    """The text of a scenario file and of those it extends."""
    try:
        text = file.read_text()
        base = json.loads(text).get("extends")
    except (OSError, ValueError, AttributeError):
        return str(file)
    return text if not isinstance(base, str) else text + _with_bases(file.parent / base) if base != file.name else text


@functools.cache
def _models_state(folder: str) -> str:
    state = hashlib.sha256()
    for file in sorted(Path(folder).rglob("*.json")):
        state.update(file.read_bytes())
    return state.hexdigest()


def run_point(source: str, is_text: bool, overrides: list[str], seed: int | None, models: str, timeout: float | None) -> dict[str, Any]:
    """One point, in a worker. Plain data goes back: executors pickle it."""
    record: dict[str, Any] = {"status": "ok", "error": "", "headline": "", "binds": "", "metrics": []}
    try:
        summary = json.loads(_core.run(_core.Source(source, is_text, overrides, seed, models), timeout, 1, None).summary())
    except InputError as error:
        return {**record, "status": "refused", "error": str(error)}
    except InfeasibleError as error:
        return {**record, "status": "infeasible", "error": str(error)}
    except RunError as error:
        return {**record, "status": "failed", "error": str(error)}
    record.update(headline=summary["headline"], metrics=summary["metrics"], binds=summary["binds"][0]["resource"] if summary["binds"] else "")
    if "infeasible" in summary:
        record.update(status="infeasible", error=summary["infeasible"])
    return record
