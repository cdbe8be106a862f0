"""Which rows of a file are stored already: the identities of a source's records, held while its files are read."""

from collections.abc import Iterator

import numpy as np
from django.db import connection

from datasets.sql.dialect import quoted
from imports import fingerprints
from imports.models import Change
from imports.sources import Source


class Known:
    """The records of a source that were last seen in some files, by identity; a query names these by their keys.

    They are a snapshot of the time when reading began. A record that a curator deletes before the run is applied counts
    as deleted after it: a row that is skipped here does not restore it. Uses 17 bytes per record.
    """

    def __init__(self, source: Source, files: str, exported: bool = False):
        condition = f"changed_in_id IN ({files})"
        blocks = (_gathered if connection.vendor == "postgresql" else _fetched)(quoted(source.name), condition)
        stored = [np.frombuffer(block, "<u8").reshape(-1, 2) for block in blocks]
        deleted = np.frombuffer(b"".join(_deleted(source)), "<u8").reshape(-1, 2)
        lanes = np.concatenate([*stored, deleted])
        is_stored = np.ones(len(lanes), bool)
        is_stored[len(lanes) - len(deleted) :] = False
        order = np.argsort(lanes[:, 0], kind="stable")
        lanes, self.stored = lanes[order], is_stored[order]
        self.low, self.high = np.ascontiguousarray(lanes[:, 0]), np.ascontiguousarray(lanes[:, 1])
        self.seen = np.zeros(len(lanes), bool)
        self.agreed = np.zeros(len(lanes), bool)  # a row says the same as the record, and not as its file once did
        # What the rows of an export say is what is stored, not what the files did: then identities of records that
        # were corrected or deleted tell nothing.
        self.telling = None
        if exported:
            self.telling = self.stored.copy()
            corrected = np.frombuffer(b"".join(_corrected(source)), "<u8").reshape(-1, 2).T
            places = self._places(corrected)
            self.telling[places[places >= 0]] = False

    def look_up(self, lanes: fingerprints.Lanes) -> tuple[np.ndarray, np.ndarray]:
        """Return which rows with these identities are new, and which are of deleted records; remembers them."""
        places = self._places(lanes)
        found = places >= 0
        if self.telling is not None:
            found[found] = self.telling[places[found]]
        self.seen[places[found]] = True
        deleted = np.zeros(len(places), bool)
        deleted[found] = ~self.stored[places[found]]
        return ~found, deleted

    def was_seen(self, lanes: fingerprints.Lanes) -> np.ndarray:
        """Return which of these identities a row has had."""
        places = self._places(lanes)
        return (places >= 0) & self.seen[places] & ~self.agreed[places]

    @property
    def has_deleted(self) -> bool:
        """Whether records of the source have been deleted by hand."""
        return not self.stored.all()

    def agree(self, lanes: fingerprints.Lanes) -> None:
        """Remember that rows hold what the records with these identities do."""
        places = self._places(lanes)
        self.seen[places[places >= 0]] = self.agreed[places[places >= 0]] = True

    def claim(self, lanes: fingerprints.Lanes) -> tuple[np.ndarray, np.ndarray]:
        """Return which identities are known, and for which of them no row has spoken so far; remembers them."""
        places = self._places(lanes)
        found, free = places >= 0, np.zeros(len(places), bool)
        free[found] = ~self.seen[places[found]]
        self.seen[places[free]] = True
        return found, free

    def deleted_and_seen(self) -> list[str]:
        """Return the identities, as hexadecimal digits, of deleted records that a row has had."""
        places = np.flatnonzero(~self.stored & self.seen)
        return [np.array([self.low[p], self.high[p]], "<u8").tobytes().hex() for p in places]

    def unseen(self) -> fingerprints.Lanes:
        """Return the identities of records that no row has had."""
        unseen = self.stored & ~self.seen
        return np.stack([self.low[unseen], self.high[unseen]])

    def _places(self, lanes: fingerprints.Lanes) -> np.ndarray:
        """Return where each identity is among the known ones; -1 for those that are not."""
        places = np.full(lanes.shape[1], -1)
        if not len(self.low):
            return places
        order = np.argsort(lanes[0])  # in order, neighbours are looked for near each other
        low, high = lanes[0][order], lanes[1][order]
        near = np.minimum(np.searchsorted(self.low, low), len(self.low) - 1)
        found = (self.low[near] == low) & (self.high[near] == high)
        # Half of an identity has the other's value once in 10**19 pairs; then the next record may be the one.
        for row in np.flatnonzero((self.low[near] == low) & ~found):
            while near[row] < len(self.low) and self.low[near[row]] == low[row] and not found[row]:
                found[row] = self.high[near[row]] == high[row]
                near[row] += not found[row]
        places[order[found]] = near[found]
        return places


def _deleted(source: Source) -> Iterator[bytes]:
    """Yield the identities of records that somebody deleted by hand."""
    standing = Change.objects.filter(table=source.name, standing=True)
    for digits in standing.values_list("before__identity", flat=True).iterator():
        yield bytes.fromhex(digits)


def _corrected(source: Source) -> Iterator[bytes]:
    """Yield the identities of records that hold a correction."""
    corrected = source.model._default_manager.filter(corrections__isnull=False)
    for octets in corrected.values_list("identity", flat=True).iterator():
        yield bytes(octets)


def _gathered(table: str, condition: str) -> Iterator[bytes]:
    """Yield the identities many at a time: PostgreSQL sends each row in a message of its own."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT string_agg(identity, ''::bytea) FROM {table} WHERE {condition} GROUP BY id / 65536")
        for (block,) in cursor:
            yield bytes(block)


def _fetched(table: str, condition: str) -> Iterator[bytes]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT identity FROM {table} WHERE {condition}")
        while rows := cursor.fetchmany(50_000):
            yield b"".join([row for (row,) in rows])
