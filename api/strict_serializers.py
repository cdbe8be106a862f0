"""Strict fields and serializers, which reject values of other types, and unknown, repeated or empty parameters."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.serializers import ValidationError, as_serializer_error, empty
from rest_framework.settings import api_settings

from datasets.query_values import whole_number
from datasets.records.filters import MOST_SUGGESTIONS
from datasets.records.query_params import InvalidParametersError
from datasets.suggestions import suggest


class Typed(serializers.Field):
    """Restricts a field to one JSON type, without converting strings or numbers."""

    json_type: type[str] | type[bool] | type[int]
    expected: str

    def run_validation(self, data: Any = empty) -> Any:
        if data is not empty and not isinstance(data, self.json_type) and not (data is None and self.allow_null):
            raise ValidationError(f"Expected {self.expected}, found {_shown(data)}.")
        return super().run_validation(data)


class Text(Typed, serializers.CharField):
    json_type, expected = str, "a string"
    default_error_messages = {"max_length": "Expected at most {max_length} characters."}


class Flag(Typed, serializers.BooleanField):
    json_type, expected = bool, "true or false"


class Choice(Typed, serializers.ChoiceField):
    json_type, expected = str, "a string"
    default_error_messages = {
        "required": "Expected one of {known}; found none.",
        "invalid_choice": "Expected one of {known}; found {input}.",
    }

    def fail(self, key: str, **values: Any) -> NoReturn:
        super().fail(key, input=_shown(values.get("input", "")), known=", ".join(self.choices))


class WholeNumber(serializers.IntegerField):
    """An integer in canonical form."""

    min_value: int  # both are always set
    max_value: int

    def to_internal_value(self, data: float | str) -> int:
        try:
            return whole_number(str(data), self.min_value, self.max_value)
        except ValueError as error:
            raise ValidationError(str(error)) from None


class JSONWholeNumber(Typed, WholeNumber):
    json_type, expected = int, "a whole number"


@extend_schema_field({"type": "array", "items": {"type": "string", "format": "binary"}})
class Files(serializers.Field):
    """The uploaded files of a form."""

    def to_internal_value(self, data: Any) -> list[UploadedFile]:
        if not _are_files(data):
            raise ValidationError("Expected uploaded files, found a string. With curl, write files=@NAME, with the @.")
        return data


class StrictSerializer(serializers.Serializer):
    """Rejects unknown fields instead of ignoring them, because a client that sends a field expects an effect."""

    default_error_messages = {"invalid": "Expected a JSON object."}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        names = data if isinstance(data, Mapping) else ()  # anything else is refused below
        unknown = [name for name in names if name not in self.fields]
        errors: dict[str, Sequence[str]] = {
            name: [self._unknown(name, data[name], index)] for index, name in enumerate(unknown)
        }
        try:
            values = super().to_internal_value(data)
        except ValidationError as error:
            errors |= as_serializer_error(error)
        if errors:
            raise ValidationError(errors)
        return values

    def read(self) -> dict[str, Any]:
        """Return the values. Raises InvalidParametersError."""
        if not self.is_valid():
            raise InvalidParametersError(dict(_by_path(self.errors)))
        return self.validated_data

    def _unknown(self, name: str, value: Any, index: int) -> str:
        if "files" in self.fields and _are_files(value):
            return "Send the files in the field “files”."
        known = [name for name in self.fields.keys() if name != "files"]
        names = f"Known parameters: {', '.join(known)}." if known else "This address takes no parameters."
        hint = suggest(name, known) if index < MOST_SUGGESTIONS else ""
        return f"Unknown parameter.{hint} {names}"


class Parameters(StrictSerializer):
    """Query parameters, each of which may occur only once and must not be empty."""

    format = serializers.CharField(required=False)

    def to_internal_value(self, data: QueryDict) -> dict[str, Any]:
        for name, values in data.lists():
            if name in self.fields and len(values) > 1:
                raise ValidationError({name: [f"Expected once, found {len(values)} times."]})
            if name in self.fields and not values[0].strip():
                raise ValidationError({name: ["Expected a value, found none."]})
        return super().to_internal_value(data.dict())


def _by_path(errors: Mapping[Any, Any], path: str = "") -> Iterator[tuple[str, list[str]]]:
    """Yield the messages of each field; the path of a nested field is like ``pair_choices[0].line``."""
    for name, messages in errors.items():
        inner = f"{path}[{name}]" if isinstance(name, int) else f"{path}.{name}" if path else str(name)
        inner = inner.removesuffix(f".{api_settings.NON_FIELD_ERRORS_KEY}")
        if isinstance(messages, Mapping):
            yield from _by_path(messages, inner)
        else:
            yield inner, messages


def _are_files(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, UploadedFile) for item in value)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:100]}…"
