"""Validators of model fields, used by the admin's forms and by imports."""

import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone

# This is not a database constraint, because a constraint cannot use the current date. A year such as 0984 is a typo.
DAY_OF_BIRTH = (
    MinValueValidator(datetime.date(1000, 1, 1), "Expected a date in the year 1000 or later."),
    MaxValueValidator(timezone.localdate, "Expected a date that is not in the future: %(limit_value)s or earlier."),
)

KINDS = {list: "an array", str: "a string", bool: "true or false", type(None): "null"}  # all other values are numbers


def require_object(document: Any) -> None:
    """Raise ValidationError for a JSON document that is not an object."""
    if not isinstance(document, dict):
        kind = next((kind for known, kind in KINDS.items() if isinstance(document, known)), "a number")
        raise ValidationError(f"Expected a JSON object ({{…}}), found {kind}.")
