"""Entries of a run's diff on disk: one JSON document per line, with an index of the offsets of the lines.

A second index leaves out the entries that differ only in personal data. Users who may not see personal data get this
index, so that neither an entry nor the number of entries shows whether a file guessed the data correctly.
"""

from array import array
from contextlib import ExitStack
from pathlib import Path

from datasets import exact_json

EVERY, SEEN = "index", "seen"  # suffixes of the two index files


class KeptEntries:
    """Entries of one kind, which can be counted and sliced.

    With *seen*, entries that differ only in personal data are left out.
    """

    def __init__(self, folder: Path, kind: str, *, seen: bool = False):
        self.lines, self.index = folder / f"{kind}.ndjson", folder / f"{kind}.{SEEN if seen else EVERY}"

    def __len__(self) -> int:
        return self.index.stat().st_size // 8 if self.index.exists() else 0

    def __getitem__(self, part: slice) -> list[dict]:
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

    def __exit__(self, *error) -> None:
        self.files.close()

    def add(self, entry: dict, *, seen: bool = True) -> None:
        """Append *entry*; *seen* is false if it differs only in personal data."""
        line = exact_json.dumps(entry, default=str) + b"\n"
        offset = array("Q", [self.offset]).tobytes()
        self.every.write(offset)
        if seen:
            self.seen.write(offset)
        self.lines.write(line)
        self.offset += len(line)


def _line_at(lines, offset: int) -> dict:
    lines.seek(offset)
    return exact_json.loads(lines.readline())
