# SPDX-License-Identifier: Apache-2.0
"""The catalog: what is known, each value with its source."""
from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from . import _core
from ._folders import models_folder

if TYPE_CHECKING:
    import pandas as pd


class Catalog:
    """``catalog.kinds``, ``catalog.ids("accelerators")``, ``catalog["nvidia-h100-sxm"]``, ``catalog.frame("accelerators")``."""

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self._folder = folder

    def _where(self) -> str:
        return os.fspath(self._folder or models_folder())

    def at(self, folder: str | os.PathLike[str]) -> Catalog:
        """The catalog of another folder."""
        return Catalog(folder)

    @property
    def kinds(self) -> list[str]:
        return _core.catalog_kinds()

    def ids(self, kind: str) -> list[str]:
        """Ids of a kind. InputError with the nearest kind."""
        return _core.catalog_ids(self._where(), kind)

    def __getitem__(self, id: str) -> dict[str, Any]:
        """One thing as a dict; facts are {"value", "source", "quality", "low", "high", "note"}. KeyError with near ids."""
        from ._errors import InputError

        try:
            thing: dict[str, Any] = json.loads(_core.catalog_show(self._where(), id))
            return thing
        except InputError as error:
            raise KeyError(str(error)) from None

    def frame(self, kind: str) -> pd.DataFrame:
        """All things of a kind as a DataFrame, facts as their values."""
        import pandas as pd

        rows = [{key: _value(member) for key, member in self[id].items()} for id in self.ids(kind)]
        return pd.DataFrame(rows).set_index("id")

    def sources(self) -> pd.DataFrame:
        """Where facts come from: a DataFrame by id."""
        import pandas as pd

        return pd.DataFrame(json.loads(_core.catalog_sources(self._where()))).set_index("id")

    def schema(self, kind: str) -> dict[str, Any]:
        """JSON Schema of a kind of catalog file or of scenario."""
        schema: dict[str, Any] = json.loads(_core.schema(kind))
        return schema

    def __repr__(self) -> str:
        return f"<waferwatt.Catalog {self._where()}: {', '.join(self.kinds)}>"


def _value(member: Any) -> Any:
    return member["value"] if isinstance(member, dict) and "value" in member and "quality" in member else member


catalog = Catalog()
