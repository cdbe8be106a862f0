"""Split long lists of values into chunks, so that a query has a limited number of parameters."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.db import models

AT_ONCE = 500  # values in one query


def chunks(values: Iterable[Any], size: int = AT_ONCE) -> Iterator[list[Any]]:
    """Yield *values* in lists of at most *size*."""
    values = iter(values)
    while chunk := list(islice(values, size)):
        yield chunk


def values_by_key(records: models.QuerySet[Any], keys: Iterable[Any], field: str) -> dict[Any, Any]:
    """Return the values of *field* by primary key, for the records with *keys* that exist."""
    values: dict[Any, Any] = {}
    for chunk in chunks(keys):
        values.update(records.filter(pk__in=chunk).values_list("pk", field))
    return values
