"""The kind of chart that shows a single column."""

from django.db import models

from datasets.fields import field_of, related_model
from datasets.listing import label_field
from datasets.models import MaterializedView
from datasets.records.aggregation import can_be_parted, can_group_by
from datasets.records.columns import ListedColumn
from datasets.sql.text_order import TEXTS

LINES = ("created_line", "changed_line")  # of files: they identify records, too


def chart_kind(model: type[models.Model], column: ListedColumn) -> str:
    """Return ``histogram`` for a column of numbers, ``line`` for dates, ``bar`` for others, or "" without groups."""
    if not makes_groups(model, column):
        return ""
    return "histogram" if can_be_parted(column) else "line" if isinstance(column.field, models.DateField) else "bar"


def makes_groups(model: type[models.Model], column: ListedColumn) -> bool:
    """Return whether *column* groups the records of *model*, instead of identifying each of them."""
    return can_group_by(column) and column.path.split("__")[0] not in LINES and not _is_key(model, column)


def _is_key(model: type[models.Model], column: ListedColumn) -> bool:
    """Whether a column identifies records, or is the id of a labelled related record; a view's key may be a name."""
    if "__" in column.path:
        return column.name.endswith("_run")
    own = field_of(model, column.path)
    if own.is_relation:
        target = related_model(own)
        return label_field(target) != target._meta.pk.name or not isinstance(target._meta.pk, TEXTS)
    return own.unique and not (issubclass(model, MaterializedView) and own.primary_key)
