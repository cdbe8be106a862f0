"""Rejected rows with all of their problems."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from datasets.text import visible
from imports.models import Problem
from imports.readers import Malformed


@dataclass
class Rejection:
    """A rejected row. ``references`` has the values of its references by column, which have not been looked up yet.

    ``identity`` is the identity of the record, if the row has no key. ``row_identity`` is the identity of the rejected
    row.
    """

    line: int
    values: dict[str, str | None] | str
    problems: list[Problem]
    key: list[Any] | None = None
    identity: bytes | None = None
    references: dict[str, list[Any]] = field(default_factory=dict)
    file: int | None = None  # primary key of the SourceFile that a row of an export names
    row_identity: str = ""  # hexadecimal
    state: str = "open"


def distinct(headings: Sequence[str]) -> list[str]:
    """Return a distinct name for each column of a file: its header, with a number if the header is repeated."""
    names: list[str] = []
    for number, heading in enumerate(headings, 1):
        name = f"{heading} (column {number})" if heading in names else heading
        while name in names or (name != heading and name in headings):
            name += "'"
        names.append(name)
    return names


def problem(column: str | None, value: Any, message: str) -> Problem:
    """Return a problem of a row: the column and its value (None for the row as a whole), and the message.

    Invisible characters and control characters in the value are replaced with codes. The stored row is not changed.
    """
    return {"column": column, "value": visible(value) if isinstance(value, str) else value, "message": visible(message)}


class BatchRejections(Collection[Rejection]):
    """The rejected rows of a batch. Each is created on access, because there may be a large number of them."""

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

    def __iter__(self) -> Iterator[Rejection]:
        for row in self._malformed:
            yield Rejection(row.line, row.raw, [problem(None, None, self._message(row))])
        yield from map(self._make, self._bad)

    def __contains__(self, rejection: object) -> bool:
        return any(rejection == other for other in self)


class MaskedValueError(Exception):
    """A masked value in a file, with the index of the row in its batch, the column and the value."""

    def __init__(self, row: int, column: str, value: str):
        super().__init__(f"{column}: {value}")
        self.row, self.column, self.value = row, column, value
