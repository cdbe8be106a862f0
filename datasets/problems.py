"""Rows that cannot be used, with everything that is wrong with each."""

from dataclasses import dataclass, field
from typing import Any

from datasets.reading.characters import visible


@dataclass
class Rejection:
    """A row that cannot be used. ``references`` is what its cells name, by column, which is still to be looked for."""

    line: int
    values: dict[str, str | None] | str
    problems: list[dict[str, Any]]
    key: list | None = None
    identity: bytes | None = None
    references: dict[str, list] = field(default_factory=dict)


def problem(column: str | None, value: Any, message: str) -> dict[str, Any]:
    """Return one thing that is wrong with a row: the column and its value (None for the row as a whole).

    Of a text, what nobody would see is written out; the row itself is kept as it came.
    """
    return {"column": column, "value": visible(value) if isinstance(value, str) else value, "message": message}
