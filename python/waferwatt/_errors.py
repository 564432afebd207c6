# SPDX-License-Identifier: Apache-2.0
"""Errors of the package; the extension raises them by name."""
from __future__ import annotations

from typing import Any, Mapping, Sequence


class Error(Exception):
    """What all errors of the package are."""


class InputError(Error, ValueError):
    """A wrong scenario or catalog.

    ``diagnostics`` lists all problems found: dicts with file, line, column, path and message.
    """

    def __init__(self, message: str, diagnostics: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(message)
        self.diagnostics = list(diagnostics)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.diagnostics)


class InfeasibleError(Error):
    """A sound scenario that has no solution; the message gives the reason with its numbers."""


class RunError(Error, RuntimeError):
    """A run that crashed, or went over its time or memory; a sweep whose executor died or whose store cannot be written."""

    finished: Any = None
    """Of a sweep that ended early: the points that were finished, a SweepResult."""
