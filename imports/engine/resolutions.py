"""Store the rows that a run has fixed, each with its record and the rejected row that it replaces."""

from django.db import connection

from datasets.sql.dialect import pk_column, quoted
from imports.engine.merge import Merge
from imports.resolved_rows import ResolvedRow, RowState


def store(merge: Merge) -> None:
    """Store which rejected rows the run has fixed, with the resulting records.

    Call it after merging the rows. Rows that were rejected again, and rows that are withheld because of a deleted
    record, remain open.
    """
    load, stage, resubmitted = merge.load, merge.load.stage, merge.staged.resubmitted
    if not resubmitted:
        return
    stage.add(stage.fixed, ["source_file", "source_line", *stage.key], resubmitted)
    unused = {(file, rejection.line) for file, rejection in merge.late_rows}
    keys = [column.stored_as for column in load.source.key_columns] or ["identity"]
    same = " AND ".join(f"r.{quoted(stored)} = x.{quoted(key)}" for key, stored in zip(stage.key, keys, strict=True))
    with connection.cursor() as cursor:
        if stage.has(stage.held):
            cursor.execute(f"SELECT source_file, source_line FROM {quoted(stage.held)}")
            unused.update(cursor.fetchall())
        cursor.execute(
            f"SELECT x.source_file, x.source_line, r.{quoted(pk_column(load.source.model))}"
            f" FROM {quoted(stage.fixed)} x JOIN {quoted(load.source.name)} r ON {same}"
        )
        records = cursor.fetchall()
    names, originals = {file.pk: file.name for file in load.files}, merge.staged.states.originals
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
