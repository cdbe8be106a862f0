"""Texts that a curator types: held to the same rules as the texts of files."""

from django import forms
from django.core.exceptions import ValidationError

from datasets.text import clean, is_unseen


class TextField(forms.CharField):
    """A text in NFC, without spaces of any kind at its ends, of which a reader can see something."""

    def to_python(self, value):
        text = super().to_python(value)
        if isinstance(text, str) and is_unseen(text):
            raise ValidationError("Type a text that can be seen: this one holds only invisible characters.")
        return clean(text) if isinstance(text, str) else text
