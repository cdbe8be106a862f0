"""Fast inserts into temporary or empty tables, with COPY on PostgreSQL and executemany on SQLite."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from itertools import chain, islice
from sqlite3 import SQLITE_LIMIT_VARIABLE_NUMBER
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg import Copy

from datasets.fields import field_of
from datasets.models import ContentRecord
from datasets.sql.dialect import analyze, column_type, quoted, temporary, temporary_tables
from imports import fingerprints
from imports.engine.binary_rows import HEADER, TRAILER, encoded
from imports.sources import Column, Detail, Many, Reference, Source

Columns = dict[str, pa.Array]
AT_ONCE = 100_000  # identities
VALUES = 5_000  # of a statement on SQLite, which usually allows 32,766


class Writer:
    """Writes batches of columns to one table.

    On PostgreSQL, a single COPY writes several batches. :meth:`pause` ends it, so the connection can be used for other
    queries.
    """

    def __init__(self, table: str, columns: Sequence[str]):
        self.table, self.columns = table, list(columns)
        self.cursor = connection.cursor()
        self.copying = ExitStack()
        self.copy: Copy | None = None

    def write(self, batch: Columns) -> None:
        """Append the rows of *batch*, which has one array for each column, all of equal length."""
        if connection.vendor == "postgresql":
            self._copy(batch)
        else:
            self._executemany(batch)

    def pause(self) -> None:
        """End the current COPY, so its rows are written to the table."""
        self.copy = None
        self.copying.close()

    def __enter__(self) -> "Writer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.copying.__exit__(kind, error, traceback)
        self.cursor.close()

    def _copy(self, batch: Columns) -> None:
        if not len(batch[self.columns[0]]):
            return
        rows = encoded({name: batch[name] for name in self.columns}, self.types)
        if not self.copy:
            self.copy = self.copying.enter_context(self._copying())
        self.copy.write(rows)

    @contextmanager
    def _copying(self) -> Iterator[Copy]:
        names = ", ".join(quoted(name) for name in self.columns)
        statement = f"COPY {quoted(self.table)} ({names}) FROM STDIN (FORMAT binary)"
        with connection.wrap_database_errors, self.cursor.copy(statement) as copy:
            copy.write(HEADER)
            yield copy
            copy.write(TRAILER)

    @cached_property
    def types(self) -> dict[str, str]:
        """The types of the table's columns on PostgreSQL."""
        self.cursor.execute(
            "SELECT attname, atttypid::regtype::text FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0",
            [quoted(self.table)],
        )
        return dict(self.cursor.fetchall())

    def _executemany(self, batch: Columns) -> None:
        names = ", ".join(quoted(name) for name in self.columns)
        marks = f"({', '.join('?' for _ in self.columns)})"
        values = list(chain.from_iterable(zip(*(_for_sqlite(batch[name]) for name in self.columns), strict=True)))
        # Use the driver's cursor, because Django's cursor would rewrite the placeholders and log every row.
        with _quick_transaction(), CursorWrapper(connection.connection.cursor(), connection) as cursor:
            for start, end, rows in _statements(len(values), len(self.columns)):
                statement = f"INSERT INTO {quoted(self.table)} ({names}) VALUES {', '.join([marks] * rows)}"
                step = rows * len(self.columns)
                parameters = (values[first : first + step] for first in range(start, end, step))
                cursor.executemany(statement, parameters)  # type: ignore[arg-type]  # the driver reads any iterable


@contextmanager
def _quick_transaction() -> Iterator[None]:
    """On SQLite, write a batch to a temporary table in one transaction that does not lock the main database."""
    if connection.in_atomic_block:
        yield
        return
    driver = connection.connection
    driver.execute("BEGIN DEFERRED")
    try:
        yield
    except BaseException:
        driver.execute("ROLLBACK")
        raise
    driver.execute("COMMIT")


