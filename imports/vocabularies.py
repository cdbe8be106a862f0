"""Look-up tables while a file is read: which values there are, which are new, and the key of each."""

import re
import unicodedata
from collections.abc import Collection, Iterable

import numpy as np
from django.db import connection, models

from datasets.text import visible, without_format
from imports.fingerprints import text_term

DASH = "Pd"  # Unicode's category of hyphens and dashes of all kinds
SHOWN = 20  # pairs of terms that are nearly the same


class Vocabulary:
    """The values of one look-up table, each with a position that does not change while a run lasts.

    The checker adds values that are new; the loader, which alone speaks to the database, gives them keys.
    """

    def __init__(self, model: type[models.Model], column: str, attributes: Iterable[str] = ()):
        self.model, self.column, self.attributes = model, column, tuple(attributes)
        self.positions: dict[str, int] = {}
        self.names: list[str] = []
        self.details: list[list] = []  # the attributes of each value; None where not known yet
        self.terms: list[tuple[int, int]] = []
        self.keys: list[int] = []
        self.known = 0
        for key, name, *details in model.objects.order_by("pk").values_list("pk", "name", *self.attributes):
            self.position(name, details)
            self.keys.append(key)
        self.known = len(self.keys)

    def position(self, name: str, details: list | None = None) -> int:
        """Return the position of *name*, which is made where it is new."""
        if name not in self.positions:
            self.positions[name] = len(self.names)
            self.terms.append(text_term(self.column, name))
            self.details.append(details or [None] * len(self.attributes))
            self.names.append(name)
        return self.positions[name]

    def keys_so_far(self) -> np.ndarray:
        """Return the primary key of each value; those of new values are set aside for them now."""
        new = len(self.names) - len(self.keys)
        if new:
            self.keys += self._set_aside(new)
        return np.array(self.keys, np.int64)

    def new(self) -> dict[int, str]:
        """Return the values that the table did not hold, by the key set aside for them."""
        return dict(zip(self.keys[self.known :], self.names[self.known :], strict=False))

    def near_duplicates(self, added: Collection[int]) -> list[str]:
        """Return a sentence for each term, new with one of the keys *added*, that another is nearly the same as.

        Such terms differ only in capitals, accents, separators (dashes of any kind), a full stop or what nobody sees.
        """
        if not added:
            return []
        alike: dict[str, list[tuple[str, bool]]] = {}
        for place, (key, name) in enumerate(zip(self.keys, self.names, strict=False)):
            if place < self.known or key in added:  # a term that only rejected rows have is none
                alike.setdefault(_letters(name), []).append((name, key in added))
        told = []
        for letters, terms in alike.items():
            first, others = terms[0][0], [name for name, is_new in terms[1:] if is_new]
            told += [(other, first) for other in others if letters]
        table = self.model._meta.db_table
        notes = [
            f'The new term "{visible(new)}" of {table} is a near-duplicate of "{visible(old)}". If both mean the same, '
            "write it in one way in the file."
            for new, old in told[:SHOWN]
        ]
        return notes + [f"{len(told) - SHOWN:,} more terms of {table} are near-duplicates."] * (len(told) > SHOWN)

    def _set_aside(self, count: int) -> list[int]:
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
    """Return the terms of a vocabulary that *name* is a near-duplicate of."""
    letters = _letters(name)
    others = model._default_manager.exclude(name=name).order_by("pk").values_list("name", flat=True)
    return [other for other in others.iterator() if letters and _letters(other) == letters]


def _letters(term: str) -> str:
    """Return what a term has in common with all that are nearly the same."""
    folded = unicodedata.normalize("NFKD", without_format(term)).casefold()
    letters = "".join(c for c in folded if not unicodedata.combining(c) and unicodedata.category(c) != DASH)
    return re.sub(r"[\s_.'’\u2212]+", "", letters)
