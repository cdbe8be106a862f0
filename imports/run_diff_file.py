"""Store the entries of a run's diff on disk: one JSON document per line, with an index of the lines' offsets.

Another index has the rows and records of files without a key, so that a few of them can be found among many. Each
column has an index of the entries that differ in it.

A second index leaves out the entries that differ only in personal data. It is used for users without permission to see
personal data, so that neither the entries nor their number reveal whether the values in a file match this data.
"""

from array import array
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import IO, Any, NotRequired, TypedDict
from zlib import crc32

import numpy as np

from datasets import exact_json

Place = tuple[str, str]  # a source and one of its columns
EVERY, SEEN, FOUND_BY = "index", "seen", "keys.npy"  # suffixes of the index files


MOST_FOUND = 1000  # entries of one record key


class Cell(TypedDict):
    """A value of a record before and after a run.

    For a kept correction, these are the stored value and the file's value.
    """

    column: str
    old: Any
    new: Any
    differs: bool


class PairEntry(TypedDict, total=False):
    """For a file without a key, the pair of a row and a record: ``paired``, or ``chosen`` if a user made it."""

    pair: str
    likeness: float | None  # from 0 to 1


class Entry(PairEntry):
    """A record in a run's diff: its source, its key, and its file and line number if it is in a file."""

    source: str
    record: Any
    file: str | None
    line: int | None
    pk: NotRequired[Any]  # for a missing record; None for a row that is not imported
    corrected: NotRequired[bool]  # for a missing record with corrections
    values: NotRequired[dict[str, Any]]  # values that identify a missing or withheld record to users
    row: NotRequired[dict[str, Any]]  # all values of a new, missing or deleted record
    cells: NotRequired[list[Cell]]  # for a changed record or a kept correction
    change: NotRequired[int]  # primary key of the Change, if it is stored
    why: NotRequired[str]  # for a kept record: "corrected", "deleted" or "parent"


def row_key(source: str, file: str | None, line: int | None) -> str:
    """Return the key of a row."""
    return f"{source}:{line}:{file}"


def record_key(source: str, record: Any) -> str:
    """Return the key of a record."""
    return f"{source}:{record}"


# The key by which an entry of each kind is found.
KEYS: dict[str, Callable[[Entry], str]] = {
    "changed": lambda entry: record_key(entry["source"], entry["record"]),
    "kept": lambda entry: record_key(entry["source"], entry["record"]),
    "missing": lambda entry: record_key(entry["source"], entry.get("pk")),
    "new": lambda entry: row_key(entry["source"], entry["file"], entry["line"]),
}


def _by_column(kind: str, place: Place) -> str:
    """Return the name of the index of the entries that differ in a column."""
    return f"{kind}.{_hash(record_key(*place)):08x}"


class KeptEntries:
    """The entries of one kind, which can be counted and sliced.

    With *seen*, entries that differ only in personal data are left out. With *differing*, only the entries that differ
    in that column are left.
    """

    def __init__(self, folder: Path, kind: str, *, seen: bool = False, differing: Place | None = None):
        self.kind, self.found_by = kind, folder / f"{kind}.{FOUND_BY}"
        index = _by_column(kind, differing) if differing else f"{kind}.{SEEN if seen else EVERY}"
        self.lines, self.index = folder / f"{kind}.ndjson", folder / index

    def __len__(self) -> int:
        return self.index.stat().st_size // 8 if self.index.exists() else 0

    def __getitem__(self, part: slice) -> list[Entry]:
        start, stop, _ = part.indices(len(self))
        if start >= stop:
            return []
        with self.index.open("rb") as index, self.lines.open("rb") as lines:
            index.seek(8 * start)
            return [_line_at(lines, offset) for offset in array("Q", index.read(8 * (stop - start)))]

    def of_record(self, record: str) -> list[Entry]:
        """Return the entries of all sources whose record has this key, even if they differ only in personal data."""
        if not self.lines.exists() or not self.lines.stat().st_size:
            return []
        wanted, entries, end = b'"record":' + exact_json.dumps(record), list[Entry](), 0
        with self.lines.open("rb") as lines, mmap(lines.fileno(), 0, access=ACCESS_READ) as text:
            while (at := text.find(wanted, end)) >= 0 and len(entries) < MOST_FOUND:
                start, end = text.rfind(b"\n", 0, at) + 1, text.find(b"\n", at)
                entry: Entry = exact_json.loads(text[start:end])
                if str(entry["record"]) == record:  # the bytes may also be part of a value
                    entries.append(entry)
        return entries

    def find(self, keys: Iterable[str]) -> dict[str, Entry]:
        """Return the entries with these keys, by key, even if they differ only in personal data."""
        if not self.found_by.exists():
            return {}
        hashes, offsets = np.load(self.found_by, mmap_mode="r")
        found: dict[str, Entry] = {}
        with self.lines.open("rb") as lines:
            for key in keys:
                for index in range(*np.searchsorted(hashes, np.array([_hash(key), _hash(key) + 1], np.uint64))):
                    if KEYS[self.kind](entry := _line_at(lines, int(offsets[index]))) == key:
                        found[key] = entry
        return found


class EntriesWriter:
    """Writes entries and the offset of each entry."""

    def __init__(self, folder: Path, kind: str):
        folder.mkdir(parents=True, exist_ok=True)
        self.files = ExitStack()
        self.lines, self.every, self.seen = (
            self.files.enter_context((folder / f"{kind}.{end}").open("wb")) for end in ("ndjson", EVERY, SEEN)
        )
        self.offset = 0
        self.kind, self.found_by = kind, folder / f"{kind}.{FOUND_BY}"
        self.hashes, self.offsets = array("Q"), array("Q")  # of the entries that can be found
        self.folder, self.by_column = folder, dict[Place, IO[bytes]]()

    def __enter__(self) -> "EntriesWriter":
        return self

    def __exit__(self, *error: object) -> None:
        self.files.close()
        if self.hashes:
            index = np.array([self.hashes, self.offsets], np.uint64)
            np.save(self.found_by, index[:, np.argsort(index[0])])

    def add(self, entry: Entry, *, seen: bool = True, findable: bool = False) -> None:
        """Append *entry*. *seen* is false if it differs only in personal data. *findable* entries are found by key."""
        if findable:
            self.hashes.append(_hash(KEYS[self.kind](entry)))
            self.offsets.append(self.offset)
        line = exact_json.dumps(entry, default=str) + b"\n"
        offset = array("Q", [self.offset]).tobytes()
        for cell in entry.get("cells", ()):
            if cell["differs"]:
                self._of_column((entry["source"], cell["column"])).write(offset)
        self.every.write(offset)
        if seen:
            self.seen.write(offset)
        self.lines.write(line)
        self.offset += len(line)

    def _of_column(self, place: Place) -> IO[bytes]:
        if place not in self.by_column:
            index = (self.folder / _by_column(self.kind, place)).open("wb")
            self.by_column[place] = self.files.enter_context(index)
        return self.by_column[place]


def _hash(key: str) -> int:
    return crc32(key.encode())


def _line_at(lines: IO[bytes], offset: int) -> Entry:
    lines.seek(offset)
    entry: Entry = exact_json.loads(lines.readline())
    return entry
