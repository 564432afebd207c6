# SPDX-License-Identifier: Apache-2.0
"""The world with rules and a demand curve of your own.

The world as scenarios describe it is the kind "world" of ``ww.run``.
"""
from __future__ import annotations

import os
from typing import Any, Callable, Mapping, Sequence

from . import _core
from ._models import check_functions
from ._result import Result
from ._run import Scenario, read_source
from .supply import AllocationRule

DemandCurve = Callable[[list[float], str], Sequence[float]]


def simulate(
    scenario: Scenario,
    overrides: Mapping[str, Any] | None = None,
    *,
    packaging: AllocationRule | None = None,
    sales: AllocationRule | None = None,
    demand: DemandCurve | None = None,
    seed: int | None = None,
    models: str | os.PathLike[str] | None = None,
    **keywords: Any,
) -> Result:
    """Runs a world scenario with rules of your own, in this process.

    packaging: who gets a packaging line's wafers of a week, as ``allocation`` of ``ww.supply.simulate``
    sales: who gets the accelerators of a maker's stock in a week: the same kind of function; .of is the accelerator, .supply and .wanted
        are accelerators, .wanted what the buyer can pay for. What is left over stays in stock.
    demand: function of (prices, date): USD/Mtoken of each tier of the scenario and a date such as "2025-03-01"; returns the tokens a second
        that users want of each tier. It is asked some sixty times a week, and must not rise with a price.

    All must answer the same to the same question: marginal values and draws repeat the run with them. Absent: what the scenario says.
    An exception of a function ends the run and arrives here. One processor is used.
    """
    check_functions(packaging=packaging, sales=sales, demand=demand)
    return Result(_core.simulate_world(read_source(scenario, overrides, keywords, seed, models), packaging, sales, demand))
