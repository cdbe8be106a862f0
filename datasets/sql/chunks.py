"""Long lists of values, asked for in parts: no query has more parameters because a file is longer."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.db import models

AT_ONCE = 500  # values in a query


def chunks(values: Iterable[Any], size: int = AT_ONCE) -> Iterator[list[Any]]:
    """Yield *values* in lists of at most *size*."""
    values = iter(values)
    while chunk := list(islice(values, size)):
        yield chunk


def values_by_key(records: models.QuerySet, keys: Iterable[Any], field: str) -> dict[Any, Any]:
    """Return what the records with the primary *keys* have in *field*, by key; those that are gone are left out."""
    found: dict[Any, Any] = {}
    for chunk in chunks(keys):
        found.update(records.filter(pk__in=chunk).values_list("pk", field))
    return found
