"""Identities of rows without a key: 128-bit hashes of the file's name, the cells, and the number of the occurrence.

Each part is hashed to a term of two 64-bit lanes. The identity is the sum of the terms, lane by lane, modulo 2**64, as
in Zobrist hashing. The sum does not depend on the order of the columns, and a column without values adds nothing to it.
It can be computed for a whole column at once, and the file's name can be replaced in a stored identity. Strings are
hashed with BLAKE2b, keyed with their column. Integers are hashed with the finalizer of SplitMix64 (Steele, Lea and
Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014). The identities are stored, so stored records
would no longer be found if the hashes changed.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Protocol

import numpy as np
import pyarrow as pa

Lanes = np.ndarray  # shape (2, rows), uint64
Keys = tuple[np.ndarray, np.ndarray | None]  # keys in order, and their counts

GOLDEN, FIRST, SECOND = (np.uint64(c) for c in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def text_term(column: str, text: str) -> tuple[int, int]:
    """Return the two lanes of *text* in *column*."""
    digest = blake2b(text.encode(), digest_size=16, key=column.encode()[:64]).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def text_terms(column: str, texts: list[str]) -> Lanes:
    """Return the lanes of each string in *texts*."""
    return np.array([text_term(column, text) for text in texts], np.uint64).reshape(-1, 2).T


def number_terms(column: str, numbers: np.ndarray) -> Lanes:
    """Return the lanes of each number in *numbers* (of any 64-bit type)."""
    bits = numbers.view(np.uint64)
    return np.stack([_mixed(bits, np.uint64(salt)) for salt in text_term(column, "")])


def column_terms(column: str, values: pa.Array) -> Lanes:
    """Return the lanes of a column of validated values. The lanes of a null are 0, 0."""
    if pa.types.is_string(values.type) or pa.types.is_boolean(values.type):
        encoded = values.dictionary_encode()
        lanes = text_terms(column, [str(value) for value in encoded.dictionary.to_pylist()])
        terms = np.concatenate([lanes, np.zeros((2, 1), np.uint64)], axis=1)
        return terms[:, encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)]
    if pa.types.is_date32(values.type):
        values = values.cast(pa.int32()).cast(pa.int64())
    terms = number_terms(column, values.fill_null(0).to_numpy(zero_copy_only=False))
    if values.null_count:
        terms[:, values.is_null().to_numpy(zero_copy_only=False)] = 0
    return terms


def name_term(name: str) -> Lanes:
    """Return the lanes of a file's name, which is hashed like a column with one value."""
    return text_terms("file name", [name])


def lanes_of(identities: Iterable[bytes]) -> Lanes:
    """Return the lanes of stored identities."""
    lanes: Lanes = np.frombuffer(b"".join(map(bytes, identities)), "<u8").reshape(-1, 2).T
    return lanes


def renamed(identities: list[bytes], old: str, new: str) -> list[bytes]:
    """Return the identities that rows of the file *old* have after the file is renamed to *new*."""
    renamed: list[bytes] = stored(lanes_of(identities) - name_term(old) + name_term(new)).to_pylist()
    return renamed


def stored(lanes: Lanes) -> pa.Array:
    """Return identities as they are stored, with 16 bytes each."""
    rows = np.ascontiguousarray(lanes.T.astype("<u8", copy=False))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(rows), [None, pa.py_buffer(rows)])


def _mixed(bits: np.ndarray, salt: np.uint64) -> np.ndarray:
    mixed = bits + salt
    mixed *= GOLDEN
    mixed ^= mixed >> np.uint64(30)
    mixed *= FIRST
    mixed ^= mixed >> np.uint64(27)
    mixed *= SECOND
    mixed ^= mixed >> np.uint64(31)
    return mixed


class Stored(Protocol):
    """Stored identities, each of which has an index."""

    def __len__(self) -> int: ...

    def indexes(self, lanes: Lanes) -> np.ndarray:
        """Return the index of each identity, or -1."""


class Occurrences:
    """Counts the earlier rows with the same content in a file, for each row of each batch.

    Uses a bit for each of the *stored* identities, 8 bytes for each other distinct content, and 16 more for each
    repeated one, in sorted arrays that are merged as they grow.
    """

    def __init__(self, stored: Stored | None = None) -> None:
        self.stored = stored if stored is not None and len(stored) else None
        self.stored_came = np.zeros((len(self.stored) + 7) // 8 if self.stored is not None else 0, np.uint8)
        self.came = _Counts(counting=False)
        self.came_again = _Counts()  # occurrences after the first

    def add(self, lanes: Lanes) -> None:
        """Add the term of each row's occurrence to *lanes* in place, starting with the second occurrence."""
        keys = lanes[0] ^ (lanes[1] << np.uint64(1))
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(keys)])
        lengths = np.diff(np.append(starts, len(keys)))
        distinct = ordered[starts]
        known = self._came(distinct, lanes[:, order[starts]])
        before = known + self.came_again.of(distinct)
        again = np.flatnonzero((known > 0) | (lengths > 1))
        if not len(again):
            return
        self.came_again.add(distinct[again], (lengths - (known == 0))[again])
        numbers = np.repeat(before - starts, lengths) + np.arange(len(keys))
        later = numbers > 0
        lanes[:, order[later]] += number_terms("occurrence", numbers[later])

    def _came(self, keys: np.ndarray, lanes: Lanes) -> np.ndarray:
        """Return 1 for each content that has come before, else 0, and remember them all. *keys* are sorted."""
        came, others = np.zeros(len(keys), np.int64), np.ones(len(keys), bool)
        if self.stored is not None:
            indexes = self.stored.indexes(lanes)
            others = indexes < 0
            octets, bits = np.divmod(indexes[~others], 8)
            came[~others] = (self.stored_came[octets] >> bits) & 1
            np.bitwise_or.at(self.stored_came, octets, np.left_shift(1, bits).astype(np.uint8))
        came[others] = self.came.of(keys[others])
        self.came.add(keys[others & (came == 0)])
        return came


class _Counts:
    """The counts of many keys. Without *counting*, each count is 1 or 0."""

    def __init__(self, *, counting: bool = True):
        self.counting = counting
        self.runs: list[tuple[np.ndarray, np.ndarray | None]] = []  # sorted keys, and their counts

    def of(self, keys: np.ndarray) -> np.ndarray:
        """Return the counts of *keys*."""
        counts = np.zeros(len(keys), np.int64)
        for run, their_counts in self.runs:
            indexes = np.searchsorted(run, keys)
            indexes[indexes == len(run)] = 0
            is_same = run[indexes] == keys
            counts += is_same if their_counts is None else np.where(is_same, their_counts[indexes], 0)
        return counts

    def add(self, keys: np.ndarray, counts: np.ndarray | None = None) -> None:
        """Add *keys*, which are sorted. Without *counting*, they must be new."""
        if len(keys):
            self.runs.append((keys, counts))
        while len(self.runs) > 1 and len(self.runs[-2][0]) < 2 * len(self.runs[-1][0]):
            self.runs[-2:] = [self._merged(*self.runs[-2:])]

    def _merged(self, first: Keys, second: Keys) -> Keys:
        merged = np.concatenate([first[0], second[0]])
        if not self.counting:
            merged.sort(kind="stable")  # a stable sort merges the two sorted parts
            return merged, None
        order = np.argsort(merged, kind="stable")
        merged = merged[order]
        starts = np.flatnonzero(np.append(True, merged[1:] != merged[:-1]))
        return merged[starts], np.add.reduceat(np.concatenate([first[1], second[1]])[order], starts)
