"""Generate a file, an edited version of it, and the truth: which new line each edited line became.

    bench/edited_files.py census --rows 1000000 --output /tmp/pairs

Of the rows of the first file, 1 % have one edited cell in the edited version, 0.2 % have two, and 1 % are missing. As
many rows as are missing are new. A tenth of the rows moves to random lines, where the new rows are too; the other rows
keep their order.

An edited cell has another realistic value of its column: a term of another row, a number near by, a date near by or of
another row, a name with a typo. An edited row differs from all rows of the first file.
"""

import argparse
import csv
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random

from measuring import generate

SEED = 1994
Cells = list[str]
# An edit changes the cells of a row at a position, given the cells of another row.
Edit = Callable[[Random, Cells, int, Cells], None]


def other_term(draw: Random, cells: Cells, position: int, other: Cells) -> None:
    """Take the term of the other row."""
    cells[position] = other[position]


def other_education(draw: Random, cells: Cells, position: int, other: Cells) -> None:
    """Take the level of the other row, and in the next cell its rank."""
    cells[position : position + 2] = other[position : position + 2]


def near_number(draw: Random, cells: Cells, position: int, other: Cells) -> None:
    """Add or subtract up to 5 %, and at least up to 3; take the number of the other row in place of a zero."""
    number = int(cells[position])
    distance = draw.randint(1, max(3, number // 20))
    cells[position] = str(max(1, number + draw.choice([-distance, distance]))) if number else other[position]


def near_or_other_date(draw: Random, cells: Cells, position: int, other: Cells) -> None:
    """Move the date by up to 30 days, or take that of the other row."""
    near = date.fromisoformat(cells[position]) + timedelta(days=draw.randint(-30, 30))
    cells[position] = draw.choice([near.isoformat(), other[position]])


def misspelt(draw: Random, cells: Cells, position: int, other: Cells) -> None:
    """Drop a letter after the first, double it, or swap it with the next one."""
    name = cells[position]
    at = draw.randrange(1, len(name))
    before, letter, after = name[:at], name[at], name[at + 1 :]
    cells[position] = before + draw.choice([after, letter + letter + after, after[:1] + letter + after[1:]])


@dataclass(frozen=True)
class Kind:
    """A kind of file: its name, the number of lines above its first row, and the edit of each column by position.

    *parents* are the names of the files that its rows refer to.
    """

    name: str
    header: int
    edits: Mapping[int, Edit]
    parents: tuple[str, ...] = ()


NUMBERS, EDUCATION = (0, 2, 10, 11, 12), 3
KINDS = {
    "census": Kind(
        "adult.data",
        0,
        dict.fromkeys((1, 5, 6, 7, 8, 9, 13, 14), other_term)
        | dict.fromkeys(NUMBERS, near_number)
        | {EDUCATION: other_education},
    ),
    "people": Kind("people.csv", 1, {0: misspelt, 1: misspelt, 2: near_or_other_date, 3: other_term}, ("places.csv",)),
}


class EditedFiles:
    """The files in a folder: the first one, its edited version with the same name, and the truth."""

    def __init__(self, folder: Path, only: str):
        self.kind = KINDS[only]
        self.first, self.edited = folder / "first" / self.kind.name, folder / "edited" / self.kind.name
        self.parents = [folder / name for name in self.kind.parents]
        self.truth = folder / "truth.csv"  # old_line, new_line, edited_cells

    def write(self, lines: list[str], rows: int, draw: Random) -> None:
        """Write the three files from generated *lines*: the header, *rows* rows, and the new rows."""
        header = lines[: self.kind.header]
        old, new = lines[len(header) : len(header) + rows], lines[len(header) + rows :]
        one, two, missing = rows // 100, rows // 500, rows // 100
        chosen = draw.sample(range(rows), one + two + missing)
        edited = dict.fromkeys(chosen[:one], 1) | dict.fromkeys(chosen[one : one + two], 2)
        known, versions = set(old), dict(enumerate([*old, *new]))
        for row, cells in edited.items():
            versions[row] = self._edited(draw, old, old[row], cells, known)
        for row in chosen[one + two :]:
            del versions[row]
        moved = {*draw.sample(range(rows), rows // 10), *range(rows, rows + len(new))}
        order = sorted(versions, key=lambda row: draw.uniform(0, rows) if row in moved else row)
        for path, content in (self.first, old), (self.edited, [versions[row] for row in order]):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join([*header, *content]) + "\n")
        with self.truth.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["old_line", "new_line", "edited_cells"])
            for line, row in enumerate(order, len(header) + 1):
                if row in edited:
                    writer.writerow([row + len(header) + 1, line, edited[row]])

    def _edited(self, draw: Random, lines: list[str], line: str, count: int, known: set[str]) -> str:
        """Return *line* with *count* edited cells, different from all *known* lines."""
        while True:
            cells = line.split(",")
            for position in draw.sample(list(self.kind.edits), count):
                original = cells[position]
                while cells[position] == original:
                    self.kind.edits[position](draw, cells, position, draw.choice(lines).split(","))
            if (changed := ",".join(cells)) not in known:
                return changed

    def accuracy(self, pairs: list[tuple[int, int]]) -> "Accuracy":
        """Compare *pairs* of an old and a new line with the truth.

        Rows with the same content are indistinguishable, so a pair is correct if its two lines have the content of the
        old and the new line of an edited row.
        """
        with self.truth.open(newline="") as file:
            truth = [(int(old), int(new), int(cells)) for old, new, cells in list(csv.reader(file))[1:]]
        old_lines = _content(self.first, {old for old, *_ in [*truth, *pairs]})
        new_lines = _content(self.edited, {new for _, new, *_ in [*truth, *pairs]})
        unused = Counter((old_lines[old], new_lines[new]) for old, new in pairs)
        edited, correct = Counter[int](), Counter[int]()
        for old, new, cells in truth:
            content = old_lines[old], new_lines[new]
            edited[cells] += 1
            correct[cells] += unused[content] > 0
            unused[content] -= 1
        return Accuracy(len(pairs), edited, correct)


@dataclass(frozen=True)
class Accuracy:
    """The number of pairs; and by number of edited cells, the number of edited rows and of their correct pairs."""

    pairs: int = 0
    edited: Counter[int] = field(default_factory=Counter)
    correct: Counter[int] = field(default_factory=Counter)

    def __add__(self, other: "Accuracy") -> "Accuracy":
        return Accuracy(self.pairs + other.pairs, self.edited + other.edited, self.correct + other.correct)

    @property
    def correct_share(self) -> float:
        """The percentage of the edited rows that are paired correctly."""
        return 100 * self.correct.total() / self.edited.total()

    @property
    def wrong_share(self) -> float:
        """The percentage of the pairs that are wrong; 0 without pairs."""
        return 100 * (self.pairs - self.correct.total()) / self.pairs if self.pairs else 0


def _content(path: Path, wanted: set[int]) -> dict[int, str]:
    """Return the *wanted* lines of a file by number, counted from 1, without reading the whole file into memory."""
    with path.open() as file:
        return {number: line for number, line in enumerate(file, 1) if number in wanted}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("only", choices=list(KINDS), help="generate this file")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--output", type=Path, metavar="DIR", required=True, help="folder to write to")
    options = parser.parse_args()
    if options.rows < 1000:
        parser.error(f"--rows {options.rows}: expected 1,000 or more, so that each kind of edit occurs.")
    files = EditedFiles(options.output, options.only)
    generate(options.output, options.only, options.rows, "--new-share", "0.01")
    generated = options.output / files.kind.name
    files.write(generated.read_text().splitlines(), options.rows, Random(options.seed))
    generated.unlink()


if __name__ == "__main__":
    main()
