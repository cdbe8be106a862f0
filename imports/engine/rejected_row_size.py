"""Limit the size of stored rejected rows, but keep enough of each row to recognize it."""

import csv
import io
from dataclasses import replace

from imports.models import Problem
from imports.row_problems import Rejection

MOST_OF_ROW = 32_768  # characters of a row that can be stored cell by cell
MOST_OF_TEXT = 10_000  # characters of a longer row that are stored as text
MOST_OF_VALUE = 1_000  # characters of the value or message of a problem


def bounded(rejection: Rejection) -> Rejection:
    """Return the rejection, truncated to the size limits.

    If a row is too long, the beginning of its text is stored, as for a row that cannot be split into cells. Single
    cells are not truncated, because a curator could fix another cell of the row and import the truncated value.
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
