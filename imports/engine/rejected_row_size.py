"""Size limits of stored rejected rows: enough to recognise the row, however large it is."""

import csv
import io
from dataclasses import replace

from imports.models import Problem
from imports.row_problems import Rejection

MOST_OF_ROW = 32_768  # maximum characters of a row that is stored cell by cell
MOST_OF_TEXT = 10_000  # maximum characters to store of a longer row, as text
MOST_OF_VALUE = 1_000  # maximum characters of the value or message of a problem


def bounded(rejection: Rejection) -> Rejection:
    """Return the rejection shortened to the size limits.

    A row that is too long is stored as the beginning of its text, like a row that cannot be split into cells. No single
    cell is shortened, because a curator could fix another cell of the row and import the shortened value.
    """
    values = rejection.values
    if isinstance(values, dict):
        if sum(len(heading) + len(cell or "") for heading, cell in values.items()) > MOST_OF_ROW:
            values = _cut(_as_text(values), MOST_OF_TEXT)
    else:
        values = _cut(values, MOST_OF_ROW)
    problems = [
        Problem(
            column=problem["column"],
            value=_cut(problem["value"], MOST_OF_VALUE) if isinstance(problem["value"], str) else problem["value"],
            message=_cut(problem["message"], MOST_OF_VALUE),
        )
        for problem in rejection.problems
    ]
    return replace(rejection, values=values, problems=problems)


def _as_text(values: dict[str, str | None]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values.values())
    return line.getvalue()


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    return f"{text[:most]} … ({len(text):,} characters in total)"
