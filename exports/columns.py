"""The columns of an export, with their types and whether they are masked for the user."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from django.db import models

from datasets.fields import related_model, through_model
from datasets.models import Vocabulary
from datasets.records.columns import PROVENANCE, ListedColumn, columns_of
from datasets.records.masking import MASK_MARK, Viewer
from exports.errors import UnknownColumnError

BOOLEAN, INTEGER, FLOAT, DATE, TIME = "boolean", "integer", "float", "date", "time"
TEXT, JSON, LIST = "text", "json", "list"
TEXTUAL = {TEXT, JSON, LIST}  # kinds whose values a spreadsheet could run as formulas
KINDS = [
    (models.BooleanField, BOOLEAN),
    (models.IntegerField, INTEGER),
    (models.FloatField, FLOAT),
    (models.DateTimeField, TIME),  # must precede its base class DateField
    (models.DateField, DATE),
    (models.JSONField, JSON),
]
INTEGERS = {
    "SmallIntegerField": pa.int16(),
    "PositiveSmallIntegerField": pa.int16(),
    "SmallAutoField": pa.int16(),
    "IntegerField": pa.int32(),
    "PositiveIntegerField": pa.int32(),
    "AutoField": pa.int32(),
}


@dataclass(frozen=True)
class ExportedColumn:
    """A column of an export. *masked* means that it has personal data that is hidden from the user."""

    listed: ListedColumn
    masked: bool

    @property
    def name(self) -> str:
        return self.listed.name

    @property
    def kind(self) -> str:
        if self.listed.many or self.listed.is_list:
            return LIST
        return next((kind for field, kind in KINDS if isinstance(self.listed.field, field)), TEXT)

    @property
    def members(self) -> models.QuerySet[Any] | None:
        """The sorted IDs of a many-to-many field, as a subquery for OuterRef("pk")."""
        field = self.listed.field
        if not isinstance(field, models.ManyToManyField):
            return None
        of, to = (f"{name}_id" for name in (field.m2m_field_name(), field.m2m_reverse_field_name()))
        rows = through_model(field)._default_manager.filter(**{of: models.OuterRef("pk")})
        return rows.order_by(to).values(member=models.F(to))

    @property
    def arrow_type(self) -> pa.DataType:
        """The type in a Parquet file, which is a dictionary for columns with few distinct labels."""
        field = self.listed.field
        match self.kind:
            case "boolean":
                return pa.bool_()
            case "integer":
                return INTEGERS.get(field.get_internal_type(), pa.int64())
            case "float":
                return pa.float64()
            case "date":
                return pa.date32()
            case "time":
                return pa.timestamp("us", tz="UTC")
            case "list":
                key = related_model(field)._meta.pk if self.listed.many else models.BigIntegerField()
                return pa.list_(pa.int64() if isinstance(key, models.IntegerField) else pa.string())
        few = field.choices or self.listed.path.split("__")[0] in PROVENANCE
        few = few or (issubclass(field.model, Vocabulary) and "__" in self.listed.path)
        return pa.dictionary(pa.int32(), pa.string()) if few and self.kind == TEXT else pa.string()


@dataclass(frozen=True)
class MaskMark(ExportedColumn):
    """The column that names the masked columns in each row. *text* has their names."""

    text: str

    @classmethod
    def of(cls, columns: Iterable[ExportedColumn]) -> "MaskMark":
        """Return the MaskMark for *columns*."""
        help_text = "The masked columns, separated by semicolons."
        return cls(
            ListedColumn(MASK_MARK, MASK_MARK, models.TextField(), null=False, help_text=help_text),
            masked=False,
            text=";".join(column.name for column in columns if column.masked),
        )

    @property
    def kind(self) -> str:
        return TEXT

    @property
    def arrow_type(self) -> pa.DataType:
        return pa.dictionary(pa.int32(), pa.string())


def exported_columns(
    model: type[models.Model], names: Iterable[str] | None, user: Viewer | None
) -> list[ExportedColumn]:
    """Return the columns *names* (None for all) in the given order, for *user*.

    If any column is masked, a MaskMark follows. Raises UnknownColumnError.
    """
    listed = {column.name: column for column in columns_of(model)}
    names = list(listed) if names is None else list(names)
    for index, name in enumerate(names):
        if name not in listed:
            raise UnknownColumnError.named(name, list(listed))
        if name in names[:index]:
            raise UnknownColumnError(f"The column {name} occurs twice.")
    if not names:
        raise UnknownColumnError(f"Choose at least one column. Columns: {', '.join(listed)}.")
    columns = [ExportedColumn(listed[name], is_masked(listed[name], user)) for name in names]
    return [*columns, MaskMark.of(columns)] if any(column.masked for column in columns) else columns


def is_masked(column: ListedColumn, user: Viewer | None) -> bool:
    """Return whether *column* is masked for *user*. If *user* is None, all personal data is masked."""
    return column.permission is not None and not (user and user.has_perm(column.permission))
