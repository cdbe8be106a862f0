"""Merge a stage into its table with set-based SQL: insert new records and update changed ones."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db import connection

from datasets.models import ContentRecord
from datasets.sql.dialect import pk_column, quoted
from datasets.sql.page_cache import DEFAULT, page_cache
from datasets.sql.row_json import is_corrected
from imports.engine import resolutions, tombstones, withheld_rows
from imports.engine.duplicate_keys import DuplicateKeys
from imports.engine.export_row_matching import recognise
from imports.engine.missing_records import find_missing
from imports.engine.new_terms import store_new_terms
from imports.engine.paired_rows import Paired, PairedRows, pair_rows
from imports.engine.pipeline import fill
from imports.engine.references import reject_incomplete_rows, reject_unknown_references
from imports.engine.rejected_values import read_late
from imports.engine.rejections import LateRejections, Rejections
from imports.engine.source_load import Progress, SourceLoad, Staged
from imports.engine.staged_rows import StagedRows
from imports.engine.updates import Updates
from imports.models import SourceFile
from imports.run_diff_file import Entry
from imports.sources import Many

# The minimum sizes for a first import to drop indexes or to bypass the stage.
MANY_ROWS = 10_000
MANY_BYTES = 8 * 2**20
STEPS = 4  # of a merge, for its progress: prepare, update, insert, store changes

# The statements that drop and create each index of a table, except those that a foreign key or a view depends on. Each
# query has the name of the table as its parameter.
INDEXES = {
    "postgresql": """
        SELECT CASE WHEN c.oid IS NULL THEN format('DROP INDEX %%s', i.indexrelid::regclass)
                    ELSE format('ALTER TABLE %%s DROP CONSTRAINT %%I', i.indrelid::regclass, c.conname) END,
               CASE WHEN c.oid IS NULL THEN pg_get_indexdef(i.indexrelid)
                    ELSE format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', i.indrelid::regclass, c.conname,
                                pg_get_constraintdef(c.oid)) END
        FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.conrelid = i.indrelid
        WHERE i.indrelid = quote_ident(%s)::regclass AND NOT EXISTS (
            SELECT 1 FROM pg_depend d WHERE d.deptype = 'n' AND (
                d.refclassid = 'pg_constraint'::regclass AND d.refobjid = c.oid
                OR d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indexrelid))
        ORDER BY i.indisprimary DESC, 1
    """,
    "sqlite": """
        SELECT 'DROP INDEX "' || name || '"', sql FROM sqlite_master
        WHERE type = 'index' AND tbl_name = %s AND sql IS NOT NULL ORDER BY 1
    """,
}


@dataclass
class Merged:
    """The results of merging one source into its table, counted by file. Later steps read them."""

    created: Counter[int] = field(default_factory=Counter)
    updated: Counter[int] = field(default_factory=Counter)
    updated_unseen: Counter[int] = field(default_factory=Counter)  # updated records that differ only in personal data
    kept: Counter[int] = field(default_factory=Counter)  # rows whose record a curator has corrected or deleted
    kept_unseen: Counter[int] = field(default_factory=Counter)
    duplicates: Counter[int] = field(default_factory=Counter)  # rows merged into another row of the same record
    late: LateRejections = field(default_factory=LateRejections)
    unknown: dict[str, set[Any]] = field(default_factory=dict)  # unknown references of rejected rows, by column
    new_terms: dict[str, list[str]] = field(default_factory=dict)  # by table
    deletions: list[int] = field(
        default_factory=list
    )  # primary keys of the Changes with the tombstones of records that are still in the files
    notes: list[str] = field(default_factory=list)


class Merge:
    """Merges one source's stage into its table, inside the write transaction."""

    def __init__(self, staged: Staged):
        self.staged, self.load, self.source = staged, staged.load, staged.load.source
        self.rows = StagedRows(self.load)
        self.table, self.pk = self.rows.table, self.rows.pk
        self.updates: Updates | None = None
        self.paired = Paired()
        self.done = Merged()

    def merge(self, progress: Progress, step: Callable[[int], None]) -> Merged:
        """Merge the rows and return the results. *step* is called with the number of completed steps of STEPS."""
        done, staged = self.done, self.staged
        if self.load.direct:
            with self._index_last(), self._reserved_keys() as first_key:
                fill(staged, progress, first_key)
                done.new_terms, notes = store_new_terms(staged)
            done.created = staged.usable - staged.already_stored
            done.kept, done.duplicates = Counter(staged.deleted), Counter(staged.duplicates)
            done.notes += notes
            step(STEPS)
            return done
        self._prepare()
        step(1)
        if updates := self.updates:
            updates.make()
            done.updated, done.updated_unseen = updates.updated, updates.updated_unseen
            done.kept += updates.kept
            done.kept_unseen = updates.kept_unseen
        step(1)
        done.created = self._insert()
        step(1)
        for column in self.rows.many:
            self._link(column)
        if self.updates:
            self.updates.store_changes()
        step(1)
        return done

    @cached_property
    def late_rows(self) -> Rejections:
        """The rows that were rejected after staging, with their values, identities and states."""
        return read_late(self.staged, self.done.late)

    def _prepare(self) -> None:
        """Remove rows that must not be merged from the stage, and store new terms."""
        done, staged, load = self.done, self.staged, self.load
        done.kept, done.duplicates = Counter(staged.deleted), Counter(staged.duplicates)
        if self.source.key:
            skipped, done.deletions = tombstones.skip_deleted(load)
            done.kept += skipped
        else:
            done.kept += tombstones.corrected_and_seen(staged)
        withheld = reject_unknown_references(staged, done.late)
        done.kept += withheld.counts
        done.unknown = withheld.unknown
        if load.parts and not self.source.key:
            done.kept += recognise(staged, self.rows)
        if self.source.key:
            done.duplicates += DuplicateKeys(load, self.rows.many, done.late).take_out()
        done.new_terms, notes = store_new_terms(staged)
        done.notes += withheld.notes + notes
        reject_incomplete_rows(load, self.rows, done.late)
        resolutions.reject_second_fixes(staged, self.rows, done.late)
        if self.source.key:
            self.updates = Updates(load, self.rows)
            return
        find_missing(staged, self.late_rows)
        self.paired = pair_rows(staged, self.rows)
        if self.paired.pairs:
            self.updates = Updates(load, PairedRows(load), few=self.paired.few)
        done.notes += self.paired.notes

    def withheld(self, files: dict[int, SourceFile]) -> Iterator[Entry]:
        """Yield the rows that are withheld because they refer to a record that a curator has deleted."""
        return withheld_rows.entries(self.staged, files)

    def _insert(self) -> Counter[int]:
        """Insert the staged rows that have no stored record. Return the number of rows by file."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT NOT EXISTS (SELECT 1 FROM {self.table})")
            empty = bool(cursor.fetchone()[0])
            columns = [quoted(c.stored_as) for c in self.rows.stored] + (["identity"] if self.rows.by_content else [])
            names = ["created_in_id", "created_line", "changed_in_id", "changed_line", *columns]
            values = ["s.source_file", "s.source_line"] * 2 + [f"s.{column}" for column in columns]
            new = "" if empty else f" WHERE NOT EXISTS (SELECT 1 FROM {self.table} r WHERE {self.rows.same})"
            # Assign primary keys in the order of the file. SQLite reads the stage in that order anyway.
            order = "s.source_line, s.source_file" if self.load.parts else "s.source_file, s.source_line"
            order = f" ORDER BY {order}" if connection.vendor == "postgresql" else ""
            rows = f"SELECT {', '.join(values)} FROM {self.rows.resolved()} s{new}{order}"
            large = self.staged.usable.total() > MANY_ROWS
            with self._index_last() if empty and large and _may_change_indexes(self.table) else nullcontext():
                cursor.execute(f"INSERT INTO {self.table} ({', '.join(names)}) {rows}")
                inserted = cursor.rowcount
            if len(self.load.files) == 1:
                return Counter({self.load.files[0].pk: inserted})
            cursor.execute(
                f"SELECT created_in_id, count(*) FROM {self.table}"
                f" WHERE created_in_id IN ({self.load.files_sql}) GROUP BY created_in_id"
            )
            return Counter(dict(cursor.fetchall()))

    @contextmanager
    def _reserved_keys(self) -> Iterator[int]:
        """Yield the first free primary key. The table is locked, so no other transaction uses its sequence."""
        table, pk = self.source.name, pk_column(self.source.model)
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, %s))", [table, pk])
            (first_key,) = cursor.fetchone()
            yield first_key
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", [table, pk, self.staged.next_key])

    @contextmanager
    def _index_last(self) -> Iterator[None]:
        """Drop the table's indexes and its primary key, and create them again at the end.

        Sorting a million values once takes a tenth of the time of inserting each value into a growing index.
        """
        with connection.cursor() as cursor:
            cursor.execute(INDEXES[connection.vendor], [self.source.name])
            indexes = cursor.fetchall()
            for drop, _ in indexes:
                cursor.execute(drop)
            yield
            if connection.vendor == "postgresql":
                # PostgreSQL cannot create an index while deferred foreign key checks are pending.
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
            with page_cache(DEFAULT):
                for _, create in indexes:
                    cursor.execute(create)

    def _link(self, column: Many) -> None:
        """Insert the many-to-many rows of new and changed records."""
        through, owner, member = (
            quoted(n) for n in (column.through._meta.db_table, column.owner_column, column.member_column)
        )
        parent, by, pk = (quoted(n) for n in (column.model._meta.db_table, column.by_column, pk_column(column.model)))
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {through} ({owner}, {member}) SELECT r.{self.pk}, p.{pk} FROM {self.table} r"
                f" JOIN {quoted(self.load.stage.members(column))} m"
                " ON m.source_file = r.changed_in_id AND m.source_line = r.changed_line"
                f" JOIN {parent} p ON p.{by} = m.member"
                f" WHERE r.changed_in_id IN ({self.load.files_sql})"
                f" AND NOT {is_corrected('r.corrections', column.field.name)}"
                " ORDER BY 1, 2"
            )


def may_fill_directly(load: SourceLoad) -> bool:
    """Return whether rows can be written directly into the table.

    This is done for large files on PostgreSQL if the table is empty, because it takes two thirds of the time of staging
    them first. Doing so locks the table for readers.
    """
    source = load.source
    if load.parts or load.resubmissions or source.references or not issubclass(source.model, ContentRecord):
        return False
    large = sum(file.size for file in load.files) > MANY_BYTES
    if not large or connection.vendor != "postgresql" or not _may_change_indexes(quoted(source.name)):
        return False
    return not source.model._default_manager.exists()


def _may_change_indexes(table: str) -> bool:
    """Return whether this database role may create and drop the table's indexes."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE oid = %s::regclass", [table])
        return bool(cursor.fetchone()[0])
