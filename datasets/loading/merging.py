"""From a stage to its table, set-based: insert what is new, update what changed, leave the same alone."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from django.db import connection

from datasets.dialect import quoted
from datasets.history.rows import is_corrected
from datasets.loading import deletions, exports, held, mostly_rejected
from datasets.loading.filling import Progress, SourceRun, fill
from datasets.loading.references import add_lookups, turn_down_new, turn_down_unknown
from datasets.loading.repeats import Repeats
from datasets.loading.updating import Updates
from datasets.models import ContentRecord, SourceFile
from datasets.sources import Many, Reference

# From here on it matters how a first import is done.
MANY_ROWS = 10_000
MANY_BYTES = 8 * 2**20


class Merge:
    """Merges one source's stage into its table, inside the write transaction.

    Sets the counts of its files.
    """

    def __init__(self, run: SourceRun):
        self.run, self.source, self.stage = run, run.source, run.stage
        self.table = quoted(run.source.name)
        self.staged = quoted(run.stage.table)
        self.pk = quoted(run.source.model._meta.pk.column)
        self.updates: Updates | None = None
        self.by_content = issubclass(run.source.model, ContentRecord)
        stored = [c for c in run.stage.columns if not isinstance(c, Many) and c.name in run.present]
        self.stored = [c for c in stored if c.stored_as != "identity"]
        self.many = [c for c in run.source.columns_of(Many) if c.name in run.present]
        # What a staged row is found by among the stored ones: staged column, stored column.
        keys = [(c.name, c.stored_as) for c in run.source.key_columns] or [("identity", "identity")]
        self.same = " AND ".join(f"r.{quoted(stored)} = s.{quoted(stored)}" for _, stored in keys)

    def merge(self, progress: Progress) -> dict[str, list[str]]:
        """Do it; returns the look-up values that were new, by table."""
        run, updated = self.run, Counter()
        if run.direct:
            with self._index_last(), self._keys_set_aside():
                fill(run, progress)
                new_lookups = add_lookups(run)
            created = run.staged - run.passed_over
        else:
            run.kept += deletions.pass_over(run) if self.source.key else deletions.corrected_and_seen(run)
            turn_down_unknown(run)
            if run.parts and not self.source.key:
                exports.recognise(self)
            if self.source.key:
                run.repeated += Repeats(run, self.many).take_out()
            new_lookups = add_lookups(run)
            turn_down_new(run, self.resolved(), self.same)
            self.updates = Updates(run, self.resolved(), self.same) if self.source.key else None
            if updates := self.updates:
                updates.make()
                updated = updates.updated
                run.kept += updates.kept
            created = self._insert()
            for column in self.many:
                self._link(column)
            if self.updates:
                self.updates.write_down(run.files[0].run_id)
        for file in run.files:
            file.read = run.staged[file.pk] + run.rejections.checked[file.pk]
            file.rejected = run.rejections.count(file)
            file.created, file.updated, file.repeated = (each[file.pk] for each in (created, updated, run.repeated))
            file.kept = run.kept[file.pk]
            if updates := self.updates:
                file.updated_unseen, file.kept_unseen = updates.updated_unseen[file.pk], updates.kept_unseen[file.pk]
            file.unchanged = file.read - file.rejected - file.created - file.updated - file.repeated
        mostly_rejected.refuse(run, run.files)
        return new_lookups

    def kept_back(self, files: dict[int, SourceFile]) -> Iterator[dict]:
        """Yield the rows that are kept back with a record that was deleted by hand."""
        return held.entries(self.run, files)

    def resolved(self) -> str:
        """Return the staged rows with the stored columns' names, references found."""
        columns, joins = ["s.source_file", "s.source_line"], []
        if self.by_content:
            columns.append("s.identity")
        for place, column in enumerate(self.stored):
            value = f"s.{quoted(column.name)}"
            if isinstance(column, Reference) and column.by_field != column.field.target_field:
                parent, by = quoted(column.model._meta.db_table), quoted(column.by_field.column)
                joins.append(f"LEFT JOIN {parent} p{place} ON p{place}.{by} = {value}")
                value = f"p{place}.{quoted(column.field.target_field.column)}"
            columns.append(f"{value} AS {quoted(column.stored_as)}")
        return f"(SELECT {', '.join(columns)} FROM {self.staged} s {' '.join(joins)})"

    def _insert(self) -> Counter:
        """Insert the staged rows that no stored one is; returns how many, by file."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT NOT EXISTS (SELECT 1 FROM {self.table})")
            empty = bool(cursor.fetchone()[0])
            columns = [quoted(c.stored_as) for c in self.stored] + (["identity"] if self.by_content else [])
            names = ["created_in_id", "created_line", "changed_in_id", "changed_line", *columns]
            values = ["s.source_file", "s.source_line"] * 2 + [f"s.{column}" for column in columns]
            new = "" if empty else f" WHERE NOT EXISTS (SELECT 1 FROM {self.table} r WHERE {self.same})"
            # Primary keys follow the file; SQLite reads the stage in that order by itself.
            order = "s.source_line, s.source_file" if self.run.parts else "s.source_file, s.source_line"
            order = f" ORDER BY {order}" if connection.vendor == "postgresql" else ""
            rows = f"SELECT {', '.join(values)} FROM {self.resolved()} s{new}{order}"
            large = self.run.staged.total() > MANY_ROWS
            with self._index_last() if empty and large and self._is_ours() else nullcontext():
                cursor.execute(f"INSERT INTO {self.table} ({', '.join(names)}) {rows}")
                inserted = cursor.rowcount
            if len(self.run.files) == 1:
                return Counter({self.run.files[0].pk: inserted})
            cursor.execute(
                f"SELECT created_in_id, count(*) FROM {self.table}"
                f" WHERE created_in_id IN ({self.run.files_query}) GROUP BY created_in_id"
            )
            return Counter(dict(cursor.fetchall()))

    def may_fill_directly(self) -> bool:
        """Tell whether a large file's rows can go straight into the table: on PostgreSQL, while it is empty.

        It takes two thirds of the time of staging them first. Readers of the table wait for it meanwhile.
        """
        joined = any(isinstance(column, Reference) for column in self.source.bound.values())
        large = sum(file.size for file in self.run.files) > MANY_BYTES
        on_postgresql = connection.vendor == "postgresql"
        if self.run.parts or not on_postgresql or not self.by_content or joined or not large or not self._is_ours():
            return False
        return not self.source.model._default_manager.exists()

    def _is_ours(self) -> bool:
        """Tell whether this role may make and drop the table's indexes."""
        if connection.vendor != "postgresql":
            return True
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE oid = %s::regclass", [self.table]
            )
            return cursor.fetchone()[0]

    @contextmanager
    def _keys_set_aside(self) -> Iterator[None]:
        """Let the rows come with their keys; nobody else takes one from the sequence of a table that is locked."""
        table, pk = self.source.name, self.source.model._meta.pk.column
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, %s))", [table, pk])
            (self.run.next_key,) = cursor.fetchone()
            yield
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", [table, pk, self.run.next_key])

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
                f" JOIN {quoted(self.stage.members(column))} m"
                " ON m.source_file = r.changed_in_id AND m.source_line = r.changed_line"
                f" JOIN {parent} p ON p.{by} = m.member"
                f" WHERE r.changed_in_id IN ({self.run.files_query})"
                f" AND NOT {is_corrected('r.corrections', column.field.name)}"
                " ORDER BY 1, 2"
            )
