"""Defaults of a dataset's admin list, derived from its model: columns, filters, date hierarchy and autocompletion."""

from collections.abc import Iterator

from django.db import models

from datasets.fields import related_model
from datasets.listing import listing_of
from datasets.models import Record, Vocabulary

HIDDEN = models.AutoField | models.BigAutoField | models.BinaryField | models.JSONField
FILTERED = models.BooleanField | models.DateField | models.FloatField | models.IntegerField


def shown_fields(model: type[models.Model]) -> list[models.Field]:
    """Return the fields of a list: all but automatic keys, documents and provenance."""
    provenance = {field.name for field in Record._meta.get_fields()}
    return [f for f in model._meta.concrete_fields if f.name not in provenance and not isinstance(f, HIDDEN)]


def filter_columns(model: type[models.Model]) -> list[str]:
    """Return the columns to filter by: numbers, dates, booleans, choices and vocabularies, except keys."""
    return [field.name for field in shown_fields(model) if not field.unique and _is_filtered(field)]


def date_hierarchy(model: type[models.Model]) -> str | None:
    """Return the only date of a list, or None if it has none or several."""
    dates = [field.name for field in shown_fields(model) if isinstance(field, models.DateField)]
    return dates[0] if len(dates) == 1 else None


def searched_references(model: type[models.Model]) -> list[str]:
    """Return the references to records, which a form completes by search: their tables may be long."""
    return [field.name for field in _references(model) if listing_of(related_model(field)).search]


def _is_filtered(field: models.Field) -> bool:
    if field.is_relation:
        return issubclass(related_model(field), Vocabulary)
    return bool(field.choices) or isinstance(field, FILTERED)


def _references(model: type[models.Model]) -> Iterator[models.Field]:
    provenance = {field.name for field in Record._meta.get_fields()}
    for field in [*model._meta.concrete_fields, *model._meta.many_to_many]:
        if field.name not in provenance and field.is_relation and issubclass(related_model(field), Record):
            yield field
