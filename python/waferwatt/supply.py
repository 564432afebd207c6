# SPDX-License-Identifier: Apache-2.0
"""Dies on a wafer, their yield, and what a package costs to make.

Numbers are in the unit of their name; texts bring their own: ``die_yield(die_area_mm2="8.14 cm2", defect_density_per_cm2=0.1)``.
The chain over time is the scenario kind "supply".
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _core
from ._models import Folder, Thing, as_json, folder_of
from ._quantities import Amount, amount, columns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
