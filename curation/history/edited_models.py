"""The models whose records an edit changed."""

from django.apps import apps
from django.db import models

from datasets.models import Record, Vocabulary
from imports.models import Edit


def edited_models(edit: Edit) -> list[type[models.Model]]:
    """Return the models that *edit* changed, vocabularies first."""
    tables = set(edit.changes.values_list("table", flat=True).distinct().order_by())
    edited = [m for m in apps.get_models() if issubclass(m, Record | Vocabulary) and m._meta.db_table in tables]
    return sorted(edited, key=lambda model: issubclass(model, Record))
