"""The rows that a run has fixed, each with its record and the rejected row that it replaces."""

from django.db import connection

from datasets.sql.dialect import pk_column, quoted
from imports.engine.rejections import LateRejections, Rejections
from imports.engine.source_load import SourceLoad, Staged
from imports.engine.staged_rows import StagedRows
from imports.resolved_rows import ResolvedRow, RowState
from imports.row_problems import problem


def reject_second_fixes(staged: Staged, rows: StagedRows, late: LateRejections) -> None:
    """Reject staged rows that fix an already fixed row differently, because they would create a second record."""
    load, stage, states = staged.load, staged.load.stage, staged.states
    if not staged.resubmitted:
        return
    stage.add(stage.fixed, ["source_file", "source_line", *stage.key], staged.resubmitted)
    known = f"SELECT 1 FROM {quoted(load.source.name)} r WHERE {_same_record(load)}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT source_file, source_line FROM {quoted(stage.fixed)} x WHERE NOT EXISTS ({known})"
            " ORDER BY source_file, source_line"
        )
        for file, line in cursor.fetchall():
            if record := states.record_of(states.originals[file].get(line)):
                message = f"was fixed by an earlier import, as {load.source.name} {record}: correct that record instead"
                late.add(file, line, [problem(None, None, message)])
                rows.take_out(cursor, f"SELECT {file}, {line}")


def store(staged: Staged, late: Rejections) -> None:
    """Store which rejected rows the run has fixed, with the resulting records.

    Call it after merging the rows. Rows that were rejected again, and rows that are withheld because of a deleted
    record, remain open.
    """
    load, stage, originals = staged.load, staged.load.stage, staged.states.originals
    if not staged.resubmitted:
        return
    unused = {(file, rejection.line) for file, rejection in late}
    with connection.cursor() as cursor:
        if stage.has(stage.held):
            cursor.execute(f"SELECT source_file, source_line FROM {quoted(stage.held)}")
            unused.update(cursor.fetchall())
        cursor.execute(
            f"SELECT x.source_file, x.source_line, r.{quoted(pk_column(load.source.model))}"
            f" FROM {quoted(stage.fixed)} x JOIN {quoted(load.source.name)} r ON {_same_record(load)}"
        )
        records = cursor.fetchall()
    names = {file.pk: file.name for file in load.files}
    ResolvedRow.objects.bulk_create(
        ResolvedRow(
            source=load.source.name,
            name=names[file],
            identity=originals[file][line],
            state=RowState.FIXED,
            run=load.run,
            record=record,
            user=load.run.started_by,
        )
        for file, line, record in records
        if (file, line) not in unused and line in originals[file]
    )


def _same_record(load: SourceLoad) -> str:
    """Return the SQL condition that the fixed row x and the record r have the same key or identity."""
    keys = [column.stored_as for column in load.source.key_columns] or ["identity"]
    pairs = zip(keys, load.stage.key, strict=True)
    return " AND ".join(f"r.{quoted(stored)} = x.{quoted(key)}" for stored, key in pairs)
