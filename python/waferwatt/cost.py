# SPDX-License-Identifier: Apache-2.0
"""Time, power and energy of one operator on one accelerator.

>>> ww.cost.estimate("nvidia-h100-sxm", "gemm", m=[1, 16, 256, 4096], n=8192, k=8192)
"""
from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from . import _core
from ._errors import InputError
from ._frames import frame
from ._models import Folder, Thing, as_json, folder_of
from ._quantities import columns

if TYPE_CHECKING:
    import pandas as pd

_DEFAULTS: dict[str, dict[str, int]] = {
    "grouped_gemm": {"zipf_e2": 0},
    "attention_prefill": {"context": 0, "causal": 1, "window": 0, "kv_bits": 16},
    "attention_backward": {"context": 0, "causal": 1, "window": 0, "kv_bits": 16},
    "attention_decode": {"window": 0},
    "moe": {"expert_parallel": 1, "gated": 1, "routing_e2": 0},
    "row": {"reads": 1, "writes": 1, "number_bytes": 2},
    "optimizer": {"optimizer": 2},
}
_MAY_BE_ZERO = {"zipf_e2", "context", "causal", "window", "gated", "routing_e2", "reads", "writes", "optimizer"}


def operators() -> dict[str, list[str]]:
    """Operators and their dimensions; those with a default may be left out."""
    return _core.operator_dimensions()


def formats() -> list[str]:
    """Formats of weights and activations as kernels implement them: "bf16", "fp8_block", "int4_wo", ..."""
    return _core.kernel_formats()


def estimate(accelerator: Thing, operator: str, *, format: str = "bf16", calibrated: bool = True, models: Folder = None, **dimensions: Any) -> pd.DataFrame:
    """A row for each shape: its dimensions, time_s with low_s and high_s, work, traffic, power_w, energy_j, what bounds it.

    accelerator: id of the catalog, or a record; operator: one of ``operators()``
    dimensions: numbers or arrays of one length, e.g. m=[1, 2, 4], n=8192, k=8192
    calibrated: False for the formula alone, without what was measured near by
    """
    known = operators()
    if operator in known:
        _check_names(operator, known[operator], dimensions)
        values = {name: dimensions.get(name, _DEFAULTS.get(operator, {}).get(name)) for name in known[operator]}
        if "v_dim" in values and values["v_dim"] is None:
            values["v_dim"] = values["head_dim"]
        table = columns(integers=True, **{name: (value, None) for name, value in values.items()})
        for name, column in table.items():
            if len(column) and column.min() < (0 if name in _MAY_BE_ZERO else 1):
                raise InputError(f"{name}: must be at least {0 if name in _MAY_BE_ZERO else 1}, got {column.min()}")
    else:
        table = {}
    found = _operators(folder_of(models), as_json("accelerator", accelerator), calibrated).estimate(operator, format, list(table.values()))
    return frame({**table, **found})


def idle_power_w(accelerator: Thing, *, models: Folder = None) -> float:
    """What the accelerator draws without work."""
    return _operators(folder_of(models), as_json("accelerator", accelerator), True).idle_power_w()


@functools.lru_cache(maxsize=32)
def _operators(models: str, accelerator: str, calibrated: bool) -> _core.Operators:
    return _core.Operators(models, accelerator, calibrated)


def _check_names(operator: str, known: list[str], given: dict[str, Any]) -> None:
    unknown = [name for name in given if name not in known]
    missing = [name for name in known if name not in given and name not in _DEFAULTS.get(operator, {}) and name != "v_dim"]
    if unknown or missing:
        what = [f"unknown dimension {', '.join(unknown)}"] if unknown else []
        what += [f"missing dimension {', '.join(missing)}"] if missing else []
        raise InputError(f"{operator}: {'; '.join(what)}; its dimensions are {', '.join(known)}")
