"""Entries of a run's outcome on disk: a JSON document a line, with an index of where each line begins.

A second index leaves out the entries that differ in personal data alone. Whoever may not see these data is shown its
entries, so that neither an entry nor their number tells whether a file has guessed the data.
"""

from array import array
from contextlib import ExitStack
from pathlib import Path

from datasets import exact_json

EVERY, SEEN = "index", "seen"  # the ends of the names of the two indexes


class KeptEntries:
    """Entries of one kind, to be counted and sliced; without those that differ in personal data alone, if *seen*."""

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
            return [_line_at(lines, place) for place in array("Q", index.read(8 * (stop - start)))]


class EntriesWriter:
    """Writes entries and where each begins."""

    def __init__(self, folder: Path, kind: str):
        folder.mkdir(parents=True, exist_ok=True)
        self.files = ExitStack()
        self.lines, self.every, self.seen = (
            self.files.enter_context((folder / f"{kind}.{end}").open("wb")) for end in ("ndjson", EVERY, SEEN)
        )
        self.place = 0

    def __enter__(self) -> "EntriesWriter":
        return self

    def __exit__(self, *error) -> None:
        self.files.close()

    def add(self, entry: dict, *, seen: bool = True) -> None:
        """Append *entry*; *seen* is false for one that differs in personal data alone."""
        line = exact_json.dumps(entry, default=str) + b"\n"
        place = array("Q", [self.place]).tobytes()
        self.every.write(place)
        if seen:
            self.seen.write(place)
        self.lines.write(line)
        self.place += len(line)


def _line_at(lines, place: int) -> dict:
    lines.seek(place)
    return exact_json.loads(lines.readline())
