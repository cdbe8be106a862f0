"""Sort the identities of many records with little memory in addition to theirs."""

from math import isqrt

import numpy as np

from imports.fingerprints import Lanes

PARTS = 16
SHIFT = np.uint64(60)  # leaves the bits of a first lane that are the number of its part


class SortedIdentities:
    """The two lanes of about *count* identities, with a byte for each, which are sorted by the first lane.

    Sorting an array takes as much memory again. Each part of the arrays has the identities with the same highest bits,
    and is sorted on its own. Identities are evenly distributed, so all parts have the same size.
    """

    def __init__(self, count: int):
        self.size = count // PARTS + 8 * isqrt(count // PARTS) + 8  # eight standard errors
        kinds = (np.uint64, np.uint64, np.uint8)
        self.arrays: list[np.ndarray] = [np.empty(PARTS * self.size, kind) for kind in kinds]
        self.counts = np.zeros(PARTS, np.int64)

    def add(self, lanes: Lanes, octets: np.ndarray | np.uint8) -> None:
        """Add identities with their bytes, or with one byte for all."""
        count = lanes.shape[1]
        parts = (lanes[0] >> SHIFT).astype(np.uint8)
        added = np.bincount(parts, minlength=PARTS)
        if (self.counts + added).max() > self.size:
            self._enlarge(count)
        first = np.arange(PARTS) * self.size + self.counts
        places = np.empty(count, np.int64)
        places[np.argsort(parts, kind="stable")] = np.arange(count) + np.repeat(first - np.cumsum(added) + added, added)
        for array, values in zip(self.arrays, (*lanes, octets), strict=True):
            array[places] = values
        self.counts += added

    def _enlarge(self, more: int) -> None:
        """Make room for *more* identities in each part if records were added or identities are distributed unevenly."""
        larger = SortedIdentities(2 * PARTS * (self.size + more))
        for part in range(PARTS):
            low, high, octets = (array[self._of(part)] for array in self.arrays)
            larger.add(np.stack([low, high]), octets)
        self.size, self.arrays = larger.size, larger.arrays

    def _of(self, part: int) -> slice:
        return slice(part * self.size, part * self.size + self.counts[part])

    def sorted(self) -> list[np.ndarray]:
        """Return the first lanes in order, the second lanes, and the bytes. Call it once."""
        end = 0
        for part in range(PARTS):
            of_part = self._of(part)
            order = np.argsort(self.arrays[0][of_part])
            for array in self.arrays:
                array[end : end + len(order)] = array[of_part][order]
            end += len(order)
        for array in self.arrays:
            array.resize(end, refcheck=False)  # frees the memory behind the end
        return self.arrays
