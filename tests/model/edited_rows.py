"""The rows of people.csv that are beyond doubt edited versions of missing people, as a curator would say."""

from collections import Counter
from collections.abc import Iterable
from itertools import combinations
from typing import Any

from tests.model.tables import Rec

TELLING = ("given_name", "family_name", "date_of_birth")
COLUMNS = (*TELLING, "place_of_birth")
MANY = 16  # people with a value that nobody else has, for each value that several share and one more

New = dict[int, tuple[Any, dict[str, Any]]]  # the key and the values of each new row, by line


def edited_rows(new: New, missing: dict[Any, Rec], people: Iterable[Rec]) -> dict[int, Any]:
    """Return the record of each row that differs from it in one cell, if no other row or record is like them.

    Names and dates must tell people apart: many people, and nearly all of them, have their own. The two or three that
    are left in the row must be the record's own.
    """
    holders = {name: Counter(rec.values[name] for rec in people) for name in TELLING}
    if not all(map(_tells_apart, holders.values())):
        return {}
    filed = {pk: {name: rec.file_value(name) for name in COLUMNS} for pk, rec in missing.items()}
    if any(len(_equal(one, other)) >= len(COLUMNS) - 1 for one, other in combinations(filed.values(), 2)):
        return {}
    equal = {(line, pk): _equal(values, filed[pk]) for line, (_, values) in new.items() for pk in filed}
    result = {}
    for (line, pk), names in equal.items():
        others = (other for pair, other in equal.items() if (pair[0] == line) != (pair[1] == pk))
        own = [name for name in names if name in TELLING and holders[name][filed[pk][name]] <= 1]
        if len(names) == len(COLUMNS) - 1 and all(len(other) < 2 for other in others) and len(own) >= 2:
            result[line] = pk
    return result


def _tells_apart(counts: Counter) -> bool:
    own = sum(count == 1 for count in counts.values())
    return own >= MANY * (1 + len(counts) - own)


def _equal(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return [name for name in COLUMNS if one[name] == other[name]]
