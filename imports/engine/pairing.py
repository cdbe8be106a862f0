"""Pair new rows of a file without a key with the missing records of that file whose edited versions they are.

Rows and records are arrays of codes with a column per compared column: equal codes are equal values. Rows are paired in
three stages: if all columns but one are equal, if all but two are, and if a row is where the record was, between the
same neighbors, and at least half of the columns are equal. The equal values must be improbable by chance. In the second
stage, the two differing values count against the pair, unless they are alike. A pair must be the best one for both its
row and its record; ties are not paired.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pyarrow as pa

from imports.engine.near_values import MOST_BITS, NearValues
from imports.engine.value_frequencies import Frequencies
from imports.fingerprints import number_terms

DIFFERENCE = 2.5  # bits of evidence against a pair for each of two differing columns
NEARBY_THRESHOLD = 3.0  # bits of evidence for a row between the neighbors of a record, of which there are few
FURTHER_EDIT = 2.0  # bits of evidence against such a pair for each differing column after the second
DISTANCE = 3  # rows between the expected and the actual position of a record
MOST_TIED = 16  # pairs of rows and records with the same values; more are too common to be paired
MOST_COMPARISONS = 50_000_000  # of rows for each two columns; for wide tables, the second stage is left out

# The positions of rows: for each row, two positions in the order of records at which its record is expected.
Positions = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
Edges = tuple[np.ndarray, np.ndarray, np.ndarray]  # rows, records, and the evidence for each pair


def _no_indexes() -> np.ndarray:
    return np.empty(0, np.int64)


@dataclass(frozen=True)
class ChosenPairs:
    """What a user has chosen, as indexes: pairs of rows and records, and rows and records that must not be paired."""

    rows: np.ndarray = field(default_factory=_no_indexes)
    records: np.ndarray = field(default_factory=_no_indexes)
    separate_rows: np.ndarray = field(default_factory=_no_indexes)
    separate_records: np.ndarray = field(default_factory=_no_indexes)


@dataclass(frozen=True)
class Candidates:
    """The rows and records to pair.

    *required* are the columns that must be equal, such as the file. *places* are the positions of the records, in
    ascending order, and *positions* returns those of rows. *sample* has records of the table. *texts* are the values by
    code of each column whose values can be alike; missing values have the next code.
    """

    rows: np.ndarray
    records: np.ndarray
    sample: np.ndarray
    required: np.ndarray  # by column
    places: np.ndarray
    positions: Positions
    texts: Mapping[int, pa.Array]


@dataclass(frozen=True)
class Pairs:
    """The indexes of paired rows and records, and the likeness of each pair, from 0 to 1."""

    rows: np.ndarray
    records: np.ndarray
    likeness: np.ndarray


def find_pairs(candidates: Candidates, threshold: float, chosen: ChosenPairs, *, automatic: bool) -> Pairs:
    """Return the pairs of *candidates*: the *chosen* ones, and if *automatic*, those of the other rows and records.

    *threshold* is the evidence, in bits, in addition to that which distinguishes one record from all others. A higher
    one gives fewer wrong pairs and fewer pairs.
    """
    pairing = _Pairing(candidates, threshold, chosen)
    if automatic:
        pairing.find()
    return pairing.pairs()


class _Side:
    """The rows or the records at some *indexes*, with the bits and the hashes of their values."""

    def __init__(self, bits: tuple[np.ndarray, np.ndarray], terms: np.ndarray, indexes: np.ndarray):
        self.indexes, self.bits, self.terms = indexes, _of(bits, indexes), terms[indexes]
        self.keys = self.terms.sum(1)

    def keys_without(self, columns: list[int]) -> np.ndarray:
        """Return a hash of the values in all other columns."""
        keys: np.ndarray = self.keys - self.terms[:, columns].sum(1)
        return keys


class _Pairing:
    """The state of a pairing: the rows and records that are not paired yet."""

    def __init__(self, candidates: Candidates, threshold: float, chosen: ChosenPairs):
        self.given = candidates
        self.frequencies = Frequencies(candidates.sample)
        self.row_bits = self.frequencies.bits(candidates.rows)
        self.record_bits = self.frequencies.bits(candidates.records)
        self.row_terms, self.record_terms = _terms(candidates.rows), _terms(candidates.records)
        self.needed = np.log2(max(len(candidates.records), 2)) + threshold
        self.free_rows = np.ones(len(candidates.rows), bool)
        self.free_records = np.ones(len(candidates.records), bool)
        self.rows, self.records = [chosen.rows], [chosen.records]
        self.free_rows[chosen.rows] = self.free_rows[chosen.separate_rows] = False
        self.free_records[chosen.records] = self.free_records[chosen.separate_records] = False
        self.near_values: dict[int, NearValues] = {}  # by column

    def find(self) -> None:
        """Pair the rows and records that are free."""
        for differing in (0, 1, 2):
            self._pair_all_but(differing)
        self._pair_nearby()

    def pairs(self) -> Pairs:
        """Return the pairs, with their likeness."""
        rows, records = np.concatenate(self.rows), np.concatenate(self.records)
        alone = np.minimum(self.row_bits[0][rows], self.record_bits[0][records])
        equal = self.given.rows[rows] == self.given.records[records]
        total = np.maximum(alone.sum(1), np.finfo(float).tiny)
        return Pairs(rows, records, np.where(equal, alone, 0).sum(1) / total)

    def _pair_all_but(self, differing: int) -> None:
        """Pair rows and records that are equal in all columns except a number of *differing* ones."""
        rows = _Side(self.row_bits, self.row_terms, np.flatnonzero(self.free_rows))
        records = _Side(self.record_bits, self.record_terms, np.flatnonzero(self.free_records))
        free = np.flatnonzero(~self.given.required)
        choices = list(combinations(free.tolist(), differing))
        if not choices or (differing > 1 and len(choices) * (len(rows.keys) + len(records.keys)) > MOST_COMPARISONS):
            return
        found = [self._edges_without(list(columns), rows, records) for columns in choices]
        near, far, evidence = (np.concatenate(each) for each in zip(*found, strict=True))
        self._take(rows.indexes[near], records.indexes[far], evidence)

    def _edges_without(self, columns: list[int], rows: "_Side", records: "_Side") -> Edges:
        """Return the pairs that are equal in all columns except *columns*."""
        equal = np.ones(self.given.rows.shape[1], bool)
        equal[columns] = False
        keys, of_rows = records.keys_without(columns), rows.keys_without(columns)
        near, far, twice = _candidates(of_rows, keys)
        evidence = self.frequencies.evidence(_of(rows.bits, near), equal)
        least = self.needed - (len(columns) > 1) * len(columns) * (MOST_BITS - DIFFERENCE)
        likely = evidence >= max(least, self._by_chance(records, keys, twice, equal))
        near, evidence = near[likely], evidence[likely]
        left, right = _same(of_rows[near], keys[far])
        near, far, evidence = near[left], far[right], evidence[left]
        for column in columns if len(columns) > 1 else []:
            codes = self.given.rows[rows.indexes[near], column], self.given.records[records.indexes[far], column]
            evidence += self._alike(column, *codes) - DIFFERENCE
        enough = evidence >= self.needed
        return near[enough], far[enough], evidence[enough]

    def _alike(self, column: int, left: np.ndarray, right: np.ndarray) -> np.ndarray | float:
        """Return the evidence that the different values of each pair are versions of one."""
        if column not in self.given.texts:
            return 0.0
        if column not in self.near_values:
            self.near_values[column] = NearValues(self.given.texts[column], self.given.sample[:, column])
        return self.near_values[column].bits(left, right)

    def _by_chance(self, records: "_Side", keys: np.ndarray, twice: np.ndarray, equal: np.ndarray) -> float:
        """Return the evidence that is not enough for these columns, because two different records have as much.

        *twice* are the indexes of the records that may have the same key as another.
        """
        order = twice[np.argsort(keys[twice])]
        ordered, whole = keys[order], records.keys[order]
        twice = order[1:][(ordered[1:] == ordered[:-1]) & (whole[1:] != whole[:-1])]
        if not len(twice):
            return 0.0
        return 1 + float(self.frequencies.evidence(_of(records.bits, twice), equal).max())

    def _pair_nearby(self) -> None:
        """Pair rows with records between the same neighbors if at least half of the columns are equal."""
        rows, records = np.flatnonzero(self.free_rows), np.flatnonzero(self.free_records)
        if not len(rows) or not len(records):
            return
        places, near, far, distances = self.given.places[records], [], [], []
        for expected in self.given.positions(rows):
            first = np.searchsorted(places, expected - DISTANCE)
            last = np.searchsorted(places, expected + DISTANCE, side="right")
            for offset in range(2 * DISTANCE + 1):
                inside = first + offset < last
                place = (first + offset)[inside]
                near.append(rows[inside])
                far.append(records[place])
                distances.append(np.abs(places[place] - expected[inside]))
        row, record = np.concatenate(near), np.concatenate(far)
        equal = self.given.rows[row] == self.given.records[record]
        evidence = self.frequencies.evidence(_of(self.row_bits, row), equal)
        free = ~self.given.required
        candidates = len(np.unique(_numbered(row, record)))
        evidence -= FURTHER_EDIT * np.maximum((~equal).sum(1) - 2, 0)
        enough = evidence >= np.log2(max(candidates, 1)) + NEARBY_THRESHOLD
        enough &= equal[:, ~free].all(1) & (2 * equal[:, free].sum(1) >= free.sum())
        closeness = evidence - 0.01 * np.concatenate(distances)  # of two equally likely records, the nearer one
        self._take(row[enough], record[enough], closeness[enough])

    def _take(self, rows: np.ndarray, records: np.ndarray, evidence: np.ndarray) -> None:
        """Pair the rows and records that are the best for each other."""
        if not len(rows):
            return
        _, first = np.unique(_numbered(rows, records), return_index=True)
        rows, records, evidence = rows[first], records[first], evidence[first]
        best = _best(rows, evidence) & _best(records, evidence)
        self.rows.append(rows[best])
        self.records.append(records[best])
        self.free_rows[rows[best]] = self.free_records[records[best]] = False


def _of(bits: tuple[np.ndarray, np.ndarray], indexes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the bits of the rows at *indexes*, without a copy if these are all rows in their order."""
    if len(indexes) == len(bits[0]) and (np.diff(indexes) == 1).all():
        return bits
    return bits[0][indexes], bits[1][indexes]


