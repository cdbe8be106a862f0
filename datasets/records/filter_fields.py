"""Form fields of the filters: text in NFC, numbers and dates in canonical form, and lists of bounded length."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.db import models
from django_filters.fields import BaseCSVField
from django_filters.widgets import BaseCSVWidget

from datasets.query_values import day, decimal_number, is_whole_number, shown, values_in
from datasets.records.label_cache import is_known
from datasets.records.search import MOST_WORDS, words_of
from datasets.suggestions import closest, did_you_mean
from datasets.text import clean

MOST_VALUES = 500  # values in one list, such as id__in
TEXTS = (forms.CharField, forms.ChoiceField)
MOST_NAMES = 1000  # maximum number of a vocabulary's terms to compare for a suggestion


class SeveralWidget(BaseCSVWidget, forms.TextInput):
    """Returns all occurrences of a parameter. If there is only one, the field splits it at its commas."""

    def value_from_datadict(self, data: Mapping[str, Any], files: Mapping[str, Any], name: str) -> list[str]:
        return data.getlist(name) if hasattr(data, "getlist") else [data[name]] if name in data else []


class SeveralField(BaseCSVField):
    """A list of values: one parameter with comma-separated values, or a repeated parameter with one value each.

    Numbers and dates contain no commas, so each occurrence of a repeated parameter may be a list of them.
    """

    widget = SeveralWidget

    def clean(self, value: list[str]) -> Any:
        values: list[str] = []
        try:
            for text in value:
                values += [text] if len(value) > 1 and isinstance(self, TEXTS) else values_in(text)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        if len(values) > MOST_VALUES:
            raise forms.ValidationError(f"Expected at most {MOST_VALUES} values, found {len(values)}.")
        return super().clean(list(dict.fromkeys(values)))


class ComposedField(forms.CharField):
    """Text that is cleaned in the same way as stored text."""

    def to_python(self, value: Any) -> str:
        return clean(super().to_python(value) or "")


class LabelField(ComposedField):
    """A term of a vocabulary. An unknown term is an error, and the message suggests a similar term."""

    def __init__(self, *, vocabulary: type[models.Model], **options: Any):
        super().__init__(**options)
        self.vocabulary = vocabulary

    def clean(self, value: Any) -> str:
        term: str = super().clean(value)
        if term and not is_known(self.vocabulary, term):
            names = list(self.vocabulary._default_manager.values_list("name", flat=True)[:MOST_NAMES])
            same = [name for name in names if name.casefold() == term.casefold()]
            hint = did_you_mean(closest(term, names) or next(iter(same), None))
            hint = hint or (f" Known terms: {', '.join(names[:20])}." if names else "")
            plural = self.vocabulary._meta.verbose_name_plural
            raise forms.ValidationError(f"There is no {shown(term)} among the {plural}.{hint}")
        return term


class SearchField(ComposedField):
    """The words of a search. Their number is limited, because the database searches for each word."""

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        if (count := len(words_of(text))) > MOST_WORDS:
            raise forms.ValidationError(f"Expected at most {MOST_WORDS} words, found {count}.")
        return text


class ValueInErrorMixin(forms.Field):
    """A mixin that adds the received value to error messages."""

    def clean(self, value: Any) -> Any:
        try:
            return super().clean(value)
        except forms.ValidationError as error:
            suffix = f", found {shown(str(value))}."
            raise forms.ValidationError([text.removesuffix(".") + suffix for text in error.messages]) from None


class WholeNumberField(ValueInErrorMixin, forms.IntegerField):
    """An integer in canonical form. The errors for a number out of bounds and for other text are different."""

    def to_python(self, value: Any) -> int | None:
        if value in self.empty_values:
            return None
        digits = value.removeprefix("-")
        if is_whole_number(value):
            return int(value)
        if digits.isascii() and digits.isdigit() and digits[0] != "0":
            limit, name = (self.max_value, "max_value") if digits == value else (self.min_value, "min_value")
            raise forms.ValidationError(self.error_messages[name] % {"limit_value": limit})
        raise forms.ValidationError(self.error_messages["invalid"])


class DecimalNumberField(ValueInErrorMixin, forms.FloatField):
    """A number in JSON syntax."""

    # Django's FloatField is a subclass of IntegerField.
    def to_python(self, value: Any) -> float | None:  # type: ignore[override]
        try:
            return None if value in self.empty_values else float(decimal_number(value))
        except ValueError:
            raise forms.ValidationError(self.error_messages["invalid"]) from None


class DayField(ValueInErrorMixin, forms.DateField):
    """A date: year, month and day."""

    def to_python(self, value: Any) -> date | None:
        try:
            return None if value in self.empty_values else day(value)
        except ValueError:
            raise forms.ValidationError(self.error_messages["invalid"]) from None
