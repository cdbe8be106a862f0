"""Rows that cannot be used, with everything that is wrong with each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from datasets.text import visible
from imports.readers import Malformed


@dataclass
class Rejection:
    """A row that cannot be used. ``references`` is what its cells name, by column, which is still to be looked for."""

    line: int
    values: dict[str, str | None] | str
    problems: list[dict[str, Any]]
    key: list | None = None
    identity: bytes | None = None
    references: dict[str, list] = field(default_factory=dict)
    file: int | None = None  # of a row of an export: the SourceFile that it names


def distinct(headings: Sequence[str]) -> list[str]:
    """Return a name for each column of a file: its heading; where an earlier one has that, its number behind it."""
    names: list[str] = []
    for place, heading in enumerate(headings, 1):
        name = f"{heading} (column {place})" if heading in names else heading
        while name in names or (name != heading and name in headings):
            name += "'"
        names.append(name)
    return names


def problem(column: str | None, value: Any, message: str) -> dict[str, Any]:
    """Return one thing that is wrong with a row: the column and its value (None for the row as a whole).

    Of a text, what nobody would see, and control characters, are written out; the row itself is kept as it came.
    """
    return {"column": column, "value": visible(value) if isinstance(value, str) else value, "message": visible(message)}


class Rejected(Sequence):
    """The rows of a batch that cannot be used, each made when it is asked for: they may be very many."""

    def __init__(
        self,
        malformed: Sequence[Malformed],
        bad: Sequence[int],
        make: Callable[[int], Rejection],
        message: Callable[[Malformed], str],
    ):
        self._malformed, self._bad, self._make, self._message = malformed, bad, make, message

    def __len__(self) -> int:
        return len(self._malformed) + len(self._bad)

    def __getitem__(self, place: int) -> Rejection:
        if place < len(self._malformed):
            row = self._malformed[place]
            return Rejection(row.line, row.raw, [problem(None, None, self._message(row))])
        return self._make(self._bad[place - len(self._malformed)])


class MaskedValueError(Exception):
    """A masked value where a file should hold the value itself: the row's place in its batch, the column, the value."""

    def __init__(self, row: int, column: str, value: str):
        super().__init__(f"{column}: {value}")
        self.row, self.column, self.value = row, column, value
