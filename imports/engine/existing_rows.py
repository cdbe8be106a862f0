"""The stored records of a source without a key, by identity. They are kept in memory while its files are read."""

from collections.abc import Iterator

import numpy as np
from django.db import connection

from datasets.sql.dialect import quoted
from imports import fingerprints
from imports.engine.sorted_identities import SortedIdentities
from imports.models import Change
from imports.sources import Source

STORED, SEEN, AGREED, IDENTIFYING = (np.uint8(1 << bit) for bit in range(4))  # the bits of a record


class ExistingRows:
    """The records of a source from some files, by identity. *files* are the files' primary keys for ``IN (…)``.

    They are a snapshot from the start of reading. If a curator deletes a record before the run is applied, the deletion
    counts as later than the run, so a row that was skipped here does not restore the record. Uses 17 bytes per record:
    the two lanes of its identity, sorted by the first, and its bits.
    """

    def __init__(self, source: Source, files: str, *, exported: bool = False):
        table, condition = quoted(source.name), f"changed_in_id IN ({files})"
        deleted = fingerprints.lanes_of(_deleted(source))
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {table} WHERE {condition}")
            rows = SortedIdentities(cursor.fetchone()[0] + deleted.shape[1])
        rows.add(deleted, np.uint8(0))
        for block in _blocks(table, condition):
            rows.add(fingerprints.lanes_of([block]), STORED)
        self.low, self.high, self.bits = rows.sorted()
        # Rows of an export have the stored content instead of the original file's content. They cannot be identified by
        # the identities of records that were corrected or deleted.
        self.bits |= IDENTIFYING
        if exported:
            self.bits[~self._are(STORED)] &= ~IDENTIFYING
            for block in _blocks(table, "corrections IS NOT NULL"):
                indexes = self.indexes(fingerprints.lanes_of([block]))
                self.bits[indexes[indexes >= 0]] &= ~IDENTIFYING

    def __len__(self) -> int:
        return len(self.low)

    def _are(self, bit: np.uint8) -> np.ndarray:
        """Return which records have *bit*."""
        are: np.ndarray = (self.bits & bit) != 0
        return are

    def look_up(self, lanes: fingerprints.Lanes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return which of these identities are new, which belong to deleted records, and the indexes of the others.

        The index of a new identity or of a deleted record is -1. Mark all identities as seen.
        """
        indexes = self.indexes(lanes)
        is_known = indexes >= 0
        is_known[is_known] = (self.bits[indexes[is_known]] & IDENTIFYING) != 0
        self.bits[indexes[is_known]] |= SEEN
        deleted = np.zeros(len(indexes), bool)
        deleted[is_known] = (self.bits[indexes[is_known]] & STORED) == 0
        indexes[~is_known | deleted] = -1
        return ~is_known, deleted, indexes

    def was_seen(self, lanes: fingerprints.Lanes) -> np.ndarray:
        """Return which of these identities have been seen."""
        indexes = self.indexes(lanes)
        seen: np.ndarray = (indexes >= 0) & ((self.bits[indexes] & (SEEN | AGREED)) == SEEN)
        return seen

    @property
    def has_deleted(self) -> bool:
        """Whether a curator has deleted records of the source."""
        return not self._are(STORED).all()

    def agree(self, lanes: fingerprints.Lanes) -> None:
        """Mark records as seen by rows with their current content."""
        indexes = self.indexes(lanes)
        self.bits[indexes[indexes >= 0]] |= SEEN | AGREED

    def claim(self, lanes: fingerprints.Lanes) -> tuple[np.ndarray, np.ndarray]:
        """Return which of these identities are known, and which of those no row has claimed yet.

        Mark them all as seen.
        """
        indexes = self.indexes(lanes)
        is_known, free = indexes >= 0, np.zeros(len(indexes), bool)
        free[is_known] = (self.bits[indexes[is_known]] & SEEN) == 0
        self.bits[indexes[free]] |= SEEN
        return is_known, free

    def deleted_and_seen(self) -> list[str]:
        """Return the identities of deleted records that have been seen, as hexadecimal strings."""
        indexes = np.flatnonzero(self._are(SEEN) & ~self._are(STORED))
        return [np.array([self.low[p], self.high[p]], "<u8").tobytes().hex() for p in indexes]

    def count_unseen(self) -> int:
        """Return the number of records that have not been seen."""
        return int(np.count_nonzero((self.bits & (STORED | SEEN)) == STORED))

    def identities(self, *, seen: bool) -> fingerprints.Lanes:
        """Return the identities of the stored records that have been seen, or of those that have not."""
        chosen = (self.bits & (STORED | SEEN)) == (STORED | SEEN if seen else STORED)
        return np.stack([self.low[chosen], self.high[chosen]])

    def indexes(self, lanes: fingerprints.Lanes) -> np.ndarray:
        """Return the index of each identity among the known ones, or -1."""
        indexes = np.full(lanes.shape[1], -1)
        if not len(self.low):
            return indexes
        order = np.argsort(lanes[0])  # sorted keys make the binary search cache-friendly
        low, high = lanes[0][order], lanes[1][order]
        near = np.minimum(np.searchsorted(self.low, low), len(self.low) - 1)
        is_same = (self.low[near] == low) & (self.high[near] == high)
        # In one of 10**19 pairs, the lower halves of two identities are equal. In that case, also check the next
        # records.
        for row in np.flatnonzero((self.low[near] == low) & ~is_same):
            while near[row] < len(self.low) and self.low[near[row]] == low[row] and not is_same[row]:
                is_same[row] = self.high[near[row]] == high[row]
                near[row] += not is_same[row]
        indexes[order[is_same]] = near[is_same]
        return indexes


def _deleted(source: Source) -> Iterator[bytes]:
    """Yield the identities of records that a curator deleted."""
    tombstones = Change.objects.filter(table=source.name, is_tombstone=True)
    for digits in tombstones.values_list("before__identity", flat=True).iterator():
        yield bytes.fromhex(digits)


def _blocks(table: str, condition: str) -> Iterator[bytes]:
    """Yield identities, many at a time."""
    with connection.chunked_cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"SELECT identity FROM {table} WHERE {condition}")
            while rows := cursor.fetchmany(50_000):
                yield b"".join([row for (row,) in rows])
            return
        # PostgreSQL sends each row in a separate message.
        cursor.execute(
            f"SELECT string_agg(identity, ''::bytea) FROM {table} WHERE {condition} GROUP BY get_byte(identity, 7)"
        )
        while rows := cursor.fetchmany(2):
            for (block,) in rows:
                yield bytes(block)
