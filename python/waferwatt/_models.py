# SPDX-License-Identifier: Apache-2.0
"""What the modules of models share: where the catalog is, and how its things are named."""
from __future__ import annotations

import json
import os
from typing import Any, Mapping

from ._errors import InputError
from ._folders import models_folder

Thing = str | Mapping[str, Any]
"""Id of a thing of the catalog, or the thing itself as a dict."""
Folder = str | os.PathLike[str] | None


def folder_of(models: Folder) -> str:
    return os.fspath(models or models_folder())


def as_json(name: str, value: Any) -> str:
    """A value as JSON. InputError that names the argument."""
    try:
        return json.dumps(value, default=_plain, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: {error}") from None


def _plain(value: Any) -> Any:
    # NumPy's numbers are not JSON's.
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{value!r} is no value of JSON; write a number, a text with a unit, a list or a dict")


def check_functions(**functions: Any) -> None:
    """InputError that names an argument which is neither a function nor None."""
    for name, function in functions.items():
        if function is not None and not callable(function):
            raise InputError(f"{name}: expected a function, got {function!r}")