def _numbered(rows: np.ndarray, records: np.ndarray) -> np.ndarray:
    """Return a number for each pair, the same for the same pair."""
    numbers: np.ndarray = (rows << 32) + records
    return numbers


def _terms(rows: np.ndarray) -> np.ndarray:
    """Return a hash of each value, whose sum over columns is that of a row."""
    columns = [number_terms(str(column), values)[0] for column, values in enumerate(np.ascontiguousarray(rows.T))]
    return np.stack(columns, 1) if columns else np.empty((len(rows), 0), np.uint64)


def _candidates(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the indexes of keys that may be in both arrays, and those of *right* that may be there twice.

    The last bits of each key are compared, which takes a fraction of the time of sorting the keys.
    """
    size = 1 << (4 * len(right)).bit_length()
    of_left, of_right = ((keys & np.uint64(size - 1)).astype(np.int64) for keys in (left, right))
    counts = np.bincount(of_right, minlength=size)
    near = np.flatnonzero(counts[of_left])
    in_left = np.zeros(size, bool)
    in_left[of_left[near]] = True
    return near, np.flatnonzero(in_left[of_right]), np.flatnonzero(counts[of_right] > 1)


def _same(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the indexes of equal keys in both arrays, except those with too many pairs."""
    order = np.argsort(right)
    right = right[order]
    first = np.searchsorted(right, left)
    found = np.flatnonzero(right[np.minimum(first, len(right) - 1)] == left) if len(right) else _no_indexes()
    first, last = first[found], np.searchsorted(right, left[found], side="right")
    _, which, times = np.unique(left[found], return_inverse=True, return_counts=True)
    few = times[which] * (last - first) <= MOST_TIED
    found, first, counts = found[few], first[few], (last - first)[few]
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(found, counts), order[np.repeat(first, counts) + within]


def _best(ends: np.ndarray, evidence: np.ndarray) -> np.ndarray:
    """Return which pairs have the highest evidence for their end, without ties."""
    order = np.lexsort((-evidence, ends))
    ordered = ends[order]
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    second = np.minimum(first + 1, len(order) - 1)
    is_tied = (second != first) & (ordered[second] == ordered[first])
    is_tied &= evidence[order[second]] >= evidence[order[first]] - 1e-9
    best = np.zeros(len(ends), bool)
    best[order[first[~is_tied]]] = True
    return best
