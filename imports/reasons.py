"""Reasons: optional explanations by users of their edits, imports and undos."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from datasets.text_fields import TextField
from imports.models import LONGEST_REASON


class ReasonField(TextField):
    """Optional text of at most ``LONGEST_REASON`` characters."""

    def __init__(self, **options: Any):
        super().__init__(required=False, max_length=LONGEST_REASON, **options)


def clean_reason(text: str) -> str:
    """Return *text* as a reason. Raises ValidationError."""
    reason: str = ReasonField().clean(text)
    return reason


def add_reason_argument(parser: ArgumentParser, text: str) -> None:
    """Add the option ``--reason``, with *text* as its help."""
    parser.add_argument("--reason", default="", metavar="TEXT", help=f"{text} (at most {LONGEST_REASON} characters)")


def reason_of_option(text: str) -> str:
    """Return the value of ``--reason``. Raises CommandError if it is not valid."""
    try:
        return clean_reason(text)
    except ValidationError as error:
        raise CommandError(f"--reason: {' '.join(error.messages)} Nothing was changed.") from None
