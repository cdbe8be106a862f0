"""The new rows of files without a key, and the rows of records before and after each of them."""

from dataclasses import dataclass

import numpy as np


@dataclass
class _Batch:
    """The new rows of a batch: file, line and position among all rows, and the rows of records next to each.

    A neighbor is the record's index in ExistingRows, -1 for none, and the row's position.
    """

    files: np.ndarray
    lines: np.ndarray
    positions: np.ndarray
    previous: tuple[np.ndarray, np.ndarray]
    following: tuple[np.ndarray, np.ndarray]


class NewRows:
    """Collects the new rows of batches in the order of reading. Uses memory only for new rows, not for records."""

    def __init__(self) -> None:
        self.read = 0
        self.batches: list[_Batch] = []
        self.waiting: list[tuple[_Batch, int]] = []  # batches whose rows from an index have no following row yet
        self.last = (-1, 0)  # the last row of a record: the record's index and the row's position

    def add(self, files: np.ndarray, lines: np.ndarray, new: np.ndarray, indexes: np.ndarray) -> None:
        """Add a batch with the *files* and *lines* of all rows, which of them are *new*, and their records' *indexes*.

        The index of a row without a record is -1.
        """
        first, self.read = self.read, self.read + len(lines)
        known, at = np.flatnonzero(indexes >= 0), np.flatnonzero(new)
        if len(known):
            for batch, start in self.waiting:
                for values, value in zip(batch.following, (indexes[known[0]], first + known[0]), strict=True):
                    values[start:] = value
            self.waiting = []
        if len(at):
            before = np.searchsorted(known, at)
            known_indexes = np.concatenate([[self.last[0]], indexes[known], [-1]])
            known_positions = np.concatenate([[self.last[1]], first + known, [0]])
            previous, following = ((known_indexes[w], known_positions[w]) for w in (before, before + 1))
            batch = _Batch(files[at], lines[at], first + at, previous, following)
            self.batches.append(batch)
            if (start := int(np.searchsorted(before, len(known)))) < len(at):
                self.waiting.append((batch, start))
        if len(known):
            self.last = (int(indexes[known[-1]]), int(first + known[-1]))

    def neighbors(self, files: np.ndarray, lines: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the neighbors of new rows, the previous and the following one of each.

        Each is the record's index, or -1 for none, and the row's position minus that of the new row.
        """
        numbers = np.concatenate([_numbered(batch.files, batch.lines) for batch in self.batches])
        order = np.argsort(numbers, kind="stable")
        rows = order[np.searchsorted(numbers[order], _numbered(files, lines))]
        positions = np.concatenate([batch.positions for batch in self.batches])[rows]
        found = []
        for sides in ([b.previous for b in self.batches], [b.following for b in self.batches]):
            indexes, of_neighbors = (np.concatenate(each)[rows] for each in zip(*sides, strict=True))
            found.append((indexes, of_neighbors - positions))
        return found


def _numbered(files: np.ndarray, lines: np.ndarray) -> np.ndarray:
    numbers: np.ndarray = (files.astype(np.int64) << 32) + lines
    return numbers
