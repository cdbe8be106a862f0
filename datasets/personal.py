"""Personal data: which fields hold them, who may see them, and what everybody else sees.

A model says so itself: ``personal_fields = {"email": "experiments.view_email"}``, each field with the permission
that shows it.
"""

from django.db import models


def permission_for(field: models.Field) -> str | None:
    """Return the permission that shows *field*, or None where everybody may see it."""
    return getattr(field.model, "personal_fields", {}).get(field.name)


def hidden_fields(model: type[models.Model], user) -> dict[str, str]:
    """Return the fields of *model* that *user* may not see, each with the permission that would show it."""
    fields = getattr(model, "personal_fields", {})
    return {name: permission for name, permission in fields.items() if not user.has_perm(permission)}


def masked(value: str | None) -> str | None:
    """Return what is shown instead of an address: its first letter and its domain, ``a****@example.com``.

    As many stars for every address, so that they do not tell its length.
    """
    if not value:
        return value
    name, at, domain = value.rpartition("@")
    return f"{name[:1]}****@{domain}" if at else "****"
