"""Parse numbers, dates and lists in requests strictly, for parameters, filters, URLs and page numbers.

Numbers are written as ``39``, ``-2``, ``1.5`` or ``1e-06``: without leading zeros, plus signs, spaces or underscores,
and only with the digits 0 to 9. Dates are written as ``2023-05-01``. Commas separate the values of a list. A value that
contains a comma must be in quotes, as in CSV: ``Peru,"Korea, Republic of"``.
"""

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from math import isfinite

LARGEST = 2**63 - 1  # the largest integer that a column can store on both engines
SHOWN = 100  # characters of a value in an error message
WHOLE = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
NUMBER = re.compile(r"(?=.{1,40}\Z)-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
VALUE = re.compile(r'"(?P<quoted>(?:[^"]|"")*)"(?=,|\Z)|(?P<plain>[^",][^,]*|)(?=,|\Z)')


def whole_number(text: str, least: int = -LARGEST, most: int = LARGEST) -> int:
    """Return *text* as an integer from *least* to *most*. Raises ValueError."""
    if not WHOLE.fullmatch(text) or not least <= int(text) <= most:
        raise ValueError(f"Expected a whole number between {least} and {most}, found {shown(text)}.")
    return int(text)


def is_whole_number(text: str) -> bool:
    """Return whether *text* is an integer that a column can store."""
    return WHOLE.fullmatch(text) is not None and abs(int(text)) <= LARGEST


def decimal_number(text: str) -> Decimal:
    """Return *text*, a number in JSON syntax, as a Decimal.

    Raises ValueError if it is invalid or too large for a float.
    """
    if not NUMBER.fullmatch(text) or not isfinite(float(text)):
        raise ValueError(f"Expected a number, found {shown(text)}.")
    return Decimal(text)


def day(text: str) -> date:
    """Return *text* as a date. Raises ValueError."""
    try:
        if DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # such as 2023-02-30
    raise ValueError(f"Expected a date such as 2023-05-01, found {shown(text)}.")


def values_in(text: str) -> list[str]:
    """Return the values of a comma-separated list. Raises ValueError for an empty value or an unclosed quote."""
    values, position = [], 0
    while True:
        match = VALUE.match(text, position)
        if match is None:
            raise ValueError(
                'A quoted value must end with a quote before the next comma: "a, b",c. '
                'Double each quote inside it: "5"" pipe".'
            )
        quoted = match["quoted"]
        value = match["plain"] if quoted is None else quoted.replace('""', '"')
        if not value.strip():
            raise ValueError("Expected a value before and after each comma, found none.")
        values.append(value)
        if match.end() == len(text):
            return values
        position = match.end() + 1


def listed(text: str) -> list[str]:
    """Return the values of a list for display, or *text* itself if it is not a valid list."""
    try:
        return values_in(text)
    except ValueError:
        return [text]


def list_of(values: Iterable[str]) -> str:
    """Return *values* as a comma-separated list, with quotes around values that need them."""
    return ",".join(
        '"' + value.replace('"', '""') + '"' if "," in value or value[:1] == '"' or value != value.strip() else value
        for value in values
    )


def shown(text: str) -> str:
    """Return *text*, truncated, for an error message, or "none" for an empty string."""
    return (text if len(text) <= SHOWN else f"{text[:SHOWN]}…") or "none"
