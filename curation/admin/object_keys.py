"""Keys of records in forms and URLs of the admin; only the canonical spelling is valid."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin.widgets import AutocompleteMixin, AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.db import models
from django.templatetags.static import static

from datasets.fields import field_of
from datasets.query_values import is_whole_number

MINIFIED = "" if settings.DEBUG else ".min"
SCRIPTS = [  # of a box that searches records, in their order
    f"admin/js/vendor/jquery/jquery{MINIFIED}.js",
    f"admin/js/vendor/select2/select2.full{MINIFIED}.js",
    "admin/js/jquery.init.js",
    "admin/js/autocomplete.js",
]
STYLES = [f"admin/css/vendor/select2/select2{MINIFIED}.css", "admin/css/autocomplete.css"]


def is_key(model: type[models.Model], text: str, name: str | None = None) -> bool:
    """Return whether *text* is a valid primary key of *model*, or a valid value of its field *name*."""
    key = field_of(model, name) if name and name != "pk" else model._meta.pk
    while isinstance(key, models.ForeignKey):
        key = key.target_field
    if isinstance(key, models.IntegerField):
        return is_whole_number(text)
    try:
        key.to_python(text)
    except (ValidationError, ValueError):
        return False
    return "\x00" not in text


class KeyField(forms.ModelChoiceField):
    """A choice of one record."""

    def to_python(self, value: Any) -> models.Model | None:
        if isinstance(value, str) and value not in self.empty_values:
            _expect_keys(self, [value])
        return super().to_python(value)


class KeysField(forms.ModelMultipleChoiceField):
    """A choice of several records."""

    def clean(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            _expect_keys(self, value)
        return super().clean(value)


class _KnownKeys(AutocompleteMixin, forms.Select):
    """A box that searches related records. Its scripts, larger than all others, are loaded when it gets the focus."""

    @property
    def media(self) -> forms.Media:
        return forms.Media(js=["curation/record_select.js"], css={"screen": STYLES})

    def build_attrs(self, base_attrs: dict[str, Any], extra_attrs: dict[str, Any] | None = None) -> dict[str, Any]:
        attrs = super().build_attrs(base_attrs, extra_attrs)
        return {**attrs, "data-scripts": json.dumps([static(script) for script in SCRIPTS])}

    def optgroups(self, name: str, value: Sequence[str], attr: dict[str, Any] | None = None) -> list[Any]:
        """Return the selected records; ignore invalid keys."""
        remote = self.field.remote_field
        keys = [key for key in value if is_key(remote.model, str(key), getattr(remote, "field_name", None))]
        return super().optgroups(name, keys, attr)


class KeySelect(_KnownKeys, AutocompleteSelect):
    """Autocomplete for one record."""


class KeysSelect(_KnownKeys, AutocompleteSelectMultiple):
    """Autocomplete for several records."""


def _expect_keys(field: forms.ModelChoiceField, values: Iterable[str]) -> None:
    for value in values:
        if field.queryset is not None and not is_key(field.queryset.model, str(value), field.to_field_name):
            raise ValidationError(
                field.error_messages["invalid_choice"], code="invalid_choice", params={"value": str(value)[:100]}
            )
