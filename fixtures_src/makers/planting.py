"""Bad rows planted among good ones, to show how an import handles them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from makers.draws import Rows

Spoil = Callable[[list[str]], list[str]]


@dataclass(frozen=True)
class Planted:
    """A bad row at a line of the file: given in full, or as an earlier line with some cells changed."""

    line: int
    wrong: str
    row: str = ""
    like: int = 0
    put: dict[int, str] = field(default_factory=dict)

    def text(self, lines: list[str], first_line: int, separator: str) -> str:
        """Return the row as written to the file; *lines* are those above it."""
        if not self.like:
            return self.row
        cells = lines[self.like - first_line].split(separator)
        for position, value in self.put.items():
            cells[position] = value
        return separator.join(cells)


def weave(good: Sequence[str], planted: Sequence[Planted], first_line: int, separator: str) -> list[str]:
    """Return all good rows in order, with the planted ones inserted at their lines."""
    by_line = {each.line: each for each in planted}
    lines: list[str] = []
    rest: Iterator[str] = iter(good)
    for number in range(first_line, first_line + len(good) + len(planted)):
        lines.append(by_line[number].text(lines, first_line, separator) if number in by_line else next(rest))
    return lines


def spoil(lines: list[str], rows: Rows, spoils: Sequence[Spoil], separator: str) -> list[str]:
    """Return the block's lines, with its bad rows made invalid by each kind of mistake in turn."""
    for position in np.flatnonzero(rows.bad):
        kind = spoils[int(rows.numbers[position]) % len(spoils)]
        lines[position] = separator.join(kind(lines[position].split(separator)))
    return lines


def put(position: int, value: str) -> Spoil:
    """Return a function that replaces a cell with a value."""
    return lambda cells: [*cells[:position], value, *cells[position + 1 :]]


def too_few(cells: list[str]) -> list[str]:
    """Drop the last cell."""
    return cells[:-1]


def too_many(cells: list[str]) -> list[str]:
    """Add a cell at the end."""
    return [*cells, "left over"]
