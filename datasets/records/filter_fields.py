"""What the filters of a list take: texts in NFC, numbers and dates in one spelling, lists of bounded length."""

from typing import Any

import django_filters
from django import forms
from django.db import models

from datasets.query_values import day, decimal_number, is_whole_number, shown, values_in
from datasets.records.label_cache import is_known
from datasets.records.search import MOST_WORDS, words_of
from datasets.suggestions import closest, did_you_mean
from datasets.text import clean

MOST_VALUES = 500  # of one list, such as id__in
TEXTS = (forms.CharField, forms.ChoiceField)
MOST_NAMES = 1000  # of a vocabulary, among which the nearest is looked for


class SeveralWidget(django_filters.widgets.BaseCSVWidget, forms.TextInput):
    """Takes each time that a parameter comes: a list that came once is split by its field."""

    def value_from_datadict(self, data, files, name) -> list[str]:
        return data.getlist(name) if hasattr(data, "getlist") else [data[name]] if name in data else []


class SeveralField(django_filters.fields.BaseCSVField):
    """Values with commas between them, none of which is empty; or the parameter repeated, a whole value each time.

    Numbers and dates hold no commas, so that each of several may be a list of them.
    """

    widget = SeveralWidget

    def clean(self, value: list[str]) -> list[Any] | None:
        found = []
        try:
            for text in value:
                found += [text] if len(value) > 1 and isinstance(self, TEXTS) else values_in(text)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        if len(found) > MOST_VALUES:
            raise forms.ValidationError(f"Expected at most {MOST_VALUES} values, found {len(found)}.")
        return super().clean(list(dict.fromkeys(found)))


class ComposedField(forms.CharField):
    """A text, cleaned as stored texts are."""

    def to_python(self, value):
        return clean(super().to_python(value))


class LabelField(ComposedField):
    """The name of a record of a vocabulary: a small table, so that one which is not in it is told, and what is near."""

    def __init__(self, *, vocabulary: type[models.Model], **options):
        super().__init__(**options)
        self.vocabulary = vocabulary

    def clean(self, value):
        value = super().clean(value)
        if value and not is_known(self.vocabulary, value):
            names = list(self.vocabulary._default_manager.values_list("name", flat=True)[:MOST_NAMES])
            same = [name for name in names if name.casefold() == value.casefold()]
            hint = did_you_mean(closest(value, names) or next(iter(same), None))
            hint = hint or (f" There are: {', '.join(names[:20])}." if names else "")
            several = self.vocabulary._meta.verbose_name_plural
            raise forms.ValidationError(f"There is no {shown(value)} among the {several}.{hint}")
        return value


class SearchField(ComposedField):
    """The words of a search, of which there are only a few: the database looks for each."""

    def clean(self, value):
        value = super().clean(value)
        if (found := len(words_of(value))) > MOST_WORDS:
            raise forms.ValidationError(f"Expected at most {MOST_WORDS} words, found {found}.")
        return value


class Telling(forms.Field):
    """A field that tells, with what it expected, what it found."""

    def clean(self, value):
        try:
            return super().clean(value)
        except forms.ValidationError as error:
            found = f", found {shown(str(value))}."
            raise forms.ValidationError([text.removesuffix(".") + found for text in error.messages]) from None


class WholeNumberField(Telling, forms.IntegerField):
    """A whole number as it is written out; one that is too large is told apart from what is no number."""

    def to_python(self, value):
        if value in self.empty_values:
            return None
        digits = value.removeprefix("-")
        if is_whole_number(value):
            return int(value)
        if digits.isascii() and digits.isdigit() and digits[0] != "0":
            limit, name = (self.max_value, "max_value") if digits == value else (self.min_value, "min_value")
            raise forms.ValidationError(self.error_messages[name] % {"limit_value": limit})
        raise forms.ValidationError(self.error_messages["invalid"])


class DecimalNumberField(Telling, forms.FloatField):
    """A number as JSON has it."""

    def to_python(self, value):
        try:
            return None if value in self.empty_values else float(decimal_number(value))
        except ValueError:
            raise forms.ValidationError(self.error_messages["invalid"]) from None


class DayField(Telling, forms.DateField):
    """A date: year, month and day."""

    def to_python(self, value):
        try:
            return None if value in self.empty_values else day(value)
        except ValueError:
            raise forms.ValidationError(self.error_messages["invalid"]) from None
