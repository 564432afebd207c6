# SPDX-License-Identifier: Apache-2.0
"""Dies on a wafer, their yield, and what a package costs to make.

Numbers are in the unit of their name; texts bring their own: ``die_yield(die_area_mm2="8.14 cm2", defect_density_per_cm2=0.1)``.
The chain over time is the scenario kind "supply".
"""
from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable, Mapping, Sequence

from . import _core
from ._models import Folder, Thing, as_json, check_functions, folder_of
from ._quantities import Amount, amount, columns
from ._result import Result
from ._run import Scenario, read_source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

AllocationCase = _core.AllocationCase
AllocationRule = Callable[[AllocationCase], Sequence[float]]


def dies_per_wafer(
    width_mm: Any, height_mm: Any, *, wafer_mm: Amount = 300, edge_exclusion_mm: Amount = 3, street_mm: Amount = 0.1
) -> NDArray[np.int64]:
    """Whole dies (or interposers) of each size on a round wafer."""
    table = columns(width_mm=(width_mm, "mm"), height_mm=(height_mm, "mm"))
    wafer = [amount("wafer_mm", wafer_mm, "mm"), amount("edge_exclusion_mm", edge_exclusion_mm, "mm"), amount("street_mm", street_mm, "mm")]
    return _core.dies_per_wafer(table["width_mm"], table["height_mm"], *wafer)


def die_yield(
    die_area_mm2: Any, defect_density_per_cm2: Any, *, model: str = "negative-binomial", clustering: float = 3.0, n_layers: int = 1
) -> NDArray[np.float64]:
    """Dies without a defect over all dies.

    model: "poisson", "murphy", "seeds", "negative-binomial" (with ``clustering``) or "bose-einstein" (with ``n_layers``)
    """
    table = columns(die_area_mm2=(die_area_mm2, "mm2"), defect_density_per_cm2=(defect_density_per_cm2, "1/cm2"))
    return _core.die_yield(model, table["die_area_mm2"], table["defect_density_per_cm2"], clustering, n_layers)


def package_cost(accelerator: Thing, date: str, *, harvest_fraction: float = 0.0, packaging: str = "", models: Folder = None) -> dict[str, float]:
    """What a good package of an accelerator costs to make at a date, by part.

    harvest_fraction: defective dies that can be sold; packaging: another process than the accelerator's own
    """
    return _core.package_cost(folder_of(models), as_json("accelerator", accelerator), as_json("date", date), harvest_fraction, packaging)


def product(accelerator: Thing, date: str, *, harvest_fraction: float = 0.0, models: Folder = None) -> dict[str, float]:
    """What a package takes: dies (gross and good) of a wafer, stacks, packages of an interposer wafer, yield of the package."""
    return _core.product(folder_of(models), as_json("accelerator", accelerator), as_json("date", date), harvest_fraction)


def simulate(
    scenario: Scenario,
    overrides: Mapping[str, Any] | None = None,
    *,
    allocation: AllocationRule | None = None,
    seed: int | None = None,
    models: str | os.PathLike[str] | None = None,
    **keywords: Any,
) -> Result:
    """Runs a supply scenario in which a rule of your own shares out the packaging lines, in this process.

    allocation: function of an AllocationCase, asked once a week for each line: .date, .of (the line), .supply (wafers) and .orders, each
        with .who, .wanted (wafers it can use), .share (agreed), .prepaid_usd and .bid_usd. It returns a part of the supply for each order,
        at least 0 and together at most 1; what is left over idles. It must answer the same to the same question: marginal values
        and draws repeat the run with it. Absent: the scenario's "allocation".

    An exception of the function ends the run and arrives here. One processor is used.
    """
    check_functions(allocation=allocation)
    return Result(_core.simulate_supply(read_source(scenario, overrides, keywords, seed, models), allocation))
