"""Sorting long lists: the columns whose index gives the order, and a time limit for the others.

The lists read the keys of a page first, and then its records with all columns and joins. So the database sorts keys
instead of whole rows, and skips the keys of earlier pages instead of their rows.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db import connections, models
from django.db.models import F, Func
from django.db.models.expressions import OrderBy

from datasets.fields import related_model
from datasets.models import Vocabulary
from datasets.sql.query_timeout import QueryTimeError, limited

LARGE = 1_000_000  # records; up to this number, any column is quick to sort by
SLOW_SECONDS = 5  # time limit for sorting a larger list by a column without an index
SLOW = "slow for this size"


class SlowOrderError(QueryTimeError):
    """A large list could not be sorted within SLOW_SECONDS by a column without an index."""


@cache
def quick_columns(model: type[models.Model]) -> frozenset[str]:
    """Return the names of the columns by which a list of any size can be sorted: those that begin an index.

    A column with few values is not among them, because the database sorts all records with the same value by their key.
    """
    firsts = {index.fields[0] for index in model._meta.indexes if type(index) is models.Index and not index.condition}
    firsts |= {
        unique.fields[0]
        for unique in model._meta.constraints
        if isinstance(unique, models.UniqueConstraint) and unique.fields and not unique.condition
    }
    quick = {"pk", model._meta.pk.name, model._meta.pk.attname}
    for field in model._meta.concrete_fields:
        is_first = field.unique or getattr(field, "db_index", False) or field.name in firsts
        if is_first and not (field.choices or isinstance(field, models.BooleanField)):
            quick.add(field.attname)  # a reference itself is sorted by the related record
    return frozenset(quick)


def is_quick(model: type[models.Model], order: Any) -> bool:
    """Return whether a list of any size can be sorted by *order*, an argument of order_by()."""
    return isinstance(order, str) and order.removeprefix("-") in quick_columns(model)


def order_of_keys(records: models.QuerySet[Any], order: Iterable[Any]) -> list[Any]:
    """Return *order*, the arguments of order_by(), with each name of a term replaced by the position of the term.

    PostgreSQL would otherwise read the terms in order and search all records for each of them, which takes twice as
    long as sorting all records by the positions. Names are unique, so the order is the same.
    """
    if connections[records.db].vendor != "postgresql":
        return list(order)
    return [_by_position(records.model, key) or key for key in order]


def _by_position(model: type[models.Model], key: Any) -> OrderBy | None:
    """Return *key* by the position of a term, or None if it does not sort by the name of a term."""
    if isinstance(key, str):
        path, found = key.removeprefix("-"), OrderBy(F(key.removeprefix("-")), descending=key.startswith("-"))
    elif isinstance(key, OrderBy) and isinstance(key.expression, F):
        path, found = str(vars(key.expression)["name"]), key
    else:
        return None
    reference, _, name = path.partition("__")
    field = next((field for field in model._meta.concrete_fields if field.name == reference), None)
    if not isinstance(field, models.ForeignKey) or not issubclass(terms := related_model(field), Vocabulary):
        return None
    if name != "name" and (name or list(terms._meta.ordering or ()) != ["name"]):
        return None
    ordered = ArraySubquery(terms._default_manager.order_by("name").values("pk"))
    position = Func(ordered, F(field.attname), function="array_position", output_field=models.IntegerField())
    return OrderBy(position, found.descending, found.nulls_first, found.nulls_last)


def read_slowly_sorted(keys: models.QuerySet[Any]) -> list[Any]:
    """Return the primary keys of *keys*, a page of a list that is slow to sort. Raises SlowOrderError."""
    seconds = slow_seconds()
    try:
        with limited(seconds):
            return list(keys.values_list("pk", flat=True))
    except QueryTimeError:
        raise SlowOrderError(seconds) from None


def slow_seconds() -> float:
    """Return the time limit for a slow order, in seconds."""
    return min(SLOW_SECONDS, settings.QUERY_SECONDS or SLOW_SECONDS)
