"""Pseudo-random numbers that depend only on the seed, a name and the row's number.

Everything is 64-bit integer arithmetic (the splitmix64 mixing function), so a row is the same on every machine, with
every version of Python and numpy, and in a file of any size. No floating point is used.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

GROUP = 1000  # rows: shares and duplicates are assigned within groups of this size
TWINS = 1024  # one row in this many equals another


def draw(seed: int, name: str, rows: np.ndarray) -> np.ndarray:
    """Return a 64-bit number for each row number; the numbers depend on the name."""
    key = np.frombuffer(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], dtype="<u8").astype(np.uint64)
    x = rows.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + key
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def below(seed: int, name: str, rows: np.ndarray, limit: int) -> np.ndarray:
    """Return a uniformly distributed whole number from 0 to limit - 1 for each row (limit up to 2**31)."""
    return ((draw(seed, name, rows) >> np.uint64(32)) * np.uint64(limit) >> np.uint64(32)).astype(np.int64)


class Odds:
    """A weighted choice among positions, with one list of weights for each circumstance (or a single list)."""

    def __init__(self, *weights: Sequence[int]):
        self.table = np.stack([self._spread(each) for each in weights])

    @staticmethod
    def _spread(weights: Sequence[int]) -> np.ndarray:
        bounds = np.cumsum([0, *weights], dtype=np.int64) * 65536 // sum(weights)
        return np.repeat(np.arange(len(weights)), np.diff(bounds))

    def pick(self, seed: int, name: str, rows: np.ndarray, circumstance: np.ndarray | int = 0) -> np.ndarray:
        """Return a position for each row, by the weights of the row's circumstance."""
        return self.table[circumstance, (draw(seed, name, rows) >> np.uint64(48)).astype(np.int64)]


def ranks(seed: int, name: str, start: int, count: int) -> np.ndarray:
    """Return each row's position, 0 to 999, in a shuffle of its thousand; *start* is a multiple of 1,000."""
    whole = -(-count // GROUP) * GROUP
    numbers = draw(seed, name, np.arange(start, start + whole)).reshape(-1, GROUP)
    return numbers.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable").reshape(-1)[:count]


def models(seed: int, rows: np.ndarray) -> np.ndarray:
    """Return the row from which each row takes its content: itself, or another of its thousand for 1 row in 1,024."""
    other = rows // GROUP * GROUP + below(seed, "twin of", rows, GROUP)
    return np.where(below(seed, "twin", rows, TWINS) == 0, other, rows)


@dataclass(frozen=True)
class Variation:
    """The differences of a file from the original one, in thousandths of its rows."""

    changed: int = 0
    new: int = 0
    missing: int = 0
    bad: int = 0


@dataclass(frozen=True)
class Rows:
    """A block of row numbers to write, and those among them that are changed or bad."""

    numbers: np.ndarray
    changed: np.ndarray
    bad: np.ndarray


def blocks(seed: int, count: int, variation: Variation, size: int = 50 * GROUP):
    """Yield the row numbers of a file in blocks. The shares are exact if *count* is a multiple of 1,000."""
    new = count * variation.new // 1000
    for start in range(0, count + new, size):
        numbers = np.arange(start, min(start + size, count + new))
        fate = ranks(seed, "fate", start, len(numbers))
        old = numbers < count
        missing = old & (fate < variation.missing)
        changed = old & ~missing & (fate < variation.missing + variation.changed)
        bad = ranks(seed, "bad", start, len(numbers)) < variation.bad
        yield Rows(numbers[~missing], changed[~missing], bad[~missing])
