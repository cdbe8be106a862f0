"""The engines that execute expressions on the files of the copy."""

from collections.abc import Sequence
from typing import Any, Protocol

import ibis.expr.types as ir


class EngineError(Exception):
    """The engine could not answer; the message says why."""


class EngineUnavailableError(EngineError):
    """The engine cannot be reached."""


class Engine(Protocol):
    """Executes an expression on the table *name*, whose files are *urls*."""

    def rows(
        self, expression: ir.Table, name: str, urls: Sequence[str], seconds: float | None
    ) -> list[tuple[Any, ...]]:
        """Return the rows. Raises TimeoutError after *seconds* (None: no limit), and EngineError."""
