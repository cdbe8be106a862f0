"""The rows of an export in blocks, from the primary or from a read replica."""

from collections.abc import Callable, Generator

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, models, transaction

from datasets.sql.query_timeout import first_row_within
from datasets.versions import versions_behind


class Source:
    """An iterator over the blocks of rows that *read* returns for the database *alias*. It can read the first early.

    If a replica fails, the iterator continues with the rows of the primary, provided that it still has the *version* of
    *model* that the replica had. Then it has the same rows in the same order.
    """

    def __init__(self, read: Callable[[str], Generator[bytes]], alias: str, model: type[models.Model], version: str):
        self._read, self._alias = read, alias
        self._model, self._version = model, version
        self._blocks = read(alias)
        self._has_begun = False
        self._first: list[bytes] = []
        self._size = 0  # bytes of the blocks that were read

    def begin(self) -> None:
        """Read the first block, once, within settings.FIRST_ROW_SECONDS. Raises QueryTimeError."""
        if not self._has_begun:
            self._has_begun = True
            with first_row_within(settings.FIRST_ROW_SECONDS, connections[self._alias]):
                self._first += [block for block in [next(self._blocks, b"")] if block]

    def __iter__(self) -> "Source":
        return self

    def __next__(self) -> bytes:
        try:
            block = self._first.pop() if self._first else next(self._blocks)
        except DatabaseError as error:
            if self._alias == DEFAULT_DB_ALIAS:
                raise
            self._alias, self._blocks = DEFAULT_DB_ALIAS, self._continued(error)
            block = next(self._blocks)
        self._size += len(block)
        return block

    def close(self) -> None:
        self._blocks.close()

    def _continued(self, error: DatabaseError) -> Generator[bytes]:
        """Yield the primary's blocks without the rows that were read before. Raises *error* if its version differs."""
        known = self._size
        with transaction.atomic(), connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            # The version and the rows belong to one snapshot.
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            if versions_behind(self._model) != self._version:
                raise error
            for block in self._read(DEFAULT_DB_ALIAS):
                if len(block) > known:
                    yield block[known:]
                known = max(0, known - len(block))
