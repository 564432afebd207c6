# SPDX-License-Identifier: Apache-2.0
"""Where the points of a sweep run. Any concurrent.futures.Executor will do; these are the two we make ourselves.

Dask: ``dask.distributed.Client(...).get_executor()``.
"""
from __future__ import annotations

import concurrent.futures
import multiprocessing.context
import sys
from typing import Any, Callable


class _Worker(multiprocessing.context.SpawnProcess):
    """A fresh process that does not read the program's main file again: a script needs no ``if __name__ == "__main__"``."""

    def start(self) -> None:
        main = sys.modules["__main__"]
        hidden = {name: getattr(main, name, None) for name in ("__file__", "__spec__")}
        main.__dict__.update(__file__=None, __spec__=None)
        try:
            super().start()
        finally:
            main.__dict__.update(hidden)


class _Context(multiprocessing.context.SpawnContext):
    Process = _Worker


def processes(workers: int | None = None) -> concurrent.futures.ProcessPoolExecutor:
    """Processes of this machine. They start fresh, so that a notebook's threads do not matter, and run functions of modules,
    not of the program's main file."""
    return concurrent.futures.ProcessPoolExecutor(workers, mp_context=_Context())


class RayExecutor(concurrent.futures.Executor):
    """Runs functions as Ray tasks, on all machines of a Ray cluster.

    options: what ``ray.remote`` takes, e.g. {"num_cpus": 1}
    """

    def __init__(self, **options: Any) -> None:
        import ray  # type: ignore[import-not-found, unused-ignore]

        self._ray = ray
        if not ray.is_initialized():
            ray.init()
        self._options = options
        self._references: list[Any] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        remote = self._ray.remote(**self._options)(fn) if self._options else self._ray.remote(fn)
        reference = remote.remote(*args, **kwargs)
        self._references.append(reference)
        return reference.future()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if cancel_futures:
            for reference in self._references:
                self._ray.cancel(reference, force=False)
        elif wait and self._references:
            self._ray.wait(self._references, num_returns=len(self._references))
        self._references.clear()
