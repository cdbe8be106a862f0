"""Match rows of Tabularium's own exports that have no key to the stored records with the same content."""

from collections import Counter

import pyarrow as pa
from django.db import connection

from datasets.sql.dialect import quoted
from imports import fingerprints
from imports.engine.source_load import SourceLoad, Staged
from imports.engine.staged_rows import StagedRows
from imports.engine.staging import Writer
from imports.exported_tables import LINE
from imports.row_problems import Rejection


def recognise(staged: Staged, rows: StagedRows) -> Counter[int]:
    """Remove staged rows whose record is stored. Return the number of rows of corrected or deleted records by file.

    A row matches the record of its file with the same current content. If there is none, it matches a record that had
    this content in the file, even if a curator has corrected or deleted it since.
    """
    known, stage = staged.known, staged.load.stage
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {rows.table}), EXISTS (SELECT 1 FROM {rows.staged})")
        if not all(cursor.fetchone()) and not known.has_deleted:
            return Counter()
        stage.add_identities(stage.unseen, known.identities(seen=False))
        stage.collect(stage.again, _pairs(staged, rows))
        cursor.execute(f"DELETE FROM {quoted(stage.unseen)}")
        cursor.execute(f"SELECT identity FROM {quoted(stage.again)} WHERE identity IS NOT NULL")
        while identities := cursor.fetchmany(50_000):
            known.agree(fingerprints.lanes_of(identity for (identity,) in identities))
        rows.take_out(cursor, f"SELECT source_file, source_line FROM {quoted(stage.again)}")
    return _claim(staged, rows)


def _pairs(staged: Staged, rows: StagedRows) -> str:
    """Return an SQL query that pairs staged rows with records of the same content."""
    load = staged.load
    rest = ", ".join(str(parts.own.pk) for parts in load.parts.values() if parts.own) or "NULL"
    columns = [quoted(column.stored_as) for column in rows.stored]
    return (
        "SELECT s.source_file, s.source_line, c.identity FROM ("
        f"SELECT s.source_file, s.source_line, {_numbered(columns, 's', 's.source_file, s.source_line', rest)}"
        f" FROM {rows.resolved()} s JOIN source_files f ON f.id = s.source_file) s"
        " JOIN ("
        f"SELECT r.identity, {_numbered(columns, 'r', f'r.{rows.pk}', rest)}"
        f" FROM {rows.table} r LEFT JOIN source_files f ON f.id = r.changed_in_id"
        f" WHERE r.identity IN (SELECT identity FROM {quoted(load.stage.unseen)}) OR r.changed_in_id IS NULL) c"
        " ON c.file = s.file AND c.content = s.content AND c.number = s.number"
    )


def _numbered(columns: list[str], alias: str, order: str, rest: str) -> str:
    """Return SQL expressions for a row's file, its content, and its number among identical rows."""
    own = f"SELECT name FROM source_files WHERE id IN ({rest})"
    file = f"CASE WHEN f.id IS NULL OR f.name IN ({own}) THEN '' ELSE f.name END"
    if connection.vendor == "postgresql":
        content = f"CAST(ROW({', '.join(f'{alias}.{column}' for column in columns)}) AS text)"
    else:
        content = " || ',' || ".join(f"quote({alias}.{column})" for column in columns)
    number = f"row_number() OVER (PARTITION BY {file}, {content} ORDER BY {order})"
    return f"{file} AS file, {content} AS content, {number} AS number"


def _claim(staged: Staged, rows: StagedRows) -> Counter[int]:
    """Remove the rows of records that a curator has corrected or deleted since. Each record matches at most one row."""
    stage = staged.load.stage
    claimed: list[tuple[int, int]] = []
    doubled: list[tuple[int, int]] = []
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"SELECT identity, source_file, source_line FROM {rows.staged}")
        while part := cursor.fetchmany(50_000):
            is_known, free = staged.known.claim(fingerprints.lanes_of(identity for identity, *_ in part))
            for which, into in ((free, claimed), (is_known & ~free, doubled)):
                into += [row[1:] for row, matches in zip(part, which, strict=True) if matches]
    with connection.cursor() as cursor:
        # These tables are small compared to the stage and are read once.
        for lines, table in ((claimed, stage.first), (doubled, stage.changed)):
            stage.collect(table, f"SELECT source_file, source_line FROM {rows.staged} WHERE 1 = 0")
            with Writer(table, ["source_file", "source_line"]) as writer:
                if lines:
                    names = ("source_file", "source_line")
                    columns = (pa.array(values) for values in zip(*lines, strict=True))
                    writer.write(dict(zip(names, columns, strict=True)))
        rows.take_out(cursor, f"SELECT source_file, source_line FROM {quoted(stage.first)}")
        fresh = "uuid_send(gen_random_uuid())" if connection.vendor == "postgresql" else "randomblob(16)"
        cursor.execute(
            f"UPDATE {rows.staged} SET identity = {fresh} WHERE (source_file, source_line) IN"
            f" (SELECT source_file, source_line FROM {quoted(stage.changed)})"
        )
    return Counter(file for file, _ in claimed)


def line_of(load: SourceLoad, rejection: Rejection) -> int:
    """Return the line number of a rejected row in its file.

    For a row of an export, this is the line number that the row contains.
    """
    if load.parts and isinstance(rejection.values, dict):
        named = rejection.values.get(LINE) or ""
        return int(named) if named.isascii() and named.isdigit() and len(named) < 10 else rejection.line
    return rejection.line
