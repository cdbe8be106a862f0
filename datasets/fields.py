"""A JSON field that keeps numbers exact in the database (on both engines), in Python and in forms."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.forms.fields import InvalidJSONInput

from datasets import exact_json
from datasets.json_values import kept


def field_of(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    """Return the field *name* of *model*.

    Raises FieldDoesNotExist if there is no such field, or if it is a relation declared on another model.
    """
    field = model._meta.get_field(name)
    if not isinstance(field, models.Field):
        raise FieldDoesNotExist(f"{model.__name__}.{name} is declared by another model.")
    return field


def related_model(field: models.Field[Any, Any]) -> type[models.Model]:
    """Return the model to which a relation refers. Raises FieldDoesNotExist for any other field."""
    if not isinstance(field.related_model, type):
        raise FieldDoesNotExist(f"{field} does not lead to a model.")
    return field.related_model


def through_model(field: models.ManyToManyField[Any, Any]) -> type[models.Model]:
    """Return the intermediate model of a many-to-many field."""
    through: type[models.Model] | None = field.remote_field.through
    if through is None:
        raise FieldDoesNotExist(f"{field} has no intermediate model yet.")
    return through


class JSONFormField(forms.JSONField):
    """A JSON document in a form, with the same limits as documents in files."""

    def to_python(self, value: Any) -> Any:
        """Return the document. Raises ValidationError with the problem."""
        if isinstance(value, str) and value.strip() and not self.disabled:
            try:
                value = kept(value)
            except ValueError as error:
                raise ValidationError(f"This {error}.", code="invalid") from None
        return super().to_python(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Return the submitted text unchanged, because an invalid document may not be serializable."""
        return initial if self.disabled or data is None else InvalidJSONInput(data)


class JSONField(models.JSONField):
    """Django's JSONField, with Decimal for numbers that a float cannot represent exactly."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **{"encoder": exact_json.Encoder, "decoder": exact_json.Decoder} | options)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """Deconstruct as Django's JSONField, because the database column is the same."""
        name, _, args, options = super().deconstruct()
        options = {key: value for key, value in options.items() if key not in ("encoder", "decoder")}
        return name, "django.db.models.JSONField", args, options

    def formfield(self, **options: Any) -> Any:
        """Return a form field with the same limits as an import."""
        return super().formfield(**{"form_class": JSONFormField} | options)
