"""Serialize the rows of a list column by column, with the labels of related records from a cache."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db import models

from datasets.fields import field_of, related_model, through_model
from datasets.records.columns import ListedColumn
from datasets.records.label_cache import labels
from datasets.records.masking import Viewer, masked


class RowSerializer:
    """Serializes the columns *columns* of *model*. ``selected`` has the columns to select from its own table."""

    def __init__(self, model: type[models.Model], columns: Sequence[ListedColumn]):
        self.model, self.columns = model, columns
        self.pk = model._meta.pk.attname
        self.paths: dict[str, tuple[str, ...]] = {}  # the fields of each related record
        for column in columns:
            reference, _, rest = column.path.partition("__")
            if rest:
                self.paths[reference] = (*self.paths.get(reference, ()), rest)
        own = {column.path for column in columns if "__" not in column.path and not column.many}
        self.references = {name: field_of(model, name) for name in self.paths}
        self.selected = list(
            dict.fromkeys([self.pk, *sorted(own), *(field.attname for field in self.references.values())])
        )

    def serialize(self, rows: Sequence[tuple[Any, ...]], user: Viewer, version: str) -> list[dict[str, Any]]:
        """Return *rows* of the columns ``selected`` as dicts, masked for *user*. *version* was read before the rows."""
        if not rows:
            return []
        by_column = dict(zip(self.selected, zip(*rows, strict=True), strict=True))
        related = {
            name: labels(related_model(field), self.paths[name], by_column[field.attname], version)
            for name, field in self.references.items()
        }
        serialized = []
        for column in self.columns:
            reference, _, rest = column.path.partition("__")
            values: Sequence[Any]
            if isinstance(column.field, models.ManyToManyField):
                lists = self._lists(column.field, by_column[self.pk])
                values = [lists[key] for key in by_column[self.pk]]
            elif rest:
                index, by_key = self.paths[reference].index(rest), related[reference]
                keys = by_column[self.references[reference].attname]
                values = [by_key[key][index] if key in by_key else None for key in keys]
            else:
                values = by_column[column.path]
            if column.permission and not user.has_perm(column.permission):
                values = [masked(value) for value in values]
            elif column.is_list:
                values = [column.members_of(value) for value in values]
            serialized.append(values)
        names = [column.name for column in self.columns]
        return [dict(zip(names, values, strict=True)) for values in zip(*serialized, strict=True)]

    def _lists(self, field: models.ManyToManyField[Any, Any], keys: Sequence[Any]) -> dict[Any, list[Any]]:
        """Return the sorted IDs in *field* of each record, with one query for all records."""
        lists = defaultdict(list)
        of, to = (f"{name}_id" for name in (field.m2m_field_name(), field.m2m_reverse_field_name()))
        links = through_model(field)._default_manager
        for key, value in links.filter(**{f"{of}__in": keys}).order_by(to).values_list(of, to):
            lists[key].append(value)
        return lists
