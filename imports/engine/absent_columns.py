"""Refuse files without a key that lack a stored column, because their rows would be imported a second time."""

from django.db import connection

from datasets.fields import field_of
from datasets.models import ContentRecord
from datasets.sql.dialect import quoted
from datasets.sql.row_json import is_corrected, value_of
from imports.engine.locks import ImportRefusedError
from imports.engine.source_load import SourceLoad
from imports.file_columns import Column, Detail, Many
from imports.models import SourceFile
from imports.readers import Layout
from imports.readers.headers import SHOWN, meant, quoted_heading


def refuse_absent_columns(load: SourceLoad, file: SourceFile, layout: Layout) -> None:
    """Raise ImportRefusedError if *file* lacks optional columns in which its stored records have values.

    A record without a key is identified by all of its columns, so every row would become a new record. Rows of an
    export are matched by the columns that the export has.
    """
    if not layout.absent or not issubclass(load.source.model, ContentRecord) or load.parts:
        return
    columns = [load.source.bound[name] for name in layout.absent if name in load.source.bound]
    absent = [c.name for c in columns if not isinstance(c, Detail | Many) and _has_values(load, file, c)]
    if not absent:
        return
    names = ", ".join(meant(absent, layout.unknown, load.csv_source.expected.names))
    unknown = ", ".join(map(quoted_heading, file.unknown_columns[:SHOWN]))
    lacking, them = ("column", "it") if len(absent) == 1 else ("columns", "them")
    raise ImportRefusedError(
        f"{file.original_name} lacks the {lacking} {names}"
        f"{f' (columns ignored: {unknown})' if unknown else ''}, but stored records of {file.name} have values in "
        f"{them}. All columns together identify a row without a key, so every row would be imported a second time. "
        f"Nothing was imported. Add the {lacking} to the file; or, if it is a different file, set “new version of” to "
        "another name."
    )


def _has_values(load: SourceLoad, file: SourceFile, column: Column) -> bool:
    """Return whether a record from *file*, stored or deleted by a curator, has a value in *column* from the file."""
    stored = column.stored_as
    files = "IN (SELECT id FROM source_files WHERE source = %s AND name = %s)"
    before = value_of(field_of(load.source.model, "corrections"), "c.before")
    changed_in = value_of(field_of(load.source.model, "changed_in"), "c.before")
    in_table = _from_file("r.corrections", stored, f"r.{quoted(stored)}")
    deleted = _from_file(before, stored, value_of(column.field, "c.before"))
    which = [load.source.name, file.name]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT EXISTS (SELECT 1 FROM {quoted(load.source.name)} r WHERE r.changed_in_id {files} AND {in_table})"
            f' OR EXISTS (SELECT 1 FROM changes c WHERE c."table" = %s AND c.is_tombstone AND {changed_in} {files}'
            f" AND {deleted})",
            [*which, load.source.name, *which],
        )
        return bool(cursor.fetchone()[0])


def _from_file(corrections: str, name: str, value: str) -> str:
    """Return the SQL condition that the file has a value for a column. The value may have been corrected since."""
    file_value = f"{corrections}->>'{name}'"
    if connection.vendor == "sqlite":
        file_value = f"json_extract({corrections}, '$.{name}')"
    return f"CASE WHEN {is_corrected(corrections, name)} THEN {file_value} IS NOT NULL ELSE {value} IS NOT NULL END"
