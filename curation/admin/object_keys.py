"""Keys of records as forms and addresses of the admin spell them: any other spelling names no record."""

from collections.abc import Iterable

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.db import models

from datasets.query_values import is_whole_number


def is_key(model: type[models.Model], text: str, name: str | None = None) -> bool:
    """Tell whether *text* spells a key of *model*, the primary one or field *name*, whether or not there is one."""
    key = model._meta.get_field(name) if name and name != "pk" else model._meta.pk
    while key.is_relation:
        key = key.target_field
    if isinstance(key, models.IntegerField):
        return is_whole_number(text)
    try:
        key.to_python(text)
    except (ValidationError, ValueError):
        return False
    return "\x00" not in text


class KeyField(forms.ModelChoiceField):
    """The choice of one record."""

    def to_python(self, value):
        if isinstance(value, str) and value not in self.empty_values:
            _expect_keys(self, [value])
        return super().to_python(value)


class KeysField(forms.ModelMultipleChoiceField):
    """The choice of several records."""

    def _check_values(self, value):
        _expect_keys(self, value)
        return super()._check_values(value)


class _KnownKeys:
    def optgroups(self, name, value, attr=None):
        """Return the records that are chosen; what is no key chooses none."""
        remote = self.field.remote_field
        keys = [key for key in value if is_key(remote.model, str(key), getattr(remote, "field_name", None))]
        return super().optgroups(name, keys, attr)


class KeySelect(_KnownKeys, AutocompleteSelect):
    """A box that completes the name of a record."""


class KeysSelect(_KnownKeys, AutocompleteSelectMultiple):
    """A box that completes the names of several records."""


def _expect_keys(field: forms.ModelChoiceField, values: Iterable[str]) -> None:
    for value in values:
        if not is_key(field.queryset.model, str(value), field.to_field_name):
            raise ValidationError(
                field.error_messages["invalid_choice"], code="invalid_choice", params={"value": str(value)[:100]}
            )
