"""The pairs of rows and records of a source, for the report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

import numpy as np


class Pair(TypedDict):
    """A row and the record whose edited version it is: the columns that differ, and their likeness from 0 to 1."""

    source: str
    record: str
    file: str
    line: int
    columns: list[str]
    likeness: float


@dataclass(frozen=True)
class PairList:
    """Pairs as columns: there may be a million of them, and most reports show only their number.

    *files* are the primary keys of the files with the given *names*. *differing* has a row of booleans for each pair,
    one for each of *columns*.
    """

    source: str = ""
    names: Mapping[int, str] = field(default_factory=dict)
    columns: Sequence[str] = ()
    records: Sequence[Any] = ()
    files: Sequence[int] = ()
    lines: Sequence[int] = ()
    likeness: np.ndarray = field(default_factory=lambda: np.empty(0))
    differing: np.ndarray = field(default_factory=lambda: np.empty((0, 0), bool))

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Pair]:
        columns = np.array(self.columns, object)
        of_pairs = zip(self.records, self.files, self.lines, self.likeness, self.differing, strict=True)
        for record, file, line, likeness, differing in of_pairs:
            yield {
                "source": self.source,
                "record": str(record),
                "file": self.names[file],
                "line": line,
                "columns": columns[differing].tolist(),
                "likeness": round(float(likeness), 3),
            }
