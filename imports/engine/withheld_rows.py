"""Withhold rows that refer to a record that a curator has deleted. They are imported after the record is restored."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from datasets.sql.dialect import quoted
from datasets.sql.row_json import value_of
from imports.engine.source_load import SourceLoad, Staged
from imports.models import Change, Edit, SourceFile
from imports.run_diff_file import Entry
from imports.sources import Many, Reference, VocabularyColumn


@dataclass(frozen=True)
class WithheldRows:
    """The withheld rows by file, the notes about them, and the remaining unknown references by column."""

    counts: Counter[int]
    notes: list[str]
    unknown: dict[str, set[Any]]


def withhold(load: SourceLoad, unknown: dict[str, set[Any]]) -> WithheldRows:
    """Withhold the rows whose only problem is a reference to a record that a curator has deleted.

    *unknown* has the references of rejected rows to records that do not exist, by column. The result contains the same
    references without those to deleted records. Withheld rows count as kept, not as rejected. A row that also has an
    unknown reference is rejected, and only that problem is reported.
    """
    stage, problems = load.stage, quoted(load.stage.problems)
    columns = {position: c for position, c in enumerate(load.source.bound.values()) if isinstance(c, Reference)}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT position FROM {problems}")
        named = {position for (position,) in cursor.fetchall()}
        named |= {position for position, column in columns.items() if unknown.get(column.name)}
        if not named:
            return WithheldRows(Counter(), [], unknown)
        queries = [_deleted(columns[position], position) for position in sorted(named)]
        stage.collect(stage.parents, " UNION ALL ".join(queries))
        unknown = _without_deleted(load, {position: columns[position] for position in named}, unknown)
        is_deleted = f"(position, value) IN (SELECT position, value FROM {quoted(stage.parents)})"
        others = f"SELECT source_file, source_line FROM {problems} WHERE NOT {is_deleted}"
        has_unknown = f"(p.source_file, p.source_line) IN ({others})"
        lines = quoted(stage.held_lines)
        stage.collect(
            stage.held_lines,
            f"SELECT DISTINCT p.source_file, p.source_line, p.position FROM {problems} p"
            f" WHERE {is_deleted} AND NOT {has_unknown}",
        )
        cursor.execute(f"DELETE FROM {problems} WHERE {is_deleted}")
        cursor.execute(f"SELECT position, count(*) FROM {lines} GROUP BY position ORDER BY position")
        if not (counts := dict(cursor.fetchall())):
            return WithheldRows(Counter(), [], unknown)
        held = f"(s.source_file, s.source_line) IN (SELECT source_file, source_line FROM {lines})"
        stage.collect(stage.held, f"SELECT s.* FROM {quoted(stage.table)} s WHERE {held}")
        cursor.execute(f"SELECT source_file, count(*) FROM {quoted(stage.held)} GROUP BY source_file")
        by_file = Counter(dict(cursor.fetchall()))
        keys = ", ".join(quoted(name) for name in stage.key)
        stage.need(stage.seen)
        cursor.execute(f"INSERT INTO {quoted(stage.seen)} SELECT {keys} FROM {quoted(stage.held)}")
        if not load.source.key:  # the line's previous record is not missing
            stage.need(stage.unusable)
            cursor.execute(
                f"INSERT INTO {quoted(stage.unusable)} SELECT f.name, h.source_line FROM {quoted(stage.held)} h"
                " JOIN source_files f ON f.id = h.source_file"
            )
        for table in [stage.table, *(stage.members(column) for column in load.source.columns_of(Many))]:
            cursor.execute(f"DELETE FROM {quoted(table)} AS s WHERE {held}")
    return WithheldRows(by_file, [_note(load, columns[position], count) for position, count in counts.items()], unknown)


def entries(staged: Staged, files: Mapping[int, SourceFile]) -> Iterator[Entry]:
    """Yield the withheld rows as entries for the run's page. *files* are the run's files by primary key."""
    load = staged.load
    names = {
        column.name: dict(zip(vocabulary.keys, vocabulary.names, strict=False))
        for column in load.source.columns_of(VocabularyColumn)
        if (vocabulary := staged.vocabularies[column.name])
    }
    columns = [column.name for column in load.stage.columns]
    with connection.chunked_cursor() as cursor:
        if not load.stage.has(load.stage.held):
            return
        listed = ", ".join(quoted(name) for name in columns)
        cursor.execute(
            f"SELECT source_file, source_line, {listed} FROM {quoted(load.stage.held)}"
            " ORDER BY source_file, source_line"
        )
        while rows := cursor.fetchmany(2000):
            for file, line, *values in rows:
                row = dict(zip(columns, values, strict=True))
                row |= {name: known.get(row[name], row[name]) for name, known in names.items()}
                record = ", ".join(str(row[name]) for name in load.source.key)
                yield {
                    "source": load.source.name,
                    "record": record,
                    "file": files[file].name,
                    "line": line,
                    "why": "parent",
                    "pk": None,
                    "values": row,
                }


def _deleted(column: Reference, position: int) -> str:
    """Return an SQL query for the values by which a column refers to records that a curator has deleted."""
    value = f"CAST({value_of(column.by_field, 'c.before')} AS text)"
    table = column.model._meta.db_table
    later = f"SELECT 1 FROM changes l WHERE l.{quoted('table')} = '{table}' AND l.record = c.record AND l.id > c.id"
    return (
        f"SELECT {position} AS position, {value} AS value FROM changes c JOIN edits e ON e.id = c.edit_id"
        f" WHERE c.{quoted('table')} = '{table}' AND c.kind = '{Change.Kind.DELETED}'"
        # A deleted record that was not created by a file has no tombstone.
        f" AND (c.is_tombstone OR (e.action = '{Edit.Action.DELETED}' AND NOT EXISTS ({later})))"
    )


def _without_deleted(
    load: SourceLoad, columns: dict[int, Reference], unknown: dict[str, set[Any]]
) -> dict[str, set[Any]]:
    """Remove the values of deleted records from *unknown*.

    Rows that are rejected for another problem then do not list them.
    """
    unknown = dict(unknown)
    with connection.cursor() as cursor:
        for position, column in columns.items():
            if not unknown.get(column.name):
                continue
            cursor.execute(f"SELECT value FROM {quoted(load.stage.parents)} WHERE position = {position}")
            deleted = {value for (value,) in cursor}
            unknown[column.name] = {value for value in unknown[column.name] if str(value) not in deleted}
    return unknown


def _note(load: SourceLoad, column: Reference, count: int) -> str:
    rows, refer, they = ("row", "refers", "it") if count == 1 else ("rows", "refer", "them")
    parent = column.model._meta.verbose_name
    return (
        f"{count:,} {rows} not imported into {load.source.name}, because a curator deleted the {parent} that the "
        f"{rows} {refer} to. Restore the {parent} and import the file again to include {they}."
    )
