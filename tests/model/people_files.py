"""The rows of people.csv: new ones, or those of the last file after a few edits."""

from typing import Any

from hypothesis import strategies as st

from tests.model.values import PERSON, ROWS

ANY = st.integers(0, 99)
# Edit a cell, leave a row out, add or repeat one, move one to another line, or set a column of most rows.
EDITS = st.lists(
    st.tuples(st.sampled_from(["cell"] * 5 + ["leave out", "add", "repeat", "move", "column"]), ANY, ANY), max_size=3
)


def people_rows(data: st.DataObject, last: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of the next people.csv; *last* are those of the last one."""
    if len(last) < 2 or not data.draw(st.sampled_from([0, 1, 1, 1, 1])):
        return data.draw(ROWS["people"], label="people")
    rows = [dict(row) for row in last]
    for edit, which, other in data.draw(EDITS, label="edits"):
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
    return rows
