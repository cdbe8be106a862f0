"""Rules that a value keeps beyond its type, for a model's fields: the admin's forms and imports both hold to them."""

import datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone

# No constraint can say it: the engines do not compare with a clock there. A year such as 0984 is one mistyped.
DAY_OF_BIRTH = (
    MinValueValidator(datetime.date(1000, 1, 1), "Expected a day of the year 1000 or later."),
    MaxValueValidator(timezone.localdate, "Expected a day that has come: %(limit_value)s or before."),
)
