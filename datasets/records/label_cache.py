"""What the records that others refer to are called, kept in memory: a page of a list joins no table for its names."""

from collections.abc import Iterable
from typing import Any

from django.db import models

LIMIT = 100_000  # records remembered of a table, after which it begins anew

_names: dict[type[models.Model], set[str]] = {}  # that a vocabulary has had
_known: dict[tuple[type[models.Model], tuple[str, ...]], tuple[str, dict[Any, tuple]]] = {}


def labels(model: type[models.Model], paths: tuple[str, ...], keys: Iterable[Any], version: str) -> dict[Any, tuple]:
    """Return what the records of *model* with *keys* have at *paths*, by key: remembered, or with one query.

    *version* is of what is shown and was read before it: what was remembered under another one is forgotten.
    """
    remembered, known = _known.get((model, paths), ("", {}))
    if remembered != version or len(known) > LIMIT:
        known = {}
        _known[model, paths] = version, known
    unknown = {key for key in keys if key is not None and key not in known}
    if unknown:
        found = model._base_manager.filter(pk__in=unknown).values_list("pk", *paths)
        known.update((key, values) for key, *values in found)
    return known


def is_known(vocabulary: type[models.Model], name: str) -> bool:
    """Tell whether *vocabulary* has *name*: with a query only where it was not seen there before."""
    seen = _names.setdefault(vocabulary, set())
    if name not in seen and vocabulary._base_manager.filter(name=name).exists():
        if len(seen) >= LIMIT:
            seen.clear()
        seen.add(name)
    return name in seen


def forget() -> None:
    """Forget everything."""
    _known.clear()
    _names.clear()
