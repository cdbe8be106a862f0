"""A JSON field whose numbers keep their exact value, on both engines, in the database, in Python and in forms."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.forms.fields import InvalidJSONInput

from datasets import exact_json
from datasets.json_values import kept


class JSONFormField(forms.JSONField):
    """A JSON document typed by somebody, with the bounds that one from a file has."""

    def to_python(self, value: Any) -> Any:
        """Return the document; raises ValidationError with what is wrong with it."""
        if isinstance(value, str) and value.strip() and not self.disabled:
            try:
                value = kept(value)
            except ValueError as error:
                raise ValidationError(f"This {error}.", code="invalid") from None
        return super().to_python(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Return what was typed, to be shown again as it is: a rejected document may be one that nothing can write."""
        return initial if self.disabled or data is None else InvalidJSONInput(data)


class JSONField(models.JSONField):
    """Django's own, with numbers as Decimal where a float would not be exact."""

    def __init__(self, *args, **options):
        super().__init__(*args, **{"encoder": exact_json.Encoder, "decoder": exact_json.Decoder} | options)

    def deconstruct(self):
        """Return what migrations know: to the database, this is a JSONField like any other."""
        name, _, args, options = super().deconstruct()
        options = {key: value for key, value in options.items() if key not in ("encoder", "decoder")}
        return name, "django.db.models.JSONField", args, options

    def formfield(self, **options):
        """Return a form field with the same bounds as an import."""
        return super().formfield(**{"form_class": JSONFormField} | options)
