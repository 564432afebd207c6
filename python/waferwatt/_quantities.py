# SPDX-License-Identifier: Apache-2.0
"""Numbers in the unit of their name, or texts with a unit of their own."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _core
from ._errors import InputError

if TYPE_CHECKING:
    import numpy as np

Amount = float | str
"""814 in the unit of the argument's name, or "8.14 cm2"."""


def amount(name: str, value: Amount, unit: str) -> float:
    """One number in ``unit``. InputError that names the argument."""
    if isinstance(value, str):
        try:
            return _core.in_unit(value, unit)
        except InputError as error:
            raise InputError(f"{name}: {error.diagnostics[0]['message']}") from None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(f"{name}: expected a number of {unit} or a text such as \"2 {unit}\", got {value!r}") from None


def columns(integers: bool = False, **values: Any) -> dict[str, np.ndarray[Any, Any]]:
    """Arguments as columns of one table: lists of one length, single values repeated. InputError that names those that differ.

    values: by name (number or numbers, unit or None)
    """
    import numpy as np

    arrays = {name: np.atleast_1d(_array(name, value, unit)) for name, (value, unit) in values.items()}
    if integers:
        arrays = {name: whole(name, array) for name, array in arrays.items()}
    try:
        table = np.broadcast_arrays(*arrays.values())
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise InputError(f"arguments of different lengths: {shapes}; give lists of one length, or single values") from None
    return {name: np.ascontiguousarray(column).ravel() for name, column in zip(arrays, table)}


def whole(name: str, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The same as integers. InputError where one is none."""
    import numpy as np

    if (array != np.floor(array)).any():
        raise InputError(f"{name}: expected whole numbers, got {array[array != np.floor(array)][0]}")
    return array.astype(np.int64)


def _array(name: str, value: Any, unit: str | None) -> np.ndarray[Any, Any]:
    import numpy as np

    if unit is not None and (isinstance(value, str) or (isinstance(value, (list, tuple)) and any(isinstance(v, str) for v in value))):
        each = [value] if isinstance(value, str) else value
        return np.array([amount(name, v, unit) for v in each])
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        what = f"numbers of {unit} or texts such as \"2 {unit}\"" if unit else "numbers"
        raise InputError(f"{name}: expected {what}, got {value!r}") from None
    if not np.isfinite(array).all():
        raise InputError(f"{name}: must be finite, got {value!r}")
    return array
