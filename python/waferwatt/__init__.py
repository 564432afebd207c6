# SPDX-License-Identifier: Apache-2.0
"""Waferwatt simulates the chain from wafers and megawatts to trained models and served tokens.

>>> import waferwatt as ww
>>> result = ww.run(ww.scenarios_folder / "compute-famine.json")
>>> result.headline
>>> result.binds()
>>> ww.sweep("train-llama3-70b-h100.json", {"global_batch": [1024, 2048, 4096]}).points
>>> ww.cost.estimate("nvidia-h100-sxm", "gemm", m=[1, 64, 4096], n=8192, k=8192)

A run is a forked child of this process, so that a crash costs one result only. As with every fork,
a child has only the calling thread: run scenarios from several processes rather than several threads.
pandas, matplotlib and the like are imported when they are first needed.
"""
from . import _core, cost, executors, network, power, serving, supply, training, world
from ._catalog import catalog
from ._errors import Error, InfeasibleError, InputError, RunError
from ._folders import models_folder, scenarios_folder
from ._result import Result
from ._run import check, plan, run
from ._sweep import sweep
from ._sweep_result import SweepResult

__all__ = [
    "Error", "InfeasibleError", "InputError", "Result", "RunError", "SweepResult",
    "catalog", "check", "cost", "executors", "models_folder", "network", "plan", "power", "run", "scenarios_folder", "serving", "supply", "sweep",
    "training", "world",
]  # fmt: skip
__version__ = _core.version()
