"""Conflicts that prevent an undo or redo: records that are no longer as the run or edit left them, and references."""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import ForeignKey, Model

from curation.history.blockers import changed_by, newest_change, stored_by
from curation.history.conflicts import SHOWN, missing_keys, owner_field, refers_to_deleted, relations
from curation.history.record_counts import counted
from curation.history.reversal import Reversal
from curation.history.tombstones import has_other_tombstone, same_key_deleted
from curation.history.undo_result import Blocker, Conflict
from datasets.fields import related_model, through_model
from datasets.models import ContentRecord, Record
from datasets.sql.dialect import column_name, column_type, is_distinct, pk_column, quoted
from datasets.sql.row_json import as_json, equal_but_for, values
from imports.engine import references
from imports.models import Change, Edit, ImportRun

RESTORED = (Change.Kind.DELETED, Change.Kind.UPDATED, Change.Kind.KEPT)  # changes of records that have a row before
PROVENANCE = ("changed_in_id", "changed_line")  # a later import may have changed only these
Blockers = Callable[[type[Model], str, int], tuple[list[Blocker], int]]


class UndoConflicts:
    """The conflicts of a reversal of *action*; an undo or redo of it has tombstones of *root*."""

    def __init__(self, reversal: Reversal, root: ImportRun | Edit):
        self.reversal, self.root = reversal, root
        self.undoings = list(root.undoings.all())

    @cached_property
    def floor(self) -> int:
        """The newest Change of the run or edit and of its undos and redos. Only later changes block."""
        return newest_change(self.root, *self.undoings)

    def before(self) -> Iterator[Conflict]:
        """Yield the conflicts that are known before the reversal."""
        for model in self.reversal.models:
            yield from self._changed_later(model)
            yield from self._deleted_later(model)
            yield from self._re_created(model)
            yield from self._used_values(model)

    def missing_references(self) -> Iterator[Conflict]:
        """Yield a conflict for each restored reference to a record that has since been deleted."""
        for model in self.reversal.models:
            rows = self.reversal.changes(model, *RESTORED)
            keys = f"SELECT {values(model, 'c.before')[pk_column(model)]} FROM {rows}"
            tables = [(model, pk_column(model))]
            tables += [(through_model(many), many.m2m_column_name()) for many in model._meta.many_to_many]
            for table, key in tables:
                fields = [field for field in table._meta.concrete_fields if isinstance(field, ForeignKey)]
                if references.broken_references(table, fields, f"r.{quoted(key)} IN ({keys})"):
                    for field, query in relations(model, rows, "c.before"):
                        sentence = refers_to_deleted(field, "{first}")
                        yield from self._conflict(
                            missing_keys(field, query), sentence, related_model(field), changed_by
                        )
                    break

    def references_to_created(self) -> Iterator[Conflict]:
        """Yield a conflict for each table whose remaining records refer to records that would be deleted."""
        for model in self.reversal.models:
            table, pk = quoted(model._meta.db_table), quoted(pk_column(model))
            for relation in model._meta.related_objects:
                child = relation.related_model
                if not child._meta.managed or relation.many_to_many:
                    continue
                owned = owner_field(child)  # a many-to-many row is represented by its owner
                owner, key = (owned.related_model, owned.column) if owned else (child, pk_column(child))
                query = (
                    f"SELECT DISTINCT x.{quoted(key)} AS record FROM {quoted(child._meta.db_table)} x JOIN {table} r"
                    f" ON r.{pk} = x.{quoted(column_name(relation.field))} WHERE {self.reversal.is_created(model, 'r')}"
                )
                if issubclass(owner, Record):
                    created = self.reversal.is_created(owner, "o")
                    there = f"o.{quoted(pk_column(owner))} = x.{quoted(key)} AND {created}"
                    query += f" AND NOT EXISTS (SELECT 1 FROM {quoted(owner._meta.db_table)} o WHERE {there})"
                name = model._meta.verbose_name_plural
                sentence = f"Created {name} are used by {{records}} ({{first}})."
                yield from self._conflict(query, sentence, owner, stored_by)

    def _changed_later(self, model: type[Model]) -> Iterator[Conflict]:
        """Yield a conflict if records differ from their state after the run or edit, except in provenance.

        Only records with later changes can differ.
        """
        table, name = quoted(model._meta.db_table), f"{quoted('table')} = '{model._meta.db_table}'"
        pk = quoted(pk_column(model))
        record = f"LEFT JOIN {table} r ON r.{pk} = CAST(c.record AS {column_type(model._meta.pk)})"
        differs = f"(r.{pk} IS NULL OR NOT {equal_but_for(as_json(model, 'r'), '{}', PROVENANCE)})"
        query = (
            f"SELECT c.record FROM changes c {record}"
            f" WHERE {self.reversal.condition} AND c.{name} AND c.kind <> '{Change.Kind.DELETED}' AND EXISTS"
            f" (SELECT 1 FROM changes l WHERE l.{name} AND l.record = c.record AND l.id > c.id)"
            f" AND {differs.format('c.after')}"
            f" UNION SELECT c.record FROM {self.reversal.changes(model, Change.Kind.DELETED)}"
            f" AND {has_other_tombstone(self.root)}"
        )
        if self.reversal.action == self.root and isinstance(self.root, ImportRun):
            # A created record has no Change for its creation: its first later Change has the row as it was created.
            created_in = {alias: values(model, f"{alias}.before")["created_in_id"] for alias in "ld"}
            created = (
                f"SELECT CAST(x.{pk} AS text) FROM {table} x WHERE {self.reversal.is_created(model, 'x')}"
                f" UNION ALL SELECT d.record FROM changes d WHERE d.{name} AND d.kind = '{Change.Kind.DELETED}'"
                f" AND {created_in['d']} IN ({self.reversal.files})"
            )
            query += (
                f" UNION SELECT c.record FROM changes c {record} WHERE c.id IN (SELECT min(l.id)"
                f" FROM changes l WHERE l.{name} AND {created_in['l']} IN ({self.reversal.files})"
                f" AND l.record IN ({created}) GROUP BY l.record) AND {differs.format('c.before')}"
            )
        yield from self._conflict(query, "Changed later: {records} ({first}).", model, changed_by)

    def _deleted_later(self, model: type[Model]) -> Iterator[Conflict]:
        """Yield a conflict if a curator has since deleted other records with the keys of records to restore."""
        rows = self.reversal.changes(model, Change.Kind.DELETED)
        if issubclass(model, ContentRecord):  # a pair has changed the identity of its record
            before, after = (values(model, f"c.{state}")["identity"] for state in ("before", "after"))
            rows = f"{self.reversal.changes(model, *RESTORED)} AND {before} {is_distinct()} {after}"
        query = same_key_deleted(model, rows)
        sentence = "A curator has deleted records with the same key: {records} ({first})."
        yield from self._conflict(query, sentence, model, changed_by)

    def _re_created(self, model: type[Model]) -> Iterator[Conflict]:
        """Yield a conflict if deleted records cannot be re-created because existing records have their keys."""
        stored = values(model, "c.before")
        unique = {pk_column(model)} | _unique_columns(model)
        # One join per column: a join with OR would scan row by row.
        query = " UNION ".join(
            f"SELECT r.{quoted(pk_column(model))} AS record FROM changes c JOIN {quoted(model._meta.db_table)} r"
            f" ON r.{quoted(column)} = {stored[column]} WHERE {self.reversal.condition}"
            f" AND c.kind = '{Change.Kind.DELETED}' AND c.{quoted('table')} = '{model._meta.db_table}'"
            for column in sorted(unique)
        )
        yield from self._conflict(query, "Deleted and since re-created: {records} ({first}).", model, stored_by)

    def _used_values(self, model: type[Model]) -> Iterator[Conflict]:
        """Yield a conflict for each unique column whose previous value another record has now."""
        pk, before, after = pk_column(model), values(model, "c.before"), values(model, "c.after")
        source, _, condition = self.reversal.changes(model, *RESTORED[1:]).partition(" WHERE ")
        for column in sorted(_unique_columns(model) - {pk}):
            query = (
                f"SELECT r.{quoted(pk)} AS record FROM {source} JOIN {quoted(model._meta.db_table)} r"
                f" ON r.{quoted(column)} = {before[column]} AND r.{quoted(pk)} <> {before[pk]}"
                f" WHERE {condition} AND {before[column]} {is_distinct()} {after[column]}"
            )
            name = next(field.verbose_name for field in model._meta.concrete_fields if field.column == column)
            yield from self._conflict(
                query, f"The {name} is already used by {{records}} ({{first}}).", model, stored_by
            )

    def _conflict(self, query: str, sentence: str, model: type[Model], blockers: Blockers) -> Iterator[Conflict]:
        """Yield the conflict of the records of *model* whose keys *query* returns; nothing for no record."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM ({query}) x")
            (count,) = cursor.fetchone()
            if not count:
                return
            cursor.execute(f"{query} ORDER BY 1 LIMIT {SHOWN + 1}")
            keys = [str(key) for (key,) in cursor.fetchall()]
        first: Any = ", ".join(keys[:SHOWN]) + (", …" if count > SHOWN else "")
        named, more = blockers(model, query, self.floor)
        text = sentence.format(records=counted(model, count), first=first)
        yield Conflict(text, model, count, tuple(keys[:SHOWN]), tuple(named), more)


def _unique_columns(model: type[Model]) -> set[str]:
    names = {column_name(field) for field in model._meta.concrete_fields}
    return {column_name(field) for field in model._meta.concrete_fields if field.unique} | ({"identity"} & names)
