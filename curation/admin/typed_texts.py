"""Reasons and comments in lists: users who may not see all personal data do not see e-mail addresses in them."""

from collections.abc import Callable
from functools import cache

from django.contrib import admin
from django.db import models

from datasets.records.masking import Viewer
from imports.masking import is_restricted_anywhere, without_addresses


def contains(column: str, word: str, user: Viewer) -> models.Q:
    """Return the condition that a text has *word*; a search must not reveal an address that *user* may not see."""
    condition = models.Q(**{f"{column}__folded_contains": word})
    return condition & ~models.Q(**{f"{column}__contains": "@"}) if is_restricted_anywhere(user) else condition


def text_column(name: str, user: Viewer) -> Callable[[models.Model], str]:
    """Return the column of a list with the text *name* as *user* may read it."""
    return _column(name, hides_addresses=is_restricted_anywhere(user))


@cache  # the admin compares columns by identity
def _column(name: str, *, hides_addresses: bool) -> Callable[[models.Model], str]:
    @admin.display(description=name, empty_value="")
    def column(row: models.Model) -> str:
        text: str = getattr(row, name)
        return without_addresses(text) if hides_addresses else text

    column.__name__ = name
    return column
