# SPDX-License-Identifier: Apache-2.0
"""Finished points of a sweep on disk, so that an interrupted one goes on where it stopped."""
from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ._errors import InputError

COLUMNS = ("key", "status", "error", "headline", "binds", "metrics")


class Store:
    """A folder of Parquet files, each written whole; a point is in one of them."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"store: {folder} cannot be made: {error}") from error
        self._open: list[dict[str, Any]] = []
        self._written = time.monotonic()
        self.is_broken = False
        self.known: dict[str, dict[str, Any]] = {}
        for file in sorted(self._folder.glob("part-*.parquet")):
            for row in self._read(file):
                self.known[row["key"]] = {**row, "metrics": json.loads(row["metrics"])}

    @staticmethod
    def _read(file: Path) -> list[dict[str, Any]]:
        import pyarrow.parquet as pq

        rows: list[dict[str, Any]] = pq.read_table(file).to_pylist()
        return rows

    def add(self, key: str, record: dict[str, Any]) -> None:
        self._open.append({**{name: record[name] for name in COLUMNS[1:-1]}, "key": key, "metrics": json.dumps(record["metrics"])})
        if len(self._open) >= 256 or time.monotonic() - self._written > 2:
            self.flush()

    def flush(self) -> None:
        """Writes what is not on disk yet."""
        if not self._open:
            return
        import pyarrow as pa
        import pyarrow.parquet as pq

        number = 1 + max((int(f.stem.split("-")[1]) for f in self._folder.glob("part-*.parquet")), default=0)
        file = self._folder / f"part-{number:06}.parquet"
        partial = file.with_suffix(f".{os.getpid()}")
        try:
            pq.write_table(pa.table({name: [row[name] for row in self._open] for name in COLUMNS}), partial)
            os.replace(partial, file)
        except OSError:
            self.is_broken = True
            partial.unlink(missing_ok=True)
            raise
        self._open.clear()
        self._written = time.monotonic()
