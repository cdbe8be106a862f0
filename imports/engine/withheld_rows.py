"""Rows that name a record which somebody deleted by hand: kept back with it, until an import after it is restored."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

from datasets.sql.dialect import quoted
from datasets.sql.row_json import value_of
from imports.engine.source_load import SourceLoad, Staged
from imports.models import Change, Edit
from imports.sources import LookUp, Many, Reference


@dataclass(frozen=True)
class Held:
    """Rows that are kept back: how many, by file, and what is said of them; and what is unknown beside, by column."""

    counts: Counter[int]
    notes: list[str]
    unknown: dict[str, set]


def keep_back(load: SourceLoad, unknown: dict[str, set]) -> Held:
    """Take the rows out of the stage whose only problem is that what they name was deleted by hand.

    *unknown* has, by column, what rejected rows refer to and that is not there; what was deleted is no more in it.

    They are counted as kept and are no problem of their file. A row that names something unknown as well is rejected,
    for that alone.
    """
    stage, problems = load.stage, quoted(load.stage.problems)
    columns = {place: c for place, c in enumerate(load.source.bound.values()) if isinstance(c, Reference)}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT place FROM {problems}")
        named = {place for (place,) in cursor.fetchall()}
        named |= {place for place, column in columns.items() if unknown.get(column.name)}
        if not named:
            return Held(Counter(), [], unknown)
        queries = [_deleted(columns[place], place) for place in sorted(named)]
        stage.collect(stage.parents, " UNION ALL ".join(queries))
        unknown = _forgiven(load, {place: columns[place] for place in named}, unknown)
        theirs = f"(place, value) IN (SELECT place, value FROM {quoted(stage.parents)})"
        has_unknown = (
            f"(p.source_file, p.source_line) IN (SELECT source_file, source_line FROM {problems} WHERE NOT {theirs})"
        )
        lines = quoted(stage.held_lines)
        stage.collect(
            stage.held_lines,
            f"SELECT DISTINCT p.source_file, p.source_line, p.place FROM {problems} p"
            f" WHERE {theirs} AND NOT {has_unknown}",
        )
        cursor.execute(f"DELETE FROM {problems} WHERE {theirs}")
        cursor.execute(f"SELECT place, count(*) FROM {lines} GROUP BY place ORDER BY place")
        if not (counts := dict(cursor.fetchall())):
            return Held(Counter(), [], unknown)
        held = f"(s.source_file, s.source_line) IN (SELECT source_file, source_line FROM {lines})"
        stage.collect(stage.held, f"SELECT s.* FROM {quoted(stage.table)} s WHERE {held}")
        cursor.execute(f"SELECT source_file, count(*) FROM {quoted(stage.held)} GROUP BY source_file")
        by_file = Counter(dict(cursor.fetchall()))
        keys = ", ".join(quoted(name) for name in stage.key)
        stage.need(stage.seen)
        cursor.execute(f"INSERT INTO {quoted(stage.seen)} SELECT {keys} FROM {quoted(stage.held)}")
        if not load.source.key:  # what the line said before is not missing
            stage.need(stage.unusable)
            cursor.execute(
                f"INSERT INTO {quoted(stage.unusable)} SELECT f.name, h.source_line FROM {quoted(stage.held)} h"
                " JOIN source_files f ON f.id = h.source_file"
            )
        for table in [stage.table, *(stage.members(column) for column in load.source.columns_of(Many))]:
            cursor.execute(f"DELETE FROM {quoted(table)} AS s WHERE {held}")
    return Held(by_file, [_note(load, columns[place], count) for place, count in counts.items()], unknown)


def entries(staged: Staged, files: dict) -> Iterator[dict]:
    """Yield the rows that are kept back, as pages show them; *files* are the run's by their keys."""
    load = staged.load
    names = {
        column.name: dict(zip(vocabulary.keys, vocabulary.names, strict=False))
        for column in load.source.columns_of(LookUp)
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
                told = {"source": load.source.name, "record": record, "file": files[file].name, "line": line}
                yield told | {"why": "parent", "pk": None, "values": row}


def _deleted(column: Reference, place: int) -> str:
    """Return a query of the values by which a column names records that somebody deleted by hand."""
    value = f"CAST({value_of(column.by_field, 'c.before')} AS text)"
    table = column.model._meta.db_table
    later = f"SELECT 1 FROM changes l WHERE l.{quoted('table')} = '{table}' AND l.record = c.record AND l.id > c.id"
    return (
        f"SELECT {place} AS place, {value} AS value FROM changes c JOIN edits e ON e.id = c.edit_id"
        f" WHERE c.{quoted('table')} = '{table}' AND c.kind = '{Change.Kind.DELETED}'"
        # One that no file brought does not stand in the way of imports, but it was deleted all the same.
        f" AND (c.standing OR (e.action = '{Edit.Action.DELETED}' AND NOT EXISTS ({later})))"
    )


def _forgiven(load: SourceLoad, columns: dict[int, Reference], unknown: dict[str, set]) -> dict[str, set]:
    """Let a row that was rejected for something else not be told, too, that what it names was deleted."""
    unknown = dict(unknown)
    with connection.cursor() as cursor:
        for place, column in columns.items():
            if not unknown.get(column.name):
                continue
            cursor.execute(f"SELECT value FROM {quoted(load.stage.parents)} WHERE place = {place}")
            deleted = {value for (value,) in cursor}
            unknown[column.name] = {value for value in unknown[column.name] if str(value) not in deleted}
    return unknown


def _note(load: SourceLoad, column: Reference, count: int) -> str:
    rows = "row is" if count == 1 else "rows are"
    parent = column.model._meta.verbose_name
    return (
        f"{count:,} {rows} kept back from {load.source.name}: each names a {parent} that was deleted by hand. "
        f"The next import brings the {'row' if count == 1 else 'rows'} once the {parent} is restored."
    )
