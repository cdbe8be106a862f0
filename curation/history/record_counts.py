"""Counts of records in words, as messages name them: ``1 person``, ``25 people``."""

from django.apps import apps
from django.db import models


def counted(model: type[models.Model], count: int) -> str:
    """Return *count* with the model's singular or plural name."""
    return f"{count:,} {model._meta.verbose_name if count == 1 else model._meta.verbose_name_plural}"


def model_of(table: str) -> type[models.Model]:
    """Return the model that is stored in the database table *table*."""
    return next(model for model in apps.get_models() if model._meta.db_table == table)
