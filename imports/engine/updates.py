"""Update stored records whose file has changed, except for values that a curator has corrected."""

from collections import Counter
from collections.abc import Collection, Iterable

from django.db import connection
from django.db.backends.utils import CursorWrapper

from datasets.records.masking import personal_names
from datasets.sql.dialect import analyze, pk_column, quoted, sql_false
from datasets.sql.row_json import as_json, differs, is_corrected, json_value, value_of
from imports.engine.many_to_many import as_list, of_list, staged_members, stored_members
from imports.engine.references import joins_by_index
from imports.engine.source_load import SourceLoad
from imports.engine.staged_rows import StagedRows
from imports.models import Change
from imports.sources import Column, Many


class Updates:
    """The staged rows of a source with a key whose stored record differs.

    The file's new value is compared with its previous value, which is stored in ``corrections`` for a corrected column,
    and in the column itself otherwise.
    """

    def __init__(self, load: SourceLoad, rows: StagedRows, *, few: bool = False):
        self.few = few  # whether the records are few among those of the table
        self.load, self.resolved, self.same, self.records = load, rows.resolved(), rows.same, rows.records()
        model = load.source.model
        self.table, self.pk = quoted(load.source.name), quoted(pk_column(model))
        self.changed = quoted(load.stage.changed)
        keys = {column.name for column in load.source.key_columns}
        self.by_pair = not keys  # the rows are paired with their records
        present = [c for c in load.stage.columns if c.name in load.present and c.name not in keys]
        self.columns = [column for column in present if not isinstance(column, Many)]
        self.many = [column for column in present if isinstance(column, Many)]
        self.personal = personal_names(model)
        self.updated, self.updated_unseen = Counter[int](), Counter[int]()
        self.kept, self.kept_unseen = Counter[int](), Counter[int]()
        with connection.cursor() as cursor:
            paired = f" AND {self.pk} IN (SELECT pk FROM {quoted(load.stage.pairs)})" if self.by_pair else ""
            cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {self.table} WHERE corrections IS NOT NULL{paired})")
            self.corrected = bool(cursor.fetchone()[0])
        # If a row of an export contains the corrected value, the file's value counts as unchanged.
        self.agreeing = bool(load.parts) and self.corrected
        self.differing = False
        self.raw = self.resolved
        if self.agreeing:
            values = ", ".join(["s.source_file", "s.source_line", *map(self._value_from_file, self.columns)])
            of_rows = [column.stored_as for column in load.source.key_columns] or ["identity", "paired", "likeness"]
            names = "".join(f", s.{quoted(name)}" for name in of_rows)
            self.resolved = f"(SELECT {values}{names} FROM {self.raw} s LEFT JOIN {self.table} r ON {self.same})"

    def make(self) -> None:
        """Update the records, and count them in ``updated`` and ``kept``, by file.

        ``updated_unseen`` and ``kept_unseen`` count the records that differ only in personal data.
        """
        stage = self.load.stage
        stage.collect(stage.changed, self._changed())
        analyze(stage.changed, "pk")
        self.differing = not stage.is_empty(stage.changed)
        if self.differing:
            self._update()
        if self.corrected:
            self.kept = self._kept()
            if self.personal:
                self.kept_unseen = self.kept - self._kept(without=self.personal)

    def _update(self) -> None:
        with connection.cursor() as cursor:
            with joins_by_index(few=self.few):
                cursor.execute(
                    f"UPDATE {self.table} AS r SET {', '.join(self._assignments())}"
                    f" FROM {self.changed} s WHERE r.{self.pk} = s.pk"
                )
            for column in self.many:
                self._unlink(cursor, column)
            cursor.execute(
                f"SELECT source_file, count(*), sum(1 - seen) FROM {self.changed} WHERE own = 1 GROUP BY source_file"
            )
            for file, count, unseen in cursor.fetchall():
                self.updated[file], self.updated_unseen[file] = count, unseen

    def store_changes(self) -> None:
        """Store a Change with the row before and after for each record. Call it after linking many-to-many rows."""
        if not self.differing:
            return
        after = as_json(self.load.source.model, "r")
        kind = f"CASE WHEN s.own = 1 THEN '{Change.Kind.UPDATED}' ELSE '{Change.Kind.KEPT}' END"
        likeness = "s.likeness" if self.by_pair else "NULL"
        with connection.cursor() as cursor, joins_by_index(few=self.few):
            cursor.execute(
                f'INSERT INTO changes (run_id, "table", record, kind, "before", "after", is_tombstone, likeness)'
                f" SELECT {self.load.run.pk}, '{self.load.source.name}', CAST(r.{self.pk} AS text), {kind}, s.before,"
                f" {after}, {sql_false()}, {likeness}"
                f" FROM {self.table} r JOIN {self.changed} s ON s.pk = r.{self.pk}"
            )

    # In these parts of queries, r is the stored record and s is the staged row.

    def _changed(self) -> str:
        comparisons = [
            (f"s.{quoted(c.stored_as)}", self._file_side(c), self._is_corrected(c), f"r.{quoted(c.stored_as)}", c.field)
            for c in self.columns
        ]
        joins, many = [], []
        for index, column in enumerate(self.many):
            joins.append(
                f"LEFT JOIN {staged_members(self.load, column)} ms{index} ON ms{index}.source_file = s.source_file"
                f" AND ms{index}.source_line = s.source_line"
            )
            joins.append(f"LEFT JOIN {stored_members(column, self.records)} mr{index} ON mr{index}.owner = r.{self.pk}")
            stored = f"mr{index}.members"
            remembered = of_list("r.corrections", column.field.name)
            corrected = self._is_corrected(column)
            side = f"CASE WHEN {corrected} THEN {remembered} ELSE {stored} END" if self.corrected else stored
            new = f"ms{index}.members"
            if self.agreeing:
                same = f"{corrected} AND NOT {differs(column.field, new, stored)}"
                new = f"CASE WHEN {same} THEN {remembered} ELSE {new} END"
            comparisons.append((new, side, corrected, stored, column.field))
            many.append(f"{as_list(new)} AS {quoted(column.field.name)}")
        changed = (
            "1 = 1"
            if self.by_pair
            else " OR ".join(differs(field, new, old) for new, old, _, _, field in comparisons) or "1 = 0"
        )
        own = {
            field.name: f"({differs(field, new, stored)}" + (f" AND NOT {corrected})" if self.corrected else ")")
            for new, _, corrected, stored, field in comparisons
        }
        seen = [condition for name, condition in own.items() if name not in self.personal]
        extra = "".join(f", {column}" for column in many)
        return (
            f"SELECT r.{self.pk} AS pk, s.*{extra}, {_flag(own.values())} AS own, {_flag(seen)} AS seen,"
            f" {as_json(self.load.source.model, 'r')} AS before FROM {self.resolved} s"
            f" JOIN {self.table} r ON {self.same} {' '.join(joins)} WHERE {changed}"
        )

    def _assignments(self) -> list[str]:
        values = ["changed_in_id = s.source_file", "changed_line = s.source_line"]
        values += ["identity = s.identity"] * self.by_pair
        for column in self.columns:
            name = quoted(column.stored_as)
            kept = f"CASE WHEN {self._is_corrected(column)} THEN r.{name} ELSE s.{name} END"
            values.append(f"{name} = {kept if self.corrected else f's.{name}'}")
        if self.corrected:
            values.append(f"corrections = {self._remembered()}")
        return values

    def _remembered(self) -> str:
        """Return the SQL expression for the file values to store in ``corrections``."""
        if connection.vendor == "postgresql":
            # If a column is missing from the files, its stored file value is kept.
            file_value = "coalesce(to_jsonb(s)->k, r.corrections->k)"
            return f"(SELECT jsonb_object_agg(k, {file_value}) FROM jsonb_object_keys(r.corrections) k)"
        pairs = [f"'$.{c.stored_as}', {json_value(c.field, f's.{quoted(c.stored_as)}')}" for c in self.columns]
        pairs += [f"'$.{c.field.name}', json(s.{quoted(c.field.name)})" for c in self.many]
        return f"json_replace(r.corrections, {', '.join(pairs)})"

    def _unlink(self, cursor: CursorWrapper, column: Many) -> None:
        through, owner = quoted(column.through._meta.db_table), quoted(column.owner_column)
        records = f"SELECT s.pk FROM {self.changed} s"
        if self.corrected:
            records += f" JOIN {self.table} r ON r.{self.pk} = s.pk WHERE NOT {self._is_corrected(column)}"
        cursor.execute(f"DELETE FROM {through} WHERE {owner} IN ({records})")

    def _kept(self, without: Collection[str] = ()) -> Counter[int]:
        """Return the number of records whose correction differs from the file, by file. Ignore the fields *without*."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT s.source_file, count(*) FROM {self.raw} s JOIN {self.table} r ON {self.same}"
                f" WHERE r.corrections IS NOT NULL AND {self.against(without)} GROUP BY s.source_file"
            )
            return Counter(dict(cursor.fetchall()))

    def against(self, without: Collection[str] = ()) -> str:
        """Return the SQL condition that a correction of the record r differs from the file's row s."""
        conditions = []
        for column in (c for c in [*self.columns, *self.many] if c.field.name not in without):
            if isinstance(column, Many):
                stored = f"(SELECT m.members FROM {stored_members(column, self.records)} m WHERE m.owner = r.{self.pk})"
                new = (
                    f"(SELECT m.members FROM {staged_members(self.load, column)} m"
                    " WHERE m.source_file = s.source_file AND m.source_line = s.source_line)"
                )
                file_value = of_list("r.corrections", column.field.name)
            else:
                stored, new = (f"{alias}.{quoted(column.stored_as)}" for alias in "rs")
                file_value = self._file_side(column)
            condition = f"{self._is_corrected(column)} AND {differs(column.field, file_value, stored)}"
            conditions.append(condition + (f" AND {differs(column.field, new, stored)}" if self.agreeing else ""))
        return f"({' OR '.join(f'({condition})' for condition in conditions) or '1 = 0'})"

    def _value_from_file(self, column: Column) -> str:
        """Return the file's value for an exported row.

        If the row contains the corrected value, this is the previous file value.
        """
        new, stored = (f"{alias}.{quoted(column.stored_as)}" for alias in "sr")
        same = f"{self._is_corrected(column)} AND NOT {differs(column.field, new, stored)}"
        return (
            f"CASE WHEN {same} THEN {value_of(column.field, 'r.corrections')} ELSE {new} END"
            f" AS {quoted(column.stored_as)}"
        )

    def _is_corrected(self, column: Column) -> str:
        name = column.field.name if isinstance(column, Many) else column.stored_as
        return is_corrected("r.corrections", name)

    def _file_side(self, column: Column) -> str:
        stored = f"r.{quoted(column.stored_as)}"
        if not self.corrected:
            return stored
        return (
            f"CASE WHEN {self._is_corrected(column)} THEN {value_of(column.field, 'r.corrections')} ELSE {stored} END"
        )


def _flag(conditions: Iterable[str]) -> str:
    """Return an SQL expression that is 1 if any of *conditions* is true, and otherwise 0."""
    return f"CASE WHEN {' OR '.join(conditions) or '1 = 0'} THEN 1 ELSE 0 END"
