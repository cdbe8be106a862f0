"""Columns of files: the model field for each column, and how its cells are converted."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models.fields.related import RelatedField

from datasets import exact_json
from datasets.fields import field_of, related_model, through_model
from datasets.models import Vocabulary
from datasets.sql.dialect import column_name
from datasets.text import clean, is_unseen
from imports import cell_types
from imports.written_forms import WrittenForm, written_as

KINDS = {dict: "an object", list: "a list", bool: "true or false"}  # JSON values that text columns do not accept


def as_cell(value: Any) -> str | None:
    """Return the text of a cell with a JSON *value*, or None for null."""
    return value if value is None or isinstance(value, str) else exact_json.text(value)


class Column:
    """A column whose cells are values of a model field. :meth:`bind` sets the attributes declared below.

    *field* is the name of the field if it differs from the column's. *names* are other accepted headers. *spellings*
    are accepted spellings of each value: ``{True: [">50K", ">50K."]}``. *written* is how the file writes dates or
    numbers: ``DateFormat("%d/%m/%Y")`` or ``NumberFormat(thousands=",")``.
    """

    name: str
    field: models.Field[Any, Any]
    kind: cell_types.CellType
    required: bool

    def __init__(
        self,
        field: str | None = None,
        *,
        names: Iterable[str] = (),
        spellings: Mapping[Any, Sequence[str]] | None = None,
        written: WrittenForm | None = None,
    ):
        self.field_name = field
        self.names = tuple(names)
        self.spellings = dict(spellings or {})
        self.written = written

    def bind(self, name: str, model: type[models.Model]) -> Self:
        """Return a copy of this column as column *name* of a source of *model*, with its field and cell type."""
        bound = copy.copy(self)
        bound.name = name
        bound.field = field_of(model, self.field_name or name)
        bound.kind = bound.kind_of_cells()
        bound.required = not bound.field.null
        return bound

    def kind_of_cells(self) -> cell_types.CellType:
        kind = cell_types.kind_of(self.field, self.spellings)
        return written_as(kind, self.written) if self.written else kind

    def misfit(self, value: Any) -> str:
        """Return the type error of a JSON *value*, or an empty string. Text columns accept strings and integers."""
        if isinstance(self.kind, cell_types.DocumentCell) or not isinstance(
            value, dict | list | bool | float | Decimal
        ):
            return ""
        kind = next((name for type_, name in KINDS.items() if isinstance(value, type_)), "a number with decimals")
        if not isinstance(value, dict | list) and not isinstance(self.kind, cell_types.TextCell):
            return ""  # the cell type validates booleans and numbers
        more = " or a whole number" if isinstance(self.kind, cell_types.TextCell) else ""
        return f"is {kind}: expected {self.kind.expected}{more}"

    def value_of(self, value: Any) -> Any:
        """Convert a JSON *value* to a value of the field. Return None if it is empty or invalid."""
        if self.misfit(value):
            return None
        text = as_cell(value)
        if text and not isinstance(self.kind, cell_types.DocumentCell):
            text = clean(text)
        try:
            return self.kind.check(text) if text and not is_unseen(text) else None
        except ValueError:
            return None

    @property
    def stored_as(self) -> str:
        """The database column in which this column is stored."""
        return column_name(self.field)

    @property
    def exported_path(self) -> str:
        """The path from the model to the exported value of this column."""
        return self.field.name


class Reference(Column):
    """A column that refers to a record of another table by the value of one of that table's fields."""

    field: RelatedField[Any, Any]
    by_field: models.Field[Any, Any]

    def __init__(self, model: type[models.Model], *, by: str, **options: Any):
        super().__init__(**options)
        self.model, self.by = model, by

    def kind_of_cells(self) -> cell_types.CellType:
        self.by_field = field_of(self.model, self.by)
        return cell_types.kind_of(self.by_field)

    @property
    def by_column(self) -> str:
        """The database column of the other table that identifies its records in files."""
        return column_name(self.by_field)

    @property
    def exported_path(self) -> str:
        return self.field.attname if self.by_field.primary_key else f"{self.field.name}__{self.by}"

    @property
    def label(self) -> str:
        return f"{self.model._meta.verbose_name} {self.by_field.verbose_name}"


class Many(Reference):
    """A column in which each cell refers to several records of another table. Together they are one value."""

    field: models.ManyToManyField[Any, Any]
    through: type[models.Model]
    owner_column: str
    member_column: str
    member_kind: cell_types.CellType

    def __init__(self, model: type[models.Model], *, by: str, separator: str = ";", **options: Any):
        super().__init__(model, by=by, **options)
        self.separator = separator

    def bind(self, name: str, model: type[models.Model]) -> Self:
        bound = super().bind(name, model)
        field = bound.field
        bound.required = not field.blank
        bound.through = through_model(field)
        bound.owner_column = column_name(field_of(bound.through, field.m2m_field_name()))
        bound.member_column = column_name(field_of(bound.through, field.m2m_reverse_field_name()))
        return bound

    @property
    def exported_path(self) -> str:
        return self.field.name if self.by_field.primary_key else ""

    def kind_of_cells(self) -> cell_types.CellType:
        self.member_kind = super().kind_of_cells()
        return cell_types.ListCell(of=self.member_kind.expected, separator=self.separator)


class VocabularyColumn(Column):
    """A column of vocabulary terms. An import adds new terms to the vocabulary."""

    model: type[Vocabulary]

    def kind_of_cells(self) -> cell_types.CellType:
        model = related_model(self.field)
        if not issubclass(model, Vocabulary):
            raise ImproperlyConfigured(f"{self.field} does not refer to a Vocabulary.")
        self.model = model
        return cell_types.kind_of(field_of(model, "name"))

    @property
    def exported_path(self) -> str:
        return f"{self.field.name}__name"


class Detail(Column):
    """A column that repeats an attribute of another column's term, such as the years of an education level."""

    def __init__(self, of: str, attribute: str, **options: Any):
        super().__init__(of, **options)
        self.of, self.attribute = of, attribute

    def kind_of_cells(self) -> cell_types.CellType:
        return cell_types.kind_of(field_of(related_model(self.field), self.attribute))

    @property
    def exported_path(self) -> str:
        return f"{self.field.name}__{self.attribute}"
