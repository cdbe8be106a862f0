"""Personal data: the fields that contain it, the users with permission to see it, and the masked values for all others.

A model declares personal data in its Listing, with the permission that is required to see each field:
``personal={"email": "experiments.view_email"}``.
"""

import re
from typing import Any, Protocol

from django.core.exceptions import ValidationError
from django.db import models

from datasets.listing import listing_of

MASK = r"^'*(?s:.)?\*{4}(@[^@]*)?$"  # the result of masked(), optionally with the apostrophes of formula escaping
MASK_MARK = "masked_columns"  # the column that names the masked columns of an export
_MASK = re.compile(MASK)


class Viewer(Protocol):
    """A signed-in or anonymous user of the site."""

    def has_perm(self, perm: str, /) -> bool:
        """Return whether the user has the permission."""


def personal_names(model: type[models.Model]) -> frozenset[str]:
    """Return the names of the fields of *model* that contain personal data."""
    return frozenset(listing_of(model).personal)


def permission_for(field: models.Field[Any, Any]) -> str | None:
    """Return the permission that is required to see *field*, or None if it is not personal data."""
    return listing_of(field.model).personal.get(field.name)


def hidden_fields(model: type[models.Model], user: Viewer) -> dict[str, str]:
    """Return the fields of *model* that are hidden from *user*, each with the missing permission."""
    fields = listing_of(model).personal
    return {name: permission for name, permission in fields.items() if not user.has_perm(permission)}


def masked(value: str | None) -> str | None:
    """Return the e-mail address *value* in masked form.

    Only its first letter and its domain are visible: ``a****@example.com``. The number of asterisks is always the same,
    so it does not reveal the length.
    """
    if not value:
        return value
    name, at, domain = value.rpartition("@")
    return f"{name[:1]}****@{domain}" if at else "****"


def refuse_masked(value: str | None) -> None:
    """Raise ValidationError for a masked value. Forms with personal data use this validator."""
    if isinstance(value, str) and _MASK.match(value.strip()):
        raise ValidationError("This value is masked. Enter the full value.", code="masked")


def masked_name(name: str) -> str:
    """Return the name of a file with masked values: ``users.csv.gz`` becomes ``users.masked.csv.gz``."""
    stem, dot, suffixes = name.lstrip(".").partition(".")
    if "masked" in re.split(r"[\W_]+", name.lower()):
        return name
    return f"{name[: len(name) - len(name.lstrip('.'))]}{stem}.masked{dot}{suffixes}"
