"""The origin of each value of a record: the file, line and run, or the edit, that set it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, models

from curation.history.editable_fields import own_fields, stored_name
from datasets.fields import field_of
from datasets.sql.dialect import column_name, is_distinct, pk_column, quoted
from datasets.sql.row_json import differs, stored_members, value_of
from imports.models import Change, Edit, ImportRun, SourceFile

Field = models.Field[Any, Any]


@dataclass(frozen=True)
class Origin:
    """The origin of a value: an edit, or the line of a file; neither if the origin is unknown."""

    edit: Edit | None = None
    file: SourceFile | None = None
    line: int | None = None


def origins_of(record: models.Model) -> dict[str, Origin]:
    """Return the origin of each value of *record*, a record or a term, by field name.

    A value comes from the last change to it, or else from the creation of the record. Undone changes do not count, and
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
    """Return, for each of *fields*, the key of the last change to its present value; None for the creation's value.

    The changes of an earlier record with the same key do not count: their rows name another file of creation. A change
    to another value does not count either: an undo of earlier changes may have overwritten it.
    """
    meta, created_in = record._meta, field_of(type(record), "created_in")
    created = f"c.kind = '{Change.Kind.CREATED}'"
    created_by_curator = f"({created} AND e.action = '{Edit.Action.CREATED}')"
    columns = ", ".join(
        f"max(CASE WHEN NOT {_differs(field, _stored(field), _own(field))} AND ({created_by_curator}"
        f" OR NOT {created} AND {_differs(field, _stored(field, 'before'), _stored(field))}) THEN c.id END)"
        for field in fields
    )
    reversals = f"'{Edit.Action.UNDONE}', '{Edit.Action.REDONE}'"
    query = (
        f"SELECT {columns} FROM {quoted(meta.db_table)} r JOIN changes c ON c.{quoted('table')} = %s AND c.record = %s"
        f" LEFT JOIN import_runs run ON run.id = c.run_id LEFT JOIN edits e ON e.id = c.edit_id"
        f" WHERE r.{quoted(pk_column(type(record)))} = %s AND c.{quoted('after')} IS NOT NULL"
        f" AND NOT {_differs(created_in, _stored(created_in), _own(created_in))}"
        f" AND (run.status = '{ImportRun.Status.UNDONE}' OR e.is_undone OR e.action IN ({reversals})) IS NOT TRUE"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [meta.db_table, str(record.pk), record.pk])
        return list(cursor.fetchone())


def _own(field: Field) -> str:
    """Return the SQL expression of the value of *field* in the record ``r``."""
    if isinstance(field, models.ManyToManyField):
        return stored_members(field, "r")
    return f"r.{quoted(column_name(field))}"


def _stored(field: Field, side: str = "after") -> str:
    """Return the SQL expression of the value of *field* before or after the change ``c``."""
    document = f"c.{quoted(side)}"
    if not field.many_to_many:
        return value_of(field, document)
    name = stored_name(field)
    return f"({document}->'{name}')" if connection.vendor == "postgresql" else f"json_extract({document}, '$.{name}')"


def _differs(field: Field, left: str, right: str) -> str:
    """Return the condition that two values of *field* differ; many-to-many members are sorted lists of keys."""
    return f"({left} {is_distinct()} {right})" if field.many_to_many else differs(field, left, right)
