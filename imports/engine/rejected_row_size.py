"""The size of what is stored of a rejected row: enough to know it by, however much its file holds."""

import csv
import io
from dataclasses import replace
from typing import Any

from imports.validation import Rejection

MOST_OF_ROW = 32_768  # characters of a row that is stored cell by cell
MOST_OF_TEXT = 10_000  # characters of the text that is stored of a longer row
MOST_OF_VALUE = 1_000  # characters of a value, or of a message, of one problem


def bounded(rejection: Rejection) -> Rejection:
    """Return the rejection in the size in which it is stored.

    A row that is too long is stored as the beginning of its text, like one that cannot be split into cells: no cell
    is stored shortened, because a curator could correct another cell of the row and import it so.
    """
    values = rejection.values
    if isinstance(values, dict):
        if sum(len(heading) + len(cell or "") for heading, cell in values.items()) > MOST_OF_ROW:
            values = _cut(_as_text(values), MOST_OF_TEXT)
    else:
        values = _cut(values, MOST_OF_ROW)
    problems = [
        {name: _cut(value, MOST_OF_VALUE) if name != "column" else value for name, value in problem.items()}
        for problem in rejection.problems
    ]
    return replace(rejection, values=values, problems=problems)


def _as_text(values: dict[str, str | None]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values.values())
    return line.getvalue()


def _cut(text: Any, most: int) -> Any:
    if not isinstance(text, str) or len(text) <= most:
        return text
    return f"{text[:most]} … ({len(text):,} characters in all)"
