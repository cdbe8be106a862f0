"""Suggest values for a column: the choices of its field, terms of its vocabulary, or keys of its parent table."""

from typing import Any

from django.db import models

from datasets.permissions import may
from datasets.records.masking import Viewer, hidden_fields
from datasets.records.search import search
from imports.sources import Column, Reference, VocabularyColumn

MOST_LISTED = 200  # if there are more values, only those that match the user's input are listed
MOST_FOUND = 20


def listed_values(column: Column, user: Viewer) -> list[str] | None:
    """Return all valid values of *column*, or None if there are too many or if any value is valid."""
    if column.field.choices:
        return [str(value) for value, _ in column.field.flatchoices]
    values = _known_values(column, user)
    first = None if values is None else list(values[: MOST_LISTED + 1])
    return [str(value) for value in first] if first is not None and len(first) <= MOST_LISTED else None


def is_searched(column: Column, user: Viewer) -> bool:
    """Return whether :func:`found_values` can find values of *column*."""
    return _known_values(column, user) is not None


def found_values(column: Column, user: Viewer, text: str) -> list[str]:
    """Return the first values of *column* that a prefix search for *text* finds."""
    values = _known_values(column, user)
    if values is None or not text.strip():
        return []
    by = column.by_field if isinstance(column, Reference) else values.model._meta.get_field("name")
    path = f"{by.name}__exact" if isinstance(by, models.IntegerField) else by.name
    return [str(value) for value in search(values, [path], text)[:MOST_FOUND]]


def _known_values(column: Column, user: Viewer) -> models.QuerySet[Any, Any] | None:
    """Return the sorted values of the table that *column* refers to, or None if *user* may not see them."""
    if isinstance(column, Reference):
        model, name = column.model, column.by
    elif isinstance(column, VocabularyColumn):
        model, name = column.model, "name"
    else:
        return None
    if not may(user, "view", model) or name in hidden_fields(model, user):
        return None
    return model._default_manager.order_by(name).values_list(name, flat=True)