def _statements(values: int, columns: int) -> Iterator[tuple[int, int, int]]:
    """Yield the start and the end of the values to insert with the same statement, and the number of its rows.

    A statement for many rows takes a quarter less time than one for each row.
    """
    allowed: int = connection.connection.getlimit(SQLITE_LIMIT_VARIABLE_NUMBER)
    rows = max(1, min(VALUES, allowed) // columns)
    whole = values - values % (rows * columns)
    if whole:
        yield 0, whole, rows
    if whole < values:
        yield whole, values, (values - whole) // columns


def _for_sqlite(values: pa.Array) -> list[Any]:
    if pa.types.is_fixed_size_binary(values.type) and not values.null_count:
        width = values.type.byte_width
        octets = np.frombuffer(values.buffers()[1], np.dtype((np.void, width)), len(values), values.offset * width)
        return list(octets.tolist())
    if pa.types.is_date32(values.type):
        values = values.cast(pa.string())
    return list(values.to_pylist())


class Stage:
    """The temporary tables of one source: its rows, the members of each Many, and problems found later.

    A staged row has ``source_file`` and ``source_line``, and ``identity`` if the source has no key. It also has each
    column of the source under its own name. A VocabularyColumn contains the key of its term, and a Reference contains
    the text of the cell. The other tables are created on demand.
    """

    def __init__(self, source: Source):
        self.source = source
        self.table = f"stage_{source.name}"
        self.problems = f"problems_{source.name}"
        # Duplicate keys and changed rows, the keys of rejected rows, the records without a row, and the subset of those
        # that are missing from their files.
        self.first, self.again, self.changed = (f"{what}_{source.name}" for what in ("first", "again", "changed"))
        self.deleted = f"deleted_{source.name}"  # keys of records that a curator has deleted
        # Rows that refer to such records, their lines, and the values of the references.
        self.held, self.held_lines, self.parents = (
            f"{what}_{source.name}" for what in ("held", "heldlines", "parents")
        )
        self.seen, self.unseen, self.missing = (f"{what}_{source.name}" for what in ("seen", "unseen", "missing"))
        self.met = f"met_{source.name}"  # the records with a row, if these are fewer than those without
        # The rejected rows by file and line, and the original files of fixed rows.
        self.unusable, self.continued = f"unusable_{source.name}", f"continued_{source.name}"
        # The fixed rows of this import, and the records of rows that an earlier import has fixed.
        self.fixed, self.fixed_before = f"fixed_{source.name}", f"fixedbefore_{source.name}"
        # The pairs of rows and records, and the identities of the rows before and after new rows.
        self.pairs, self.neighbors = f"pairs_{source.name}", f"neighbors_{source.name}"
        self.columns = [c for c in source.bound.values() if not isinstance(c, Detail)]
        row = {"source_file": "bigint", "source_line": "integer"}
        self.types = dict(row)
        if issubclass(source.model, ContentRecord):
            self.types["identity"] = column_type(field_of(source.model, "identity"))
        self.types |= {column.name: _type(column) for column in self.columns}
        key = {name: self.types[name] for name in self.key}
        self._types = {self.table: self.types, self.seen: key, self.unseen: key, self.met: key}
        self._types |= {self.unusable: {"name": "text", "line": "integer"}, self.continued: {"name": "text"}}
        pair = row | {"pk": column_type(source.model._meta.pk), "likeness": "double precision"}
        self._types |= {self.pairs: pair, self.neighbors: key}
        self._types |= {self.fixed: row | key, self.fixed_before: {"pk": column_type(source.model._meta.pk)}}
        for column in source.columns_of(Many):
            self._types[self.members(column)] = row | {"member": column_type(column.by_field)}
        self._made: set[str] = set()

    @property
    def key(self) -> list[str]:
        """The staged columns that identify a record."""
        return list(self.source.key) or ["identity"]

    @property
    def tables(self) -> list[str]:
        """The names of all possible tables."""
        collected = [self.problems, self.first, self.again, self.changed, self.deleted, self.missing]
        return [*self._types, *collected, self.held, self.held_lines, self.parents]

    def members(self, column: Many) -> str:
        return f"{self.table}_{column.name}"

    def create(self) -> None:
        """Create the empty tables for rows and members on this connection."""
        for table in (self.table, *map(self.members, self.source.columns_of(Many))):
            self.need(table)

    def need(self, table: str) -> None:
        """Create the given table if it does not exist."""
        if table not in self._made:
            columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in self._types[table].items())
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE TEMPORARY TABLE {quoted(table)} ({columns})")
            self._made.add(table)

    def has(self, table: str) -> bool:
        """Return whether the given table exists."""
        return table in self._made

    def writer(self) -> Writer:
        return Writer(self.table, list(self.types))

    def finish(self) -> None:
        """Update the statistics of the staged rows on PostgreSQL, or index their keys on SQLite."""
        compared = [*self.key, *(c.name for c in self.columns if type(c) is Reference)]
        analyze(self.table, *compared)
        for column in self.source.columns_of(Many):
            analyze(self.members(column), "source_file", "source_line", "member")
        if connection.vendor == "sqlite" and self.source.key:
            names = ", ".join(quoted(name) for name in self.key)
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE INDEX temp.{quoted(f'{self.table}_key')} ON {quoted(self.table)} ({names})")

    def collect(self, table: str, query: str) -> None:
        """Create or replace the given table with the rows of *query*."""
        with connection.cursor() as cursor:
            if table in self._made:
                cursor.execute(f"DROP TABLE {temporary(table)}")
            cursor.execute(f"CREATE TEMPORARY TABLE {quoted(table)} AS {query}")
        self._made.add(table)

    def add(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Append a small number of rows to the given table, and create the table if necessary."""
        names, marks = ", ".join(quoted(name) for name in columns), ", ".join(["%s"] * len(columns))
        rows = iter(rows)
        with connection.cursor() as cursor:
            while chunk := list(islice(rows, 2000)):
                self.need(table)
                cursor.executemany(f"INSERT INTO {quoted(table)} ({names}) VALUES ({marks})", chunk)

    def add_identities(self, table: str, lanes: fingerprints.Lanes) -> None:
        """Append identities to the given table, and create the table if necessary."""
        self.need(table)
        with Writer(table, ["identity"]) as writer:
            for start in range(0, lanes.shape[1], AT_ONCE):
                writer.write({"identity": fingerprints.stored(lanes[:, start : start + AT_ONCE])})
        analyze(table, "identity")

    def is_empty(self, table: str) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT NOT EXISTS (SELECT 1 FROM {quoted(table)})")
            return bool(cursor.fetchone()[0])


def drop_stages(sources: Iterable[Source]) -> None:
    """Drop the existing staging tables of *sources*."""
    existing = temporary_tables()
    names = [temporary(table) for source in sources for table in Stage(source).tables if table in existing]
    with connection.cursor() as cursor:
        # On SQLite, a statement can drop only one table.
        for name in [", ".join(names)] * bool(names) if connection.vendor == "postgresql" else names:
            cursor.execute(f"DROP TABLE {name}")


def _type(column: Column) -> str:
    match column:
        case Many():
            return "text"
        case Reference():
            return column_type(column.by_field)
    return column_type(column.field)
