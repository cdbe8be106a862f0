"""The stored records of a source without a key, by identity. They are kept in memory while its files are read."""

from collections.abc import Iterator

import numpy as np
from django.db import connection

from datasets.sql.dialect import quoted
from imports import fingerprints
from imports.models import Change
from imports.sources import Source


class ExistingRows:
    """The records of a source from some files, by identity. *files* is a query for the files' primary keys.

    They are a snapshot from the start of reading. If a curator deletes a record before the run is applied, the deletion
    counts as later than the run, so a row that was skipped here does not restore the record. Uses 22 bytes per record.
    """

    def __init__(self, source: Source, files: str, *, exported: bool = False):
        condition = f"changed_in_id IN ({files})"
        identities = _gathered if connection.vendor == "postgresql" else _fetched
        blocks = identities(quoted(source.name), condition)
        stored = [np.frombuffer(block, "<u8").reshape(-1, 2) for block in blocks]
        deleted = np.frombuffer(b"".join(_deleted(source)), "<u8").reshape(-1, 2)
        lanes = np.concatenate([*stored, deleted])
        is_stored = np.ones(len(lanes), bool)
        is_stored[len(lanes) - len(deleted) :] = False
        order = np.argsort(lanes[:, 0], kind="stable")
        lanes, self.stored = lanes[order], is_stored[order]
        self.low, self.high = np.ascontiguousarray(lanes[:, 0]), np.ascontiguousarray(lanes[:, 1])
        self.seen = np.zeros(len(lanes), bool)
        self.positions = np.zeros(len(lanes), np.int32)  # of the row with this identity among the rows read, from 1
        self.agreed = np.zeros(len(lanes), bool)  # a row has the record's current content
        # Rows of an export have the stored content instead of the original file's content. They cannot be identified by
        # the identities of records that were corrected or deleted.
        self.identifying: np.ndarray | None = None
        if exported:
            self.identifying = self.stored.copy()
            corrected = identities(quoted(source.name), "corrections IS NOT NULL")
            indexes = self.indexes(fingerprints.lanes_of(corrected))
            self.identifying[indexes[indexes >= 0]] = False

    def look_up(self, lanes: fingerprints.Lanes, first: int) -> tuple[np.ndarray, np.ndarray]:
        """Return which of these identities are new and which belong to deleted records. Mark them all as seen.

        *first* is the position of the first of these rows among the rows read.
        """
        indexes = self.indexes(lanes)
        is_known = indexes >= 0
        if self.identifying is not None:
            is_known[is_known] = self.identifying[indexes[is_known]]
        self.seen[indexes[is_known]] = True
        self.positions[indexes[is_known]] = first + np.flatnonzero(is_known)
        deleted = np.zeros(len(indexes), bool)
        deleted[is_known] = ~self.stored[indexes[is_known]]
        return ~is_known, deleted

    def was_seen(self, lanes: fingerprints.Lanes) -> np.ndarray:
        """Return which of these identities have been seen."""
        indexes = self.indexes(lanes)
        seen: np.ndarray = (indexes >= 0) & self.seen[indexes] & ~self.agreed[indexes]
        return seen

    @property
    def has_deleted(self) -> bool:
        """Whether a curator has deleted records of the source."""
        return not self.stored.all()

    def agree(self, lanes: fingerprints.Lanes) -> None:
        """Mark records as seen by rows with their current content."""
        indexes = self.indexes(lanes)
        self.seen[indexes[indexes >= 0]] = self.agreed[indexes[indexes >= 0]] = True

    def claim(self, lanes: fingerprints.Lanes) -> tuple[np.ndarray, np.ndarray]:
        """Return which of these identities are known, and which of those no row has claimed yet.

        Mark them all as seen.
        """
        indexes = self.indexes(lanes)
        is_known, free = indexes >= 0, np.zeros(len(indexes), bool)
        free[is_known] = ~self.seen[indexes[is_known]]
        self.seen[indexes[free]] = True
        return is_known, free

    def deleted_and_seen(self) -> list[str]:
        """Return the identities of deleted records that have been seen, as hexadecimal strings."""
        indexes = np.flatnonzero(~self.stored & self.seen)
        return [np.array([self.low[p], self.high[p]], "<u8").tobytes().hex() for p in indexes]

    def unseen(self) -> fingerprints.Lanes:
        """Return the identities of records that have not been seen."""
        unseen = self.stored & ~self.seen
        return np.stack([self.low[unseen], self.high[unseen]])

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


def _gathered(table: str, condition: str) -> Iterator[bytes]:
    """Yield many identities at a time, because PostgreSQL sends each row in a separate message."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT string_agg(identity, ''::bytea) FROM {table} WHERE {condition} GROUP BY id / 65536")
        for (block,) in cursor:
            yield bytes(block)


def _fetched(table: str, condition: str) -> Iterator[bytes]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT identity FROM {table} WHERE {condition}")
        while rows := cursor.fetchmany(50_000):
            yield b"".join([row for (row,) in rows])
