"""The rows of people.csv that are beyond doubt edited versions of missing people, as a curator would say."""

from collections import Counter
from collections.abc import Iterable
from itertools import combinations
from typing import Any

from tests.model.tables import Rec

DISTINCTIVE = ("given_name", "family_name", "date_of_birth")
COLUMNS = (*DISTINCTIVE, "place_of_birth")
MANY = 16  # people with a unique value, for each value that several people share, and as many again

New = dict[int, tuple[Any, dict[str, Any]]]  # the key and the values of each new row, by line


def edited_rows(new: New, missing: dict[Any, Rec], people: Iterable[Rec]) -> dict[int, Any]:
    """Return the record of each row that differs from it in one cell, if no other row or record is like them.

    Names and dates must distinguish people: many people, and nearly all of them, have unique ones. The two or three
    that the row still has must be unique to the record.
    """
    holders = {name: Counter(rec.values[name] for rec in people) for name in DISTINCTIVE}
    if not all(map(_are_distinctive, holders.values())):
        return {}
    filed = {pk: {name: rec.file_value(name) for name in COLUMNS} for pk, rec in missing.items()}
    if any(len(_equal(one, other)) >= len(COLUMNS) - 1 for one, other in combinations(filed.values(), 2)):
        return {}
    equal = {(line, pk): _equal(values, filed[pk]) for line, (_, values) in new.items() for pk in filed}
    result = {}
    for (line, pk), names in equal.items():
        others = (other for pair, other in equal.items() if (pair[0] == line) != (pair[1] == pk))
        own = [name for name in names if name in DISTINCTIVE and holders[name][filed[pk][name]] <= 1]
        if len(names) == len(COLUMNS) - 1 and all(len(other) < 2 for other in others) and len(own) >= 2:
            result[line] = pk
    return result


def _are_distinctive(counts: Counter) -> bool:
    own = sum(count == 1 for count in counts.values())
    return own >= MANY * (1 + len(counts) - own)


def _equal(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return [name for name in COLUMNS if one[name] == other[name]]
