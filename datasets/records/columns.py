"""The columns of a table's list, used by the API, Explore and exports.

A foreign key has two columns, the label and the ID of its target: ``education`` is ``Bachelors`` and ``education_id``
is 3. See datasets.listing for other options of a model.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import models
from django.db.models.fields.related import RelatedField

from datasets.fields import field_of, related_model
from datasets.listing import label_field, listing_of
from datasets.models import Record
from datasets.records.masking import permission_for

PROVENANCE = {
    "created_in": "the file that created the record",
    "changed_in": "the file that last changed the record",
}
DIRECTIONS = ("earlier", "later")  # in which a column of a list can be moved


@dataclass(frozen=True)
class ListedColumn:
    """A column of a list. *path* leads from the model to *field*. *null* is whether the value can be missing."""

    name: str
    path: str
    field: models.Field[Any, Any]
    null: bool
    help_text: str

    @property
    def permission(self) -> str | None:
        """The permission that is required to see the column, or None if it is not personal data."""
        return permission_for(self.field)

    @property
    def many(self) -> bool:
        """Whether the column is a many-to-many field."""
        return bool(self.field.many_to_many)

    @property
    def is_list(self) -> bool:
        """Whether the column is text with a list of integers, such as ``2;3``."""
        return self.field.name in listing_of(self.field.model).lists

    def members_of(self, text: str | None) -> list[int]:
        """Split a string such as ``2;3`` into integers. An empty string has none."""
        return [int(member) for member in text.split(";")] if text else []


@cache
def columns_of(model: type[models.Model]) -> tuple[ListedColumn, ...]:
    """Return the columns of *model*'s list: its fields in declaration order, joined columns, and provenance columns."""
    return (*_own_columns(model), *_joined_columns(model), *_provenance(model))


def _own_columns(model: type[models.Model]) -> Iterator[ListedColumn]:
    provenance = {field.name for field in Record._meta.get_fields()}
    fields = [*model._meta.concrete_fields, *model._meta.many_to_many]
    for field in sorted(fields, key=lambda field: not field.primary_key):
        if field.name in provenance or isinstance(field, models.BinaryField):
            continue
        if not field.is_relation or field.many_to_many:
            yield ListedColumn(field.name, field.name, field, field.null, str(field.help_text))
            continue
        target = related_model(field)
        yield ListedColumn(
            field.attname, field.attname, target._meta.pk, field.null, f"Id of the {field.verbose_name}."
        )
        if label_field(target) != target._meta.pk.name:
            path = f"{field.name}__{label_field(target)}"
            yield ListedColumn(field.name, path, field_at(model, path), field.null, str(field.help_text))


def _joined_columns(model: type[models.Model]) -> Iterator[ListedColumn]:
    for name, path in listing_of(model).joined.items():
        field = field_at(model, path)
        null = field.null or field_of(model, path.split("__")[0]).null
        yield ListedColumn(name, path, field, null, str(field.help_text))


def _provenance(model: type[models.Model]) -> Iterator[ListedColumn]:
    names = {field.name for field in model._meta.concrete_fields}
    for reference, meaning in PROVENANCE.items():
        if reference not in names:
            continue
        for name, path, what in [
            (f"{reference}_run", f"{reference}__run_id", "Run that read"),
            (f"{reference}_file", f"{reference}__name", "Name of"),
        ]:
            field = field_at(model, path.removesuffix("_id"))
            yield ListedColumn(name, path, field, null=True, help_text=f"{what} {meaning}.")
        line = reference.replace("_in", "_line")
        if line in names:
            yield ListedColumn(line, line, field_of(model, line), null=True, help_text=f"Line in {meaning}.")


def field_at(model: type[models.Model], path: str) -> models.Field[Any, Any]:
    """Return the field at *path*. For a foreign key, return the target's key field."""
    *references, name = path.split("__")
    for reference in references:
        model = related_model(field_of(model, reference))
    field = field_of(model, name)
    return field.target_field if isinstance(field, RelatedField) else field


def moved(names: list[str], direction: str, name: str) -> list[str]:
    """Return the *names* of a list's columns with *name* moved by one position in a *direction*."""
    if name not in names or direction not in DIRECTIONS:
        return names
    place = names.index(name)
    others = [other for other in names if other != name]
    others.insert(max(place - 1, 0) if direction == "earlier" else place + 1, name)
    return others
