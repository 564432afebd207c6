# SPDX-License-Identifier: Apache-2.0
"""What the package carries beside its code."""
from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Mapping

from ._errors import InputError

scenarios_folder = Path(__file__).parent / "scenarios"


def models_folder() -> Path:
    """The catalog in use: WAFERWATT_MODELS, or the one of the package."""
    return Path(os.environ.get("WAFERWATT_MODELS") or Path(__file__).parent / "models")


def scenario_source(scenario: str | os.PathLike[str] | Mapping[str, Any]) -> tuple[str, bool]:
    """(file or text, is it a text). A name without a folder may be one of the package's scenarios."""
    from ._models import as_json

    if isinstance(scenario, Mapping):
        return as_json("scenario", scenario), True
    if not isinstance(scenario, (str, os.PathLike)):
        raise InputError(f"scenario: expected a path, a name or a dict, got {scenario!r}")
    path = Path(os.fspath(scenario))
    if not path.exists() and path.parent == Path(".") and (scenarios_folder / path).exists():
        path = scenarios_folder / path
    return os.fspath(path), False


def override_texts(overrides: Mapping[str, Any] | None, keywords: Mapping[str, Any] | None = None) -> list[str]:
    """PATH=VALUE texts; in keywords "__" stands for the dot of a path."""
    from ._models import as_json

    if overrides is not None and not isinstance(overrides, Mapping):
        raise InputError(f"overrides: expected a dict of key paths and values, got {overrides!r}")
    pairs = {**(overrides or {}), **{key.replace("__", "."): value for key, value in (keywords or {}).items()}}
    return [f"{path}={as_json(path, value)}" for path, value in pairs.items()]
