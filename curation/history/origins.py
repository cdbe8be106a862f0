"""The origin of each value of a record: the file, line and run, or the edit, that set it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, models

from curation.history.editable_fields import own_fields, stored_name
from datasets.fields import field_of
from datasets.sql.dialect import is_distinct, quoted
from datasets.sql.row_json import differs, value_of
from imports.models import Change, Edit, ImportRun, SourceFile

Field = models.Field[Any, Any]


@dataclass(frozen=True)
class Origin:
    """The origin of a value: an edit, or the line of a file; neither if nobody recorded it."""

    edit: Edit | None = None
    file: SourceFile | None = None
    line: int | None = None


def origins_of(record: models.Model) -> dict[str, Origin]:
    """Return the origin of each value of *record*, a record or a term, by field name.

    A value comes from the last change of it, or else from the creation of the record. Undone changes do not count, and
    neither do undo, redo, and the restoration of the record. This takes at most four queries.
    """
    fields = own_fields(type(record))
    last = _last_changes(record, fields)
    changes = Change.objects.filter(pk__in={pk for pk in last if pk})
    rows = changes.values_list("pk", "edit_id", "after__changed_in_id", "after__changed_line")
    sources: dict[int | None, tuple[int | None, int | None, int | None]] = {
        None: (None, getattr(record, "created_in_id", None), getattr(record, "created_line", None))
    }
    sources |= {pk: (edit, None, None) if edit else (None, file, line) for pk, edit, file, line in rows}
    edits = Edit.objects.select_related("user").in_bulk({edit for edit, _, _ in sources.values() if edit})
    files = SourceFile.objects.in_bulk({file for _, file, _ in sources.values() if file})
    origins = {pk: Origin(edits.get(edit), files.get(file), line) for pk, (edit, file, line) in sources.items()}
    return {field.name: origins[pk] for field, pk in zip(fields, last, strict=True)}


def _last_changes(record: models.Model, fields: Sequence[Field]) -> list[int | None]:
    """Return, for each of *fields*, the key of the change that set its value; None if the record was created with it.

    The changes of an earlier record with the same key do not count: their rows name another file of creation.
    """
    after, created_in = f"c.{quoted('after')}", field_of(type(record), "created_in")
    created = f"c.kind = '{Change.Kind.CREATED}'"
    created_by_curator = f"({created} AND e.action = '{Edit.Action.CREATED}')"
    columns = ", ".join(
        f"max(CASE WHEN {created_by_curator} OR (NOT {created} AND {_differs(field)}) THEN c.id END)"
        for field in fields
    )
    reversals = f"'{Edit.Action.UNDONE}', '{Edit.Action.REDONE}'"
    query = (
        f"SELECT {columns} FROM changes c LEFT JOIN import_runs r ON r.id = c.run_id"
        f" LEFT JOIN edits e ON e.id = c.edit_id WHERE c.{quoted('table')} = %s AND c.record = %s"
        f" AND {after} IS NOT NULL AND ({value_of(created_in, after)} {is_distinct()} %s) IS NOT TRUE"
        f" AND (r.status = '{ImportRun.Status.UNDONE}' OR e.is_undone OR e.action IN ({reversals})) IS NOT TRUE"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [record._meta.db_table, str(record.pk), getattr(record, "created_in_id", None)])
        return list(cursor.fetchone())


def _differs(field: Field) -> str:
    """Return the condition that the change ``c`` changed *field*."""
    before, after = (f"c.{quoted(name)}" for name in ("before", "after"))
    if not field.many_to_many:
        return differs(field, value_of(field, before), value_of(field, after))
    name = stored_name(field)
    if connection.vendor == "postgresql":
        return f"({before}->'{name}' IS DISTINCT FROM {after}->'{name}')"
    return f"(json_extract({before}, '$.{name}') IS NOT json_extract({after}, '$.{name}'))"
