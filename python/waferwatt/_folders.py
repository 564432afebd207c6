# SPDX-License-Identifier: Apache-2.0
"""What the package carries beside its code."""
from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Mapping

scenarios_folder = Path(__file__).parent / "scenarios"


def models_folder() -> Path:
    """The catalog in use: WAFERWATT_MODELS, or the one of the package."""
    return Path(os.environ.get("WAFERWATT_MODELS") or Path(__file__).parent / "models")


def scenario_source(scenario: str | os.PathLike[str] | Mapping[str, Any]) -> tuple[str, bool]:
    """(file or text, is it a text). A name without a folder may be one of the package's scenarios."""
    import json

    if isinstance(scenario, Mapping):
        return json.dumps(scenario), True
    path = Path(os.fspath(scenario))
    if not path.exists() and path.parent == Path(".") and (scenarios_folder / path).exists():
        path = scenarios_folder / path
    return os.fspath(path), False


def override_texts(overrides: Mapping[str, Any] | None, keywords: Mapping[str, Any] | None = None) -> list[str]:
    """PATH=VALUE texts; in keywords "__" stands for the dot of a path."""
    import json

    def plain(value: Any) -> Any:
        # NumPy's numbers are not JSON's.
        return value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value

    pairs = {**(overrides or {}), **{key.replace("__", "."): value for key, value in (keywords or {}).items()}}
    return [f"{path}={json.dumps(plain(value))}" for path, value in pairs.items()]
