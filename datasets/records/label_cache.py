"""A process-local cache of the display labels of related records, so that lists need no joins for labels."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import models

LIMIT = 100_000  # maximum number of cached records of a table before the cache is cleared

_names: dict[type[models.Model], set[str]] = {}  # the known terms of each vocabulary
_known: dict[tuple[type[models.Model], tuple[str, ...]], tuple[str, dict[Any, Sequence[Any]]]] = {}


def labels(
    model: type[models.Model], paths: tuple[str, ...], keys: Iterable[Any], version: str
) -> dict[Any, Sequence[Any]]:
    """Return the values at *paths* of the records of *model* with *keys*, by key, from the cache or with one query.

    *version* was read before the rows. Cache entries of other versions are discarded.
    """
    cached_version, known = _known.get((model, paths), ("", {}))
    if cached_version != version or len(known) > LIMIT:
        known = {}
        _known[model, paths] = version, known
    unknown = {key for key in keys if key is not None and key not in known}
    if unknown:
        rows = model._base_manager.filter(pk__in=unknown).values_list("pk", *paths)
        known.update((key, values) for key, *values in rows)
    return known


def is_known(vocabulary: type[models.Model], name: str) -> bool:
    """Return whether *vocabulary* has the term *name*. Query the database only if the term is not in the cache."""
    seen = _names.setdefault(vocabulary, set())
    if name not in seen and vocabulary._base_manager.filter(name=name).exists():
        if len(seen) >= LIMIT:
            seen.clear()
        seen.add(name)
    return name in seen


def forget() -> None:
    """Clear the cache."""
    _known.clear()
    _names.clear()
