"""Bad rows planted on purpose among good ones, so that a newcomer sees what an import does with them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from makers.draws import Rows

Spoil = Callable[[list[str]], list[str]]


@dataclass(frozen=True)
class Planted:
    """One row at a line of the file: written out, or like an earlier line with some cells put otherwise."""

    line: int
    wrong: str
    row: str = ""
    like: int = 0
    put: dict[int, str] = field(default_factory=dict)

    def text(self, lines: list[str], first_line: int, separator: str) -> str:
        """The row as it stands in the file; lines are those above it."""
        if not self.like:
            return self.row
        cells = lines[self.like - first_line].split(separator)
        for position, value in self.put.items():
            cells[position] = value
        return separator.join(cells)


def weave(good: Sequence[str], planted: Sequence[Planted], first_line: int, separator: str) -> list[str]:
    """All good rows in their order, with the planted ones between them at the lines they ask for."""
    by_line = {each.line: each for each in planted}
    lines: list[str] = []
    rest: Iterator[str] = iter(good)
    for number in range(first_line, first_line + len(good) + len(planted)):
        lines.append(by_line[number].text(lines, first_line, separator) if number in by_line else next(rest))
    return lines


def spoil(lines: list[str], rows: Rows, spoils: Sequence[Spoil], separator: str) -> list[str]:
    """The block's lines with its bad rows spoilt, each kind in turn."""
    for position in np.flatnonzero(rows.bad):
        kind = spoils[int(rows.numbers[position]) % len(spoils)]
        lines[position] = separator.join(kind(lines[position].split(separator)))
    return lines


def put(position: int, value: str) -> Spoil:
    """A spoil that writes a value in place of a cell."""
    return lambda cells: [*cells[:position], value, *cells[position + 1 :]]


def too_few(cells: list[str]) -> list[str]:
    """A spoil that drops the last cell."""
    return cells[:-1]


def too_many(cells: list[str]) -> list[str]:
    """A spoil that adds a cell at the end."""
    return [*cells, "left over"]
