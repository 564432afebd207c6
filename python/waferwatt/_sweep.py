# SPDX-License-Identifier: Apache-2.0
"""The same scenario at many points, on any executor."""
from __future__ import annotations

import concurrent.futures
import os
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Sequence

from ._errors import RunError
from ._folders import models_folder, override_texts, scenario_source
from ._run import Scenario
from ._store import Store
from ._sweep_points import key_of, points_of, run_point
from ._sweep_result import SweepResult
from .executors import processes

if TYPE_CHECKING:
    import pandas as pd


def sweep(
    scenario: Scenario,
    axes: Mapping[str, Sequence[Any]] | pd.DataFrame | Sequence[Mapping[str, Any]],
    *,
    mode: str = "cartesian",
    executor: concurrent.futures.Executor | None = None,
    store: str | os.PathLike[str] | None = None,
    seed: int | None = None,
    timeout: float | None = None,
    models: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> SweepResult:
    """Runs a scenario at many points.

    scenario: as for ``run``
    axes: {"global_batch": [1024, 2048], ...}, or the points themselves: a DataFrame (columns are key paths) or a list of dicts
    mode: "cartesian" for every combination of the axes, "zipped" for their i-th values together
    executor: any concurrent.futures.Executor; default: the processor cores of this machine
    store: a folder that keeps finished points (Parquet); the same call goes on where an earlier one stopped
    seed, timeout (seconds a point), models: as for ``run``; progress: True for a bar (tqdm)

    A point that is refused, has no solution or fails keeps its error and leaves the others alone. Numbers do not depend
    on the executor. When the executor dies or the store cannot be written RunError says how many points are finished, and
    ``error.finished`` has them; Ctrl-C keeps what is finished in the store.
    """
    points = points_of(axes, mode)
    source, is_text = scenario_source(scenario)
    folder = os.fspath(models or models_folder())
    jobs = [(source if is_text else os.path.abspath(source), is_text, override_texts(point), seed, folder, timeout) for point in points]
    keys = [key_of(*job) for job in jobs]
    kept = Store(store) if store is not None else None
    records = {key: kept.known[key] for key in keys if kept and key in kept.known}
    open_jobs = {key: job for key, job in zip(keys, jobs) if key not in records}
    bar = _bar(len(jobs), len(jobs) - len(open_jobs)) if progress else None
    try:
        for key, record in _run_each(open_jobs, executor):
            records[key] = record
            if kept and record["status"] != "failed":
                kept.add(key, record)
            if bar is not None:
                bar.update()
        if kept:
            kept.flush()
    except concurrent.futures.BrokenExecutor as error:
        raise _ended_early(f"the executor died ({error})", "and kept" if kept else "; give a store to keep them", points, keys, records) from error
    except OSError as error:
        if not (kept and kept.is_broken):
            raise
        raise _ended_early(f"the store {store} cannot be written ({error})", "and in this error's .finished", points, keys, records) from error
    finally:
        if kept and not kept.is_broken:
            kept.flush()
        if bar is not None:
            bar.close()
    return SweepResult(points, [records[key] for key in keys])


def _ended_early(why: str, where: str, points: list[dict[str, Any]], keys: list[str], records: dict[str, dict[str, Any]]) -> RunError:
    """The error of a sweep that could not go on, with the points it has."""
    done = [i for i, key in enumerate(keys) if key in records and records[key]["status"] != "failed"]
    error = RunError(f"{why}; {len(done)} of {len(keys)} points are finished{'' if where.startswith(';') else ' '}{where}")
    error.finished = SweepResult([points[i] for i in done], [records[keys[i]] for i in done])
    return error


def _run_each(jobs: dict[str, tuple[Any, ...]], executor: concurrent.futures.Executor | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """(key, record) of each job as it ends. Without an executor a pool of processes is made for the time being."""
    if not jobs:
        return
    own = processes() if executor is None else None
    pool = own or executor
    assert pool is not None
    try:
        futures = {pool.submit(run_point, *job): key for key, job in jobs.items()}
        died: concurrent.futures.BrokenExecutor | None = None
        for future in concurrent.futures.as_completed(futures):
            try:
                record = _record_of(future)
            except concurrent.futures.BrokenExecutor as error:
                died = error  # points that were finished before may come after
                continue
            yield futures[future], record
        if died is not None:
            raise died
    finally:
        if own:
            own.shutdown(wait=True, cancel_futures=True)


def _record_of(future: concurrent.futures.Future[dict[str, Any]]) -> dict[str, Any]:
    """A point's record; that of a failed point where a worker died of it and the executor lives on."""
    try:
        return future.result()
    except (concurrent.futures.BrokenExecutor, concurrent.futures.CancelledError):
        raise
    except Exception as error:
        return {"status": "failed", "error": f"the worker died: {error!r}", "headline": "", "binds": "", "metrics": []}


def _bar(total: int, initial: int) -> Any:
    from tqdm.auto import tqdm

    return tqdm(total=total, initial=initial, unit="point")
