"""The rows of people.csv: new ones, or those of the last file after a few edits."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from typing import Any

from hypothesis import strategies as st

from tests.model.edited_rows import MANY
from tests.model.values import NAMES, PERSON, PLACES, ROWS

ANY = st.integers(0, 99)
# Edit a cell, leave a row out, add or repeat one, move one to another line, or set a column of most rows.
EDITS = st.lists(
    st.tuples(st.sampled_from(["cell"] * 5 + ["leave out", "add", "repeat", "move", "column"]), ANY, ANY), max_size=3
)


def distinct_people(count: int, numbers: Iterator[int]) -> list[dict[str, Any]]:
    """Return people whose names and dates are unique; *numbers* yields unused numbers."""
    return [
        {
            "given_name": f"{NAMES[number % 10]}{number}",
            "family_name": f"{NAMES[number // 10 % 10]}son{number}",
            "date_of_birth": str(date(1700, 1, 1) + timedelta(days=37 * number)),
            "place_of_birth": PLACES[number % 2],
        }
        for number in islice(numbers, count)
    ]


def people_rows(data: st.DataObject, last: list[dict[str, Any]], numbers: Iterator[int]) -> list[dict[str, Any]]:
    """Return the rows of the next people.csv; *last* are those of the last one."""
    kind = data.draw(st.sampled_from(["edited"] * 8 + ["distinct", "any"]), label="rows")
    if kind == "distinct":
        return distinct_people(MANY, numbers)
    if kind == "any" or len(last) < 2:
        return data.draw(ROWS["people"], label="people")
    rows = [dict(row) for row in last]
    for edit, which, other in data.draw(EDITS, label="edits"):
        _edit(data, rows, edit, which, other)
    return rows


def _edit(data: st.DataObject, rows: list[dict[str, Any]], edit: str, which: int, other: int) -> None:
    row, column = rows[which % len(rows)], list(PERSON)[other % len(PERSON)]
    match edit:
        case "cell":
            row[column] = data.draw(PERSON[column], label=column)
        case "leave out" if len(rows) > 1:
            rows.remove(row)
        case "add":
            rows.insert(other % len(rows), data.draw(st.fixed_dictionaries(PERSON), label="row"))
        case "repeat":
            rows.insert(other % len(rows), dict(row))
        case "move":
            rows.remove(row)
            rows.insert(other % (len(rows) + 1), row)
        case "column":
            for row in rows[1 + which % 2 :]:
                row[column] = data.draw(PERSON[column], label=column)
