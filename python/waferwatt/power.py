# SPDX-License-Identifier: Apache-2.0
"""What a site draws: losses and cooling by the weather, and an accelerator's nameplate, peak and mean power.

>>> ww.power.facility(it_power_w="80 MW", nameplate_w="100 MW", dry_bulb_c=[0, 15, 35], cooling="liquid")

Sites over hours and years are the scenario kind "power".
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _core
from ._frames import frame
from ._models import Folder, Thing, as_json, folder_of
from ._quantities import columns

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


def facility(
    *,
    it_power_w: Any,
    nameplate_w: Any = None,
    dry_bulb_c: Any = 20.0,
    relative_humidity_pct: Any = 50.0,
    cooling: str = "air",
    heat_rejection: str = "dry",
) -> pd.DataFrame:
    """A row for each load and weather: losses, fans and pumps, chillers, facility power, PUE and water.

    it_power_w, nameplate_w: numbers or texts ("80 MW"); nameplate absent: the load itself
    cooling: "air", "liquid" or "legacy-air"; heat_rejection: "dry" or "evaporative"
    """
    nameplate = it_power_w if nameplate_w is None else nameplate_w
    table = columns(it_power_w=(it_power_w, "W"), nameplate_w=(nameplate, "W"), dry_bulb_c=(dry_bulb_c, None), humidity=(relative_humidity_pct, None))
    wet = wet_bulb_c(table["dry_bulb_c"], table.pop("humidity"))
    found = _core.facility(cooling, heat_rejection, table["it_power_w"], table["nameplate_w"], table["dry_bulb_c"], wet)
    return frame({"dry_bulb_c": table["dry_bulb_c"], "wet_bulb_c": wet, **found})


def wet_bulb_c(dry_bulb_c: Any, relative_humidity_pct: Any) -> NDArray[np.float64]:
    """Wet bulb from dry bulb and relative humidity (Stull 2011; -20 to 50 degrees, 5 to 99 %)."""
    import numpy as np

    table = columns(dry_bulb_c=(dry_bulb_c, None), relative_humidity_pct=(relative_humidity_pct, None))
    return np.asarray(_core.wet_bulb_c(*table.values()))


def levels(accelerator: Thing, *, models: Folder = None) -> dict[str, float]:
    """Watts of one accelerator: TDP, its share of the server, and the facility's nameplate, peak and mean."""
    return _core.power_levels(folder_of(models), as_json("accelerator", accelerator))
