"""Rows of a list as they are served: values by column, made a column at a time, labels from memory."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db import models

from datasets.records.columns import ListedColumn
from datasets.records.label_cache import labels
from datasets.records.personal_data import masked


class Shape:
    """Chosen columns of *model*: what is selected of its own table, and how rows of that become what is served."""

    def __init__(self, model: type[models.Model], columns: Sequence[ListedColumn]):
        self.model, self.columns = model, columns
        self.pk = model._meta.pk.attname
        self.paths: dict[str, tuple[str, ...]] = {}  # what is wanted of the record that a reference leads to
        for column in columns:
            reference, _, rest = column.path.partition("__")
            if rest:
                self.paths[reference] = (*self.paths.get(reference, ()), rest)
        own = {column.path for column in columns if "__" not in column.path and not column.many}
        self.references = {name: model._meta.get_field(name) for name in self.paths}
        self.selected = list(
            dict.fromkeys([self.pk, *sorted(own), *(field.attname for field in self.references.values())])
        )

    def serve(self, rows: Sequence[tuple], user, version: str) -> list[dict[str, Any]]:
        """Return *rows* of what is selected as they are served to *user*; *version* was read before them."""
        if not rows:
            return []
        taken = dict(zip(self.selected, zip(*rows, strict=True), strict=True))
        known = {
            name: labels(field.related_model, self.paths[name], taken[field.attname], version)
            for name, field in self.references.items()
        }
        served = []
        for column in self.columns:
            reference, _, rest = column.path.partition("__")
            if column.many:
                lists = self._lists(column.field, taken[self.pk])
                values = [lists[key] for key in taken[self.pk]]
            elif rest:
                place, by_key = self.paths[reference].index(rest), known[reference]
                values = [
                    by_key[key][place] if key in by_key else None for key in taken[self.references[reference].attname]
                ]
            else:
                values = taken[column.path]
            if column.permission and not user.has_perm(column.permission):
                values = [masked(value) for value in values]
            elif column.is_list:
                values = [column.members_of(value) for value in values]
            served.append(values)
        names = [column.name for column in self.columns]
        return [dict(zip(names, values, strict=True)) for values in zip(*served, strict=True)]

    def _lists(self, field: models.ManyToManyField, keys: Sequence[Any]) -> dict[Any, list]:
        """Return the ids that each of the records has in *field*, the lowest first, with one query for the page."""
        lists = defaultdict(list)
        of, to = (f"{name}_id" for name in (field.m2m_field_name(), field.m2m_reverse_field_name()))
        through = field.remote_field.through._default_manager
        for key, value in through.filter(**{f"{of}__in": keys}).order_by(to).values_list(of, to):
            lists[key].append(value)
        return lists
