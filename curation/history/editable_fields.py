"""The fields of a record that a curator can edit, and their names in a stored row."""

from functools import cache

from django.db import models

from datasets.models import Record
from datasets.registry import dataset_apps
from datasets.sql.dialect import column_name
from imports.sources import PROVENANCE, sources_of


@cache
def key_names(model: type[models.Model]) -> frozenset[str]:
    """Return the key fields of *model*'s source; empty if the source identifies records by content."""
    if model._meta.app_label not in dataset_apps():
        return frozenset()
    keys = (source.key_columns for source in sources_of(model._meta.app_label) if source.model is model)
    return frozenset(column.field.name for columns in keys for column in columns)


@cache
def own_fields(model: type[models.Model]) -> tuple[models.Field, ...]:
    """Return the data fields in the model's order, without provenance and binary fields."""
    fields = (*model._meta.concrete_fields, *model._meta.many_to_many)
    return tuple(f for f in fields if f.name not in PROVENANCE and not isinstance(f, models.BinaryField))


@cache
def correctable(model: type[models.Model]) -> dict[str, models.Field]:
    """Return the fields that a curator can edit, by name: all data fields except keys."""
    keys = key_names(model)
    return {f.name: f for f in own_fields(model) if f.editable and not f.primary_key and f.name not in keys}


def stored_name(field: models.Field) -> str:
    """Return the name of *field* in a stored row and in ``corrections``."""
    return field.name if field.many_to_many else column_name(field)


def remembers_its_file(model: type[models.Model]) -> bool:
    """Return whether records of *model* have corrections; terms of a vocabulary have none."""
    return issubclass(model, Record)
