"""Form fields for text, with the same rules as for imported text."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from datasets.text import clean, is_unseen


class TextField(forms.CharField):
    """Text in NFC, without leading or trailing whitespace and with at least one visible character."""

    def to_python(self, value: Any) -> str | None:
        text = super().to_python(value)
        if isinstance(text, str) and is_unseen(text):
            raise ValidationError("The text contains only invisible characters. Enter visible text.")
        return clean(text) if isinstance(text, str) else text
