# SPDX-License-Identifier: Apache-2.0
"""Tables of the extension as DataFrames."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def frame(columns: dict[str, Any]) -> pd.DataFrame:
    """A DataFrame over the arrays of the columns, which are not copied. Texts stay objects: making pandas' own of them copies each."""
    import numpy as np
    import pandas as pd

    kept = {name: pd.Series(c, dtype=object, copy=False) if isinstance(c, np.ndarray) and c.dtype == object else c for name, c in columns.items()}
    return pd.DataFrame(kept, copy=False)


def metrics_frame(metrics: list[dict[str, Any]]) -> pd.DataFrame:
    """name, one column for each dimension, value, unit, low, high."""
    import pandas as pd

    rows = [{"name": m["name"], **m["dims"], **{k: m.get(k) for k in ("value", "unit", "low", "high")}} for m in metrics]
    dims = list(dict.fromkeys(key for m in metrics for key in m["dims"]))
    result = pd.DataFrame(rows, columns=["name", *dims, "value", "unit", "low", "high"])
    return result.astype({"value": float, "low": float, "high": float})
