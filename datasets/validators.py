"""Rules that a value keeps beyond its type, for a model's fields: the admin's forms and imports both hold to them."""

import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone

# No constraint can say it: the engines do not compare with a clock there. A year such as 0984 is one mistyped.
DAY_OF_BIRTH = (
    MinValueValidator(datetime.date(1000, 1, 1), "Expected a day of the year 1000 or later."),
    MaxValueValidator(timezone.localdate, "Expected a day that has come: %(limit_value)s or before."),
)

KINDS = {list: "an array", str: "a text", bool: "true or false", type(None): "null"}  # all others are numbers


def require_object(document: Any) -> None:
    """Raise ValidationError for a JSON document that is no object."""
    if not isinstance(document, dict):
        kind = next((kind for known, kind in KINDS.items() if isinstance(document, known)), "a number")
        raise ValidationError(f"Expected a JSON object ({{…}}), found {kind}.")
