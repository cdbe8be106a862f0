"""Queries of the records that a run created: those that exist, and those that have been deleted since."""

from django.db import connection, models

from datasets.sql.dialect import column_type, pk_column, quoted
from datasets.sql.literal_keys import literal_keys
from datasets.sql.row_json import as_json, values
from imports.models import Change, ImportRun, SourceFile
from imports.sources import Source


def present(run: ImportRun, source: Source, part: str = "") -> str:
    """Return a query of the rows, as JSON texts, of the records that *run* created; *part* is a LIMIT clause."""
    table, pk = quoted(source.name), pk_column(source.model)
    # If the database assigned the keys during the import, they are already in the order of the lines.
    keys = (
        f"SELECT {quoted(pk)} FROM {table} WHERE created_in_id IN ({_files(run, source)}) ORDER BY {quoted(pk)}{part}"
    )
    document = f"CAST({as_json(source.model, 'r')} AS text)"
    return f"SELECT {document} FROM {table} r WHERE r.{quoted(pk)} IN ({keys}) ORDER BY r.{quoted(pk)}"


def deleted_since(run: ImportRun, source: Source, part: str = "") -> str:
    """Return a query of the last rows, as JSON texts, of the records that *run* created and that no longer exist."""
    return f"SELECT CAST(c.before AS text) FROM {_last_deletions(run, source)} ORDER BY c.id{part}"


def count_present(run: ImportRun, source: Source, files: list[SourceFile]) -> int:
    """Return the number of records that *run* created from *files* of *source*, all of its files, and that still exist.

    This is the number of created records minus that of those deleted since, which is quick to count. The records
    themselves are counted if the run was undone, or if the deletion of other records deletes them without a Change.
    """
    references = (field for field in source.model._meta.concrete_fields if isinstance(field, models.ForeignKey))
    if run.status != ImportRun.Status.APPLIED or any(f.remote_field.on_delete is models.CASCADE for f in references):
        return source.model._default_manager.filter(created_in__in=files).count()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {_last_deletions(run, source)}")
        return sum(file.created for file in files) - int(cursor.fetchone()[0])


def _last_deletions(run: ImportRun, source: Source) -> str:
    """Return the FROM and WHERE clause of the last deletion, alias ``c``, of each record that no longer exists."""
    files, pk = _files(run, source), quoted(pk_column(source.model))
    deletions = (
        f"SELECT max(d.id) FROM changes d WHERE d.{quoted('table')} = '{source.name}'"
        f" AND d.kind = '{Change.Kind.DELETED}'"
        f" AND {values(source.model, 'd.before')['created_in_id']} IN ({files}) GROUP BY d.record"
    )
    return (
        f"changes c WHERE c.id IN ({deletions})"
        f" AND NOT EXISTS (SELECT 1 FROM {quoted(source.name)} r WHERE r.created_in_id IN ({files})"
        f" AND r.{pk} = CAST(c.record AS {column_type(source.model._meta.pk)}))"
    )


def _files(run: ImportRun, source: Source) -> str:
    return literal_keys(f"SELECT id FROM source_files WHERE run_id = {run.pk} AND source = '{source.name}'")
