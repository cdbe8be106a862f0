"""Defaults of a dataset's admin list, derived from its model: columns, filters, date hierarchy and autocompletion."""

from django.db import models

from curation.history.editable_fields import own_fields
from datasets.fields import related_model
from datasets.listing import listing_of
from datasets.models import Record, Vocabulary

HIDDEN = models.AutoField | models.BigAutoField | models.JSONField | models.ManyToManyField
FILTERED = models.BooleanField | models.DateField | models.FloatField | models.IntegerField


def shown_fields(model: type[models.Model]) -> list[models.Field]:
    """Return the fields of a list: all but automatic keys, documents, lists and provenance."""
    return [field for field in own_fields(model) if not isinstance(field, HIDDEN)]


def filter_columns(model: type[models.Model]) -> list[str]:
    """Return the columns to filter by: numbers, dates, booleans, choices and vocabularies, except keys."""
    return [field.name for field in shown_fields(model) if not field.unique and _is_filtered(field)]


def date_hierarchy(model: type[models.Model]) -> str | None:
    """Return the only date of a list, or None if it has none or several."""
    dates = [field.name for field in shown_fields(model) if isinstance(field, models.DateField)]
    return dates[0] if len(dates) == 1 else None


def searched_references(model: type[models.Model]) -> list[str]:
    """Return the references to records, which a form completes by search: their tables may be long."""
    references = [field for field in own_fields(model) if field.is_relation]
    records = [(field.name, related_model(field)) for field in references]
    return [name for name, target in records if issubclass(target, Record) and listing_of(target).search]


def _is_filtered(field: models.Field) -> bool:
    if field.is_relation:
        return issubclass(related_model(field), Vocabulary)
    return bool(field.choices) or isinstance(field, FILTERED)
