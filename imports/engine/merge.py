"""From a stage to its table, set-based: insert what is new, update what changed, leave the same alone."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

from django.db import connection

from datasets.models import ContentRecord
from datasets.sql.dialect import quoted
from datasets.sql.row_json import is_corrected
from imports.engine import tombstones, withheld_rows
from imports.engine.duplicate_keys import Repeats
from imports.engine.pipeline import fill
from imports.engine.recognition import recognise
from imports.engine.references import add_lookups, turn_down_new, turn_down_unknown
from imports.engine.rejections import LateRejections
from imports.engine.source_load import Progress, SourceLoad, Staged
from imports.engine.staged_rows import StagedRows
from imports.engine.updates import Updates
from imports.models import SourceFile
from imports.sources import Many, Reference

# From here on it matters how a first import is done.
MANY_ROWS = 10_000
MANY_BYTES = 8 * 2**20


@dataclass
class Merged:
    """What merging has done to the table of one source, counted by file. Later steps read it."""

    created: Counter[int] = field(default_factory=Counter)
    updated: Counter[int] = field(default_factory=Counter)
    updated_unseen: Counter[int] = field(default_factory=Counter)  # those of them that differ in personal data alone
    kept: Counter[int] = field(default_factory=Counter)  # rows whose record a curator has corrected or deleted
    kept_unseen: Counter[int] = field(default_factory=Counter)
    duplicates: Counter[int] = field(default_factory=Counter)  # rows of a record that another row speaks for
    late: LateRejections = field(default_factory=LateRejections)
    unknown: dict[str, set] = field(default_factory=dict)  # by column, what rejected rows refer to and is not there
    new_lookups: dict[str, list[str]] = field(default_factory=dict)  # by table
    deletions: list[int] = field(default_factory=list)  # Changes that deleted records which the files still have
    notes: list[str] = field(default_factory=list)


class Merge:
    """Merges one source's stage into its table, inside the write transaction."""

    def __init__(self, staged: Staged):
        self.staged, self.load, self.source = staged, staged.load, staged.load.source
        self.rows = StagedRows(self.load)
        self.table, self.pk = self.rows.table, self.rows.pk
        self.updates: Updates | None = None
        self.done = Merged()

    def merge(self, progress: Progress) -> Merged:
        """Do it, and return what was done."""
        done, staged = self.done, self.staged
        if self.load.direct:
            with self._index_last(), self._keys_set_aside() as first_key:
                fill(staged, progress, first_key)
                done.new_lookups, notes = add_lookups(staged)
            done.created = staged.usable - staged.passed_over
            done.kept, done.duplicates = Counter(staged.deleted), Counter(staged.duplicates)
            done.notes += notes
            return done
        self._prepare()
        if updates := self.updates:
            updates.make()
            done.updated, done.updated_unseen = updates.updated, updates.updated_unseen
            done.kept += updates.kept
            done.kept_unseen = updates.kept_unseen
        done.created = self._insert()
        for column in self.rows.many:
            self._link(column)
        if self.updates:
            self.updates.write_down()
        return done

    def _prepare(self) -> None:
        """Take every row out of the stage that is not to be merged, and store new look-up values."""
        done, staged, load = self.done, self.staged, self.load
        done.kept, done.duplicates = Counter(staged.deleted), Counter(staged.duplicates)
        if self.source.key:
            passed_over, done.deletions = tombstones.pass_over(load)
            done.kept += passed_over
        else:
            done.kept += tombstones.corrected_and_seen(staged)
        kept_back = turn_down_unknown(staged, done.late)
        done.kept += kept_back.counts
        done.unknown = kept_back.unknown
        if load.parts and not self.source.key:
            done.kept += recognise(staged, self.rows)
        if self.source.key:
            done.duplicates += Repeats(load, self.rows.many, done.late).take_out()
        done.new_lookups, notes = add_lookups(staged)
        done.notes += kept_back.notes + notes
        turn_down_new(load, self.rows, done.late)
        if self.source.key:
            self.updates = Updates(load, self.rows)

    def kept_back(self, files: dict[int, SourceFile]) -> Iterator[dict]:
        """Yield the rows that are kept back with a record that was deleted by hand."""
        return withheld_rows.entries(self.staged, files)

    def _insert(self) -> Counter:
        """Insert the staged rows that no stored one is; returns how many, by file."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT NOT EXISTS (SELECT 1 FROM {self.table})")
            empty = bool(cursor.fetchone()[0])
            columns = [quoted(c.stored_as) for c in self.rows.stored] + (["identity"] if self.rows.by_content else [])
            names = ["created_in_id", "created_line", "changed_in_id", "changed_line", *columns]
            values = ["s.source_file", "s.source_line"] * 2 + [f"s.{column}" for column in columns]
            new = "" if empty else f" WHERE NOT EXISTS (SELECT 1 FROM {self.table} r WHERE {self.rows.same})"
            # Primary keys follow the file; SQLite reads the stage in that order by itself.
            order = "s.source_line, s.source_file" if self.load.parts else "s.source_file, s.source_line"
            order = f" ORDER BY {order}" if connection.vendor == "postgresql" else ""
            rows = f"SELECT {', '.join(values)} FROM {self.rows.resolved()} s{new}{order}"
            large = self.staged.usable.total() > MANY_ROWS
            with self._index_last() if empty and large and _is_ours(self.table) else nullcontext():
                cursor.execute(f"INSERT INTO {self.table} ({', '.join(names)}) {rows}")
                inserted = cursor.rowcount
            if len(self.load.files) == 1:
                return Counter({self.load.files[0].pk: inserted})
            cursor.execute(
                f"SELECT created_in_id, count(*) FROM {self.table}"
                f" WHERE created_in_id IN ({self.load.files_query}) GROUP BY created_in_id"
            )
            return Counter(dict(cursor.fetchall()))

    @contextmanager
    def _keys_set_aside(self) -> Iterator[int]:
        """Let the rows come with their keys; nobody else takes one from the sequence of a table that is locked."""
        table, pk = self.source.name, self.source.model._meta.pk.column
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, %s))", [table, pk])
            (first_key,) = cursor.fetchone()
            yield first_key
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", [table, pk, self.staged.next_key])

    @contextmanager
    def _index_last(self) -> Iterator[None]:
        """Do without the table's indexes for a while, but for those of keys, and make them anew.

        Sorting a million values once takes a tenth of the time of finding each one's place in a growing tree.
        """
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(
                    "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i"
                    " WHERE i.indrelid = %s::regclass"
                    " AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid) ORDER BY 1",
                    [self.table],
                )
            else:
                cursor.execute(
                    "SELECT '\"' || name || '\"', sql FROM sqlite_master"
                    " WHERE type = 'index' AND tbl_name = %s AND sql IS NOT NULL ORDER BY 1",
                    [self.source.name],
                )
            indexes = dict(cursor.fetchall())
            for name in indexes:
                cursor.execute(f"DROP INDEX {name}")
            yield
            if connection.vendor == "postgresql":
                # Foreign keys that are checked row by row are checked at commit, and until then no index can be made.
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
            for definition in indexes.values():
                cursor.execute(definition)

    def _link(self, column: Many) -> None:
        """Bring what the new and changed records have many of to what their rows say."""
        through, owner, member = (
            quoted(n) for n in (column.through._meta.db_table, column.owner_column, column.member_column)
        )
        parent, by, pk = (
            quoted(n) for n in (column.model._meta.db_table, column.by_field.column, column.model._meta.pk.column)
        )
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {through} ({owner}, {member}) SELECT r.{self.pk}, p.{pk} FROM {self.table} r"
                f" JOIN {quoted(self.load.stage.members(column))} m"
                " ON m.source_file = r.changed_in_id AND m.source_line = r.changed_line"
                f" JOIN {parent} p ON p.{by} = m.member"
                f" WHERE r.changed_in_id IN ({self.load.files_query})"
                f" AND NOT {is_corrected('r.corrections', column.field.name)}"
                " ORDER BY 1, 2"
            )


def may_fill_directly(load: SourceLoad) -> bool:
    """Tell whether a large file's rows can go straight into the table: on PostgreSQL, while it is empty.

    It takes two thirds of the time of staging them first. Readers of the table wait for it meanwhile.
    """
    source = load.source
    joined = any(isinstance(column, Reference) for column in source.bound.values())
    large = sum(file.size for file in load.files) > MANY_BYTES
    if load.parts or not large or joined or not issubclass(source.model, ContentRecord):
        return False
    if connection.vendor != "postgresql" or not _is_ours(quoted(source.name)):
        return False
    return not source.model._default_manager.exists()


def _is_ours(table: str) -> bool:
    """Tell whether this role may make and drop the table's indexes."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE oid = %s::regclass", [table])
        return cursor.fetchone()[0]
