"""Which rows of a file are stored already: the identities of a source's records, held while its files are read."""

from collections.abc import Iterator

import numpy as np
from django.db import connection

from datasets import identity
from datasets.models import SourceFile
from datasets.sources import Source
from datasets.staging import quoted


class Known:
    """The records of a source that were last seen in files of these names, by identity.

    They are taken as they were when reading began. A record that a curator deletes before the run lands is one that
    was deleted after it: what is passed over here is not brought back. Holds 17 bytes a record.
    """

    def __init__(self, source: Source, names: set[str]):
        files = SourceFile.objects.filter(source=source.name, name__in=names).values_list("pk", flat=True)
        condition = f"changed_in_id IN ({', '.join(map(str, files)) or 'NULL'})"
        blocks = (_gathered if connection.vendor == "postgresql" else _fetched)(quoted(source.name), condition)
        lanes = [np.frombuffer(block, "<u8").reshape(-1, 2) for block in blocks]
        lanes = np.concatenate(lanes) if lanes else np.empty((0, 2), np.uint64)
        lanes = lanes[np.argsort(lanes[:, 0], kind="stable")]
        self.low, self.high = np.ascontiguousarray(lanes[:, 0]), np.ascontiguousarray(lanes[:, 1])
        self.seen = np.zeros(len(lanes), bool)

    def new(self, lanes: identity.Lanes) -> np.ndarray:
        """Return which of the rows with these identities no record has; remembers which records have been seen."""
        if not len(self.low):
            return np.ones(lanes.shape[1], bool)
        order = np.argsort(lanes[0])  # in order, neighbours are looked for near each other
        low, high = lanes[0][order], lanes[1][order]
        places = np.minimum(np.searchsorted(self.low, low), len(self.low) - 1)
        found = (self.low[places] == low) & (self.high[places] == high)
        # Half of an identity has the other's value once in 10**19 pairs; then the next record may be the one.
        for row in np.flatnonzero((self.low[places] == low) & ~found):
            while places[row] < len(self.low) and self.low[places[row]] == low[row] and not found[row]:
                found[row] = self.high[places[row]] == high[row]
                places[row] += not found[row]
        self.seen[places[found]] = True
        new = np.empty(len(order), bool)
        new[order] = ~found
        return new

    def unseen(self) -> identity.Lanes:
        """Return the identities of records that no row has had."""
        return np.stack([self.low[~self.seen], self.high[~self.seen]])


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
