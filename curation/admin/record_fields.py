"""The fields on the page of a record, each with its value, its correction and the origin of its value."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.contrib.admin.helpers import AdminForm, Fieldset
from django.utils.safestring import SafeString

FACTS = ("created", "last_changed", "last_edited")  # read-only fields about the record, which are beside the form


def fieldsets(
    form: AdminForm, origins: Mapping[str, SafeString], corrections: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the fieldsets of *form* with their rows. *origins* are by field, and *corrections* name their field."""
    corrected = {correction["name"]: correction for correction in corrections}
    return [
        {"fieldset": fieldset, "rows": [row for row in _rows(fieldset, origins, corrected) if row["name"] not in FACTS]}
        for fieldset in form
    ]


def facts(form: AdminForm) -> list[dict[str, Any]]:
    """Return the rows of the fields about the record."""
    return [row for fieldset in form for row in _rows(fieldset, {}, {}) if row["name"] in FACTS]


def _rows(
    fieldset: Fieldset, origins: Mapping[str, SafeString], corrected: Mapping[str, Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    for line in fieldset:
        for field in line:
            # Read-only fields are dicts; a callable column has the name of its function.
            name = field.field["name"] if isinstance(field.field, dict) else field.field.name
            yield {
                "name": name,
                "field": field,
                "errors": line.errors(),
                "origin": origins.get(name, ""),
                "correction": corrected.get(name),
            }
