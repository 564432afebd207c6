# SPDX-License-Identifier: Apache-2.0
"""Running and checking scenarios."""
from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Callable, Mapping

from . import _core
from ._folders import models_folder, override_texts, scenario_source
from ._result import Result


Scenario = str | os.PathLike[str] | Mapping[str, Any]
Report = Callable[[float, str], object]


def read_source(
    scenario: Scenario,
    overrides: Mapping[str, Any] | None,
    keywords: Mapping[str, Any],
    seed: int | None,
    models: str | os.PathLike[str] | None,
) -> _core.Source:
    """A scenario and what replaces its values, as the extension takes them."""
    source, is_text = scenario_source(scenario)
    return _core.Source(source, is_text, override_texts(overrides, keywords), seed, os.fspath(models or models_folder()))


def run(
    scenario: Scenario,
    overrides: Mapping[str, Any] | None = None,
    *,
    seed: int | None = None,
    timeout: float | None = None,
    jobs: int | None = None,
    models: str | os.PathLike[str] | None = None,
    progress: bool | Report = False,
    **keywords: Any,
) -> Result:
    """Runs a scenario: a path, the name of one that the package carries, or a dict.

    overrides: {"cluster.n_accelerators": 512}; a keyword says the same: cluster__n_accelerators=512
    seed: replaces the scenario's; timeout: seconds; jobs: processor cores (default: all)
    models: folder of the catalog
    progress: True for a bar (tqdm), or a function of (fraction, text)

    Raises InputError (with .diagnostics), InfeasibleError or RunError. Ctrl-C ends the run.
    """
    read = read_source(scenario, overrides, keywords, seed, models)
    with _progress(progress) as report:
        return Result(_core.run(read, timeout, jobs or os.cpu_count() or 1, report))


def plan(
    scenario: Scenario,
    overrides: Mapping[str, Any] | None = None,
    *,
    objective: str = "",
    seed: int | None = None,
    timeout: float | None = None,
    jobs: int | None = None,
    models: str | os.PathLike[str] | None = None,
    **keywords: Any,
) -> Result:
    """Searches the best parallel plan of a training, or deployment of a serving scenario.

    scenario, overrides, seed, timeout, jobs, models: as for ``run``
    objective: training: "time" (default), "cost", "energy", "memory"; serving: "accelerators" (default), "cost", "energy"

    The result's tables rank what was found, and say why the others lose: "plans" and "pareto", or "deployments".
    InfeasibleError where nothing fits, or holds the service level. Ctrl-C ends the search.
    """
    read = read_source(scenario, overrides, keywords, seed, models)
    return Result(_core.plan(read, objective, timeout, jobs or os.cpu_count() or 1))


def check(scenario: Scenario, overrides: Mapping[str, Any] | None = None, *, models: str | os.PathLike[str] | None = None, **keywords: Any) -> None:
    """Raises InputError with everything that is wrong with a scenario."""
    _core.check(read_source(scenario, overrides, keywords, None, models))


class _progress:
    """A function (fraction, text) for the time of a run, or None."""

    def __init__(self, wanted: bool | Report) -> None:
        self._wanted = wanted
        self._bar: Any = None

    def __enter__(self) -> Report | None:
        if not isinstance(self._wanted, bool) and callable(self._wanted):
            return self._wanted
        if not self._wanted:
            return None
        from tqdm.auto import tqdm

        self._bar = tqdm(total=1.0, bar_format="{l_bar}{bar}| {elapsed}<{remaining} {postfix}")
        return self._show

    def _show(self, fraction: float, text: str) -> None:
        self._bar.set_postfix_str(text, refresh=False)
        self._bar.update(fraction - self._bar.n)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()
