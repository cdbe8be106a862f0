"""Vocabularies during an import: their existing and new terms, with the primary key of each term."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
from django.db import connection, models

from datasets.text import visible, without_format
from imports.fingerprints import text_term

DASH = "Pd"  # Unicode's category of hyphens and dashes
SHOWN = 20  # near-duplicates to list


class TermIndex:
    """An index of the terms of a vocabulary.

    The position of a term is constant during a run. The validator adds new terms. The pipeline assigns their keys,
    because only the pipeline uses the database connection.
    """

    def __init__(self, model: type[models.Model], column: str, attributes: Iterable[str] = ()):
        self.model, self.column, self.attributes = model, column, tuple(attributes)
        self.positions: dict[str, int] = {}
        self.names: list[str] = []
        self.details: list[list[Any]] = []  # the attributes of each term, None if unknown
        self.terms: list[tuple[int, int]] = []
        self.keys: list[int] = []
        self.used: set[int] = set()  # positions of the terms of all rows that the pipeline has written
        self.moved: dict[int, int] = {}  # reserved keys of new terms that were stored under another key
        self.known = 0
        for key, name, *details in model._default_manager.order_by("pk").values_list("pk", "name", *self.attributes):
            self.position(name, details)
            self.keys.append(key)
        self.known = len(self.keys)

    def position(self, name: str, details: list[Any] | None = None) -> int:
        """Return the position of *name*, which is added if it is a new term."""
        if name not in self.positions:
            self.positions[name] = len(self.names)
            self.terms.append(text_term(self.column, name))
            self.details.append(details or [None] * len(self.attributes))
            self.names.append(name)
        return self.positions[name]

    def keys_so_far(self) -> np.ndarray:
        """Return the primary key of each term, after reserving keys for new terms."""
        new = len(self.names) - len(self.keys)
        if new:
            self.keys += self.reserve_keys(new)
        return np.array(self.keys, np.int64)

    @property
    def used_keys(self) -> set[int]:
        """The primary keys of the terms of all rows that the pipeline has written."""
        return {self.keys[position] for position in self.used}

    def new(self) -> dict[int, str]:
        """Return the new terms by their reserved keys."""
        return dict(zip(self.keys[self.known :], self.names[self.known :], strict=False))

    def near_duplicates(self, added: Collection[int]) -> list[str]:
        """Return a message for each term that has a key in *added* and is a near-duplicate of another term.

        Near-duplicates differ only in case, accents, separators (dashes of any kind), full stops or invisible
        characters.
        """
        if not added:
            return []
        alike: dict[str, list[tuple[str, bool]]] = {}
        for index, (key, name) in enumerate(zip(self.keys, self.names, strict=False)):
            if index < self.known or key in added:  # skip terms that occur only in rejected rows
                alike.setdefault(_letters(name), []).append((name, key in added))
        pairs = []
        for letters, terms in alike.items():
            first, others = terms[0][0], [name for name, is_new in terms[1:] if is_new]
            pairs += [(other, first) for other in others if letters]
        table = self.model._meta.db_table
        notes = [
            f'The new term "{visible(new)}" of {table} is a near-duplicate of "{visible(old)}". If both mean the same, '
            "use one spelling in the file."
            for new, old in pairs[:SHOWN]
        ]
        return notes + [f"Other near-duplicate terms of {table}: {len(pairs) - SHOWN:,}."] * (len(pairs) > SHOWN)

    def reserve_keys(self, count: int) -> list[int]:
        table, pk = self.model._meta.db_table, self.model._meta.pk.column
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(
                    "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)", [table, pk, count]
                )
                return [key for (key,) in cursor.fetchall()]
            cursor.execute(f'SELECT coalesce(max("{pk}"), 0) FROM "{table}"')
            first = max([cursor.fetchone()[0], *self.keys]) + 1
            return list(range(first, first + count))


def nearly_the_same(model: type[models.Model], name: str) -> list[str]:
    """Return the terms of a vocabulary of which *name* is a near-duplicate."""
    letters = _letters(name)
    others = model._default_manager.exclude(name=name).order_by("pk").values_list("name", flat=True)
    return [other for other in others.iterator() if letters and _letters(other) == letters]


def _letters(term: str) -> str:
    """Return the normalized form of a term, which is the same for near-duplicates."""
    folded = unicodedata.normalize("NFKD", without_format(term)).casefold()
    letters = "".join(c for c in folded if not unicodedata.combining(c) and unicodedata.category(c) != DASH)
    return re.sub(r"[\s_.'’\u2212]+", "", letters)
