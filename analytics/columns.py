"""The columns of the copy: those of the table's list, without personal data, and whether a record was corrected."""

from functools import cache
from typing import Any

import pyarrow as pa
from django.db import models

from datasets.models import Record
from datasets.records.columns import ListedColumn, columns_of
from datasets.sql.text_order import TEXTS
from exports.columns import ExportedColumn, exported_columns

# The types of columns that expressions can use. Lists, documents and times are only for other programs.
TYPES = {
    pa.bool_(): "boolean",
    pa.int16(): "int16",
    pa.int32(): "int32",
    pa.int64(): "int64",
    pa.float64(): "float64",
    pa.date32(): "date",
    pa.string(): "string",
}


def copied_columns(model: type[models.Model]) -> list[ExportedColumn]:
    """Return the columns of *model*'s copy."""
    names = [column.name for column in columns_of(model) if not column.permission]
    columns = exported_columns(model, names, None)
    return [*columns, ExportedColumn(_corrected(model), masked=False)] if issubclass(model, Record) else columns


def _corrected(model: type[models.Model]) -> ListedColumn:
    field: models.Field[Any, Any] = models.BooleanField(name="corrected")
    field.model = model
    meaning = "Whether a curator has corrected the record."
    return ListedColumn("corrected", "corrected", field, null=False, help_text=meaning)


def copied_records(model: type[models.Model]) -> models.QuerySet[Any]:
    """Return the records of *model* with the annotations that the copy needs."""
    records = model._default_manager.all()
    if not issubclass(model, Record):
        return records
    is_corrected = models.ExpressionWrapper(models.Q(corrections__isnull=False), models.BooleanField())
    return records.annotate(corrected=is_corrected)


def types_of(model: type[models.Model]) -> dict[str, str]:
    """Return Ibis's type of each column of the copy, or another name if expressions cannot use it."""
    return {column.name: type_of(column) for column in copied_columns(model)}


def type_of(column: ExportedColumn) -> str:
    """Return the type of *column* for types_of(). Decimal numbers and other values are stored as text."""
    kind = column.arrow_type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if kind == pa.string() and not isinstance(column.listed.field, TEXTS):
        return f"text of a {column.listed.field.get_internal_type()}"
    return TYPES.get(kind, str(kind))


@cache
def names_by_path(model: type[models.Model]) -> dict[str, str]:
    """Return the name of each column of the copy that expressions can use, by its path from *model*."""
    usable = set(TYPES.values())
    types = types_of(model)
    return {column.listed.path: column.name for column in copied_columns(model) if types[column.name] in usable}
