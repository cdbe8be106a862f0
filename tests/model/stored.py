"""The content of the database, in the form of the model and as the driver reads it."""

from typing import Any

from django.apps import apps
from django.db import connection

from curation.history.timeline import stored_row
from imports.models import Change, Edit, ImportRun, SourceFile
from tests.model.files import exact
from tests.model.tables import KEYS, Place, Rec

MODELS = {model._meta.db_table: model for model in apps.get_models() if model._meta.db_table in KEYS}


def raw() -> dict[Place, Any]:
    """Return every row as the driver reads it, with its many-to-many members."""
    records: dict[Place, Any] = {}
    with connection.cursor() as cursor:
        for table, model in MODELS.items():
            names = ", ".join(
                f"CAST({field.column} AS text)" if field.get_internal_type() == "JSONField" else field.column
                for field in model._meta.concrete_fields
            )
            cursor.execute(f"SELECT {model._meta.pk.column}, {names} FROM {table}")
            for pk, *row in cursor.fetchall():
                records[table, pk] = [bytes(cell) if isinstance(cell, memoryview) else cell for cell in row]
        cursor.execute("SELECT experiment_id, compound_id FROM user_experiment_compounds ORDER BY 1, 2")
        for experiment, compound in cursor.fetchall():
            records["user_experiments", experiment].append(compound)
    return records


def records(identities: dict[int, Any]) -> dict[Place, Rec]:
    """Return every record in the form of the model; *identities* has the keys of people, whose files have none."""
    rows, names = raw(), dict(SourceFile.objects.values_list("pk", "name"))
    origins = {}
    for (table, pk), row in rows.items():
        fields = MODELS[table]._meta.concrete_fields
        row, members = row[: len(fields)], tuple(row[len(fields) :])
        cells = {field.name: _value(field, cell) for field, cell in zip(fields, row, strict=True)}
        of_file = {}
        if cells["corrections"]:
            stored = {stored_name(table, name): name for name in names_of(table)}
            of_file = {
                stored[name]: _corrected(table, stored[name], value) for name, value in cells["corrections"].items()
            }
        key = cells[KEYS[table]] if table != "people" else identities.get(pk)
        file, line = names.get(cells["changed_in"]), cells["changed_line"]
        for name in ("id", "created_in", "created_line", "changed_in", "changed_line", "corrections", "identity"):
            cells.pop(name, None)
        cells.pop(KEYS[table], None)
        if table == "user_experiments":
            cells["compounds"] = members
        origins[table, pk] = Rec(key, cells, file, line, of_file)
    return origins


def reasons() -> dict[tuple[str, int], str]:
    """Return the reason of each run and edit."""
    return {
        (model._meta.db_table, pk): reason
        for model in (ImportRun, Edit)
        for pk, reason in model.objects.values_list("pk", "reason")
    }


def names_of(table: str) -> list[str]:
    """Return the names of a table's fields, including many-to-many fields."""
    meta = MODELS[table]._meta
    return [field.name for field in (*meta.concrete_fields, *meta.many_to_many)]


def stored_name(table: str, name: str) -> str:
    """Return the column of a field, or the name of a many-to-many field."""
    field = MODELS[table]._meta.get_field(name)
    return field.column or field.name


def standing() -> set[Place]:
    """Return the records with a tombstone."""
    tombstones = Change.objects.filter(is_tombstone=True).values_list("table", "record")
    return {(table, MODELS[table]._meta.pk.to_python(record)) for table, record in tombstones}


def _value(field, cell: Any) -> Any:
    if field.get_internal_type() == "JSONField" and cell is not None:
        return exact(cell)
    return str(cell) if field.get_internal_type() == "DateField" and cell is not None else cell


def _corrected(table: str, name: str, value: Any) -> Any:
    """Return a corrected value, from JSON with decimal numbers, as the field has it."""
    kind = MODELS[table]._meta.get_field(name).get_internal_type()
    if kind == "FloatField":
        return float(value)
    if kind == "ManyToManyField":
        return tuple(map(int, value))
    if kind == "ForeignKey" and value is not None and not isinstance(value, str):
        return int(value)
    return value


def new_key(run: int, table: str, row: tuple) -> Any:
    """Return the primary key of the record that a run created from a row; None for a preview."""
    file, line, key, _ = row
    model = MODELS[table]
    if KEYS[table] == model._meta.pk.name:
        return key
    matches = model.objects.filter(created_in__run=run, created_in__name=file, created_line=line)
    if table == "sessions":
        matches = matches.filter(name=key)
    return matches.values_list("pk", flat=True).first()


def histories() -> dict[tuple[str, str], list[Change]]:
    """Return the changes of each record, oldest first."""
    changes: dict[tuple[str, str], list[Change]] = {}
    for change in Change.objects.filter(table__in=MODELS).order_by("pk"):
        changes.setdefault((change.table, change.record), []).append(change)
    return changes


def row(table: str, record: str) -> dict | None:
    """Return a stored row in the form of the history."""
    return stored_row(MODELS[table], MODELS[table]._meta.pk.to_python(record))
