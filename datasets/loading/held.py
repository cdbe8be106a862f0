"""Rows that name a record which somebody deleted by hand: kept back with it, until an import after it is restored."""

from collections import Counter
from collections.abc import Iterator

from django.db import connection

from datasets.dialect import quoted
from datasets.history.rows import value_of
from datasets.loading.filling import SourceRun
from datasets.models import Change, Edit
from datasets.sources import LookUp, Many, Reference


def keep_back(run: SourceRun) -> None:
    """Take the rows out of the stage whose only problem is that what they name was deleted by hand.

    They are counted as kept and are no problem of their file. A row that names something unknown as well is rejected,
    for that alone.
    """
    stage, problems = run.stage, quoted(run.stage.problems)
    columns = {place: c for place, c in enumerate(run.source.bound.values()) if isinstance(c, Reference)}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT place FROM {problems}")
        named = {place for (place,) in cursor.fetchall()}
        named |= {place for place, column in columns.items() if run.rejections.unknown.get(column.name)}
        if not named:
            return
        queries = [_deleted(columns[place], place) for place in sorted(named)]
        stage.collect(stage.parents, " UNION ALL ".join(queries))
        _forgive_rejected(run, {place: columns[place] for place in named})
        theirs = f"(place, value) IN (SELECT place, value FROM {quoted(stage.parents)})"
        unknown = (
            f"(p.source_file, p.source_line) IN (SELECT source_file, source_line FROM {problems} WHERE NOT {theirs})"
        )
        lines = quoted(stage.held_lines)
        stage.collect(
            stage.held_lines,
            f"SELECT DISTINCT p.source_file, p.source_line, p.place FROM {problems} p WHERE {theirs} AND NOT {unknown}",
        )
        cursor.execute(f"DELETE FROM {problems} WHERE {theirs}")
        cursor.execute(f"SELECT place, count(*) FROM {lines} GROUP BY place ORDER BY place")
        if not (counts := dict(cursor.fetchall())):
            return
        held = f"(s.source_file, s.source_line) IN (SELECT source_file, source_line FROM {lines})"
        stage.collect(stage.held, f"SELECT s.* FROM {quoted(stage.table)} s WHERE {held}")
        cursor.execute(f"SELECT source_file, count(*) FROM {quoted(stage.held)} GROUP BY source_file")
        run.kept += Counter(dict(cursor.fetchall()))
        keys = ", ".join(quoted(name) for name in stage.key)
        cursor.execute(f"INSERT INTO {quoted(stage.seen)} SELECT {keys} FROM {quoted(stage.held)}")
        if not run.source.key:  # what the line said before is not missing
            cursor.execute(
                f"INSERT INTO {quoted(stage.unusable)} SELECT f.name, h.source_line FROM {quoted(stage.held)} h"
                " JOIN source_files f ON f.id = h.source_file"
            )
        for table in [stage.table, *(stage.members(column) for column in run.source.columns_of(Many))]:
            cursor.execute(f"DELETE FROM {quoted(table)} AS s WHERE {held}")
    run.notes += [_note(run, columns[place], count) for place, count in counts.items()]


def entries(run: SourceRun, files: dict) -> Iterator[dict]:
    """Yield the rows that are kept back, as pages show them; *files* are the run's by their keys."""
    names = {
        column.name: dict(zip(vocabulary.keys, vocabulary.names, strict=False))
        for column in run.source.columns_of(LookUp)
        if (vocabulary := run.vocabularies[column.name])
    }
    columns = [column.name for column in run.stage.columns]
    with connection.chunked_cursor() as cursor:
        if not run.kept or not _exists(run.stage.held):
            return
        listed = ", ".join(quoted(name) for name in columns)
        cursor.execute(
            f"SELECT source_file, source_line, {listed} FROM {quoted(run.stage.held)} ORDER BY source_file, source_line"
        )
        while rows := cursor.fetchmany(2000):
            for file, line, *values in rows:
                row = dict(zip(columns, values, strict=True))
                row |= {name: known.get(row[name], row[name]) for name, known in names.items()}
                record = ", ".join(str(row[name]) for name in run.source.key)
                told = {"source": run.source.name, "record": record, "file": files[file].name, "line": line}
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


def _forgive_rejected(run: SourceRun, columns: dict[int, Reference]) -> None:
    """Let a row that was rejected for something else not be told, too, that what it names was deleted."""
    with connection.cursor() as cursor:
        for place, column in columns.items():
            unknown = run.rejections.unknown.get(column.name)
            if not unknown:
                continue
            cursor.execute(f"SELECT value FROM {quoted(run.stage.parents)} WHERE place = {place}")
            deleted = {value for (value,) in cursor}
            run.rejections.unknown[column.name] = {value for value in unknown if str(value) not in deleted}


def _note(run: SourceRun, column: Reference, count: int) -> str:
    rows = "row is" if count == 1 else "rows are"
    parent = column.model._meta.verbose_name
    return (
        f"{count:,} {rows} kept back from {run.source.name}: each names a {parent} that was deleted by hand. "
        f"The next import brings the {'row' if count == 1 else 'rows'} once the {parent} is restored."
    )


def _exists(table: str) -> bool:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"pg_temp.{quoted(table)}"])
        else:
            cursor.execute("SELECT count(*) FROM temp.sqlite_master WHERE name = %s", [table])
        return bool(cursor.fetchone()[0])
