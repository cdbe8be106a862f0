"""Entries of a run's diff on disk: one JSON document per line, with an index of the offsets of the lines.

A second index leaves out the entries that differ only in personal data. Users who may not see personal data get this
index, so that neither an entry nor the number of entries shows whether a file guessed the data correctly.
"""

from array import array
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, NotRequired, TypedDict

from datasets import exact_json

EVERY, SEEN = "index", "seen"  # suffixes of the two index files


class Cell(TypedDict):
    """A value of a record before and after a run: what is stored and what the file has, for a kept correction."""

    column: str
    old: Any
    new: Any
    differs: bool


class Entry(TypedDict):
    """A record in a run's diff: its source, its key, and its file and line if a file has it."""

    source: str
    record: Any
    file: str | None
    line: int | None
    pk: NotRequired[Any]  # of a missing record; None for a row that is not imported
    values: NotRequired[dict[str, Any]]  # by which users recognise a record that is missing or not imported
    row: NotRequired[dict[str, Any]]  # all values of a record that is new, missing or deleted
    cells: NotRequired[list[Cell]]  # of a changed record, and of a kept correction
    change: NotRequired[int]  # primary key of the Change, if it is stored
    why: NotRequired[str]  # the reason why a record is kept: "corrected", "deleted" or "parent"


class KeptEntries:
    """Entries of one kind, which can be counted and sliced.

    With *seen*, entries that differ only in personal data are left out.
    """

    def __init__(self, folder: Path, kind: str, *, seen: bool = False):
        self.lines, self.index = folder / f"{kind}.ndjson", folder / f"{kind}.{SEEN if seen else EVERY}"

    def __len__(self) -> int:
        return self.index.stat().st_size // 8 if self.index.exists() else 0

    def __getitem__(self, part: slice) -> list[Entry]:
        start, stop, _ = part.indices(len(self))
        if start >= stop:
            return []
        with self.index.open("rb") as index, self.lines.open("rb") as lines:
            index.seek(8 * start)
            return [_line_at(lines, offset) for offset in array("Q", index.read(8 * (stop - start)))]


class EntriesWriter:
    """Writer of entries and of the offset of each."""

    def __init__(self, folder: Path, kind: str):
        folder.mkdir(parents=True, exist_ok=True)
        self.files = ExitStack()
        self.lines, self.every, self.seen = (
            self.files.enter_context((folder / f"{kind}.{end}").open("wb")) for end in ("ndjson", EVERY, SEEN)
        )
        self.offset = 0

    def __enter__(self) -> "EntriesWriter":
        return self

    def __exit__(self, *error: object) -> None:
        self.files.close()

    def add(self, entry: Entry, *, seen: bool = True) -> None:
        """Append *entry*; *seen* is false if it differs only in personal data."""
        line = exact_json.dumps(entry, default=str) + b"\n"
        offset = array("Q", [self.offset]).tobytes()
        self.every.write(offset)
        if seen:
            self.seen.write(offset)
        self.lines.write(line)
        self.offset += len(line)


def _line_at(lines: IO[bytes], offset: int) -> Entry:
    lines.seek(offset)
    entry: Entry = exact_json.loads(lines.readline())
    return entry
