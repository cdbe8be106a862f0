"""How requests spell numbers, dates and lists: one strict parser for parameters, filters, addresses and page numbers.

Each number has one spelling: ``39``, ``-2``, ``1.5``, ``1e-06``; no leading zeros, no plus sign, no spaces, no
underscores, and no digits but 0 to 9. A date is ``2023-05-01``. The values of a list have commas between them; a value
that holds a comma stands in quotes, as in CSV: ``Peru,"Korea, Republic of"``.
"""

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from math import isfinite

LARGEST = 2**63 - 1  # a larger whole number fits no column of either engine
SHOWN = 100  # characters of a refused value that a message shows
WHOLE = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
NUMBER = re.compile(r"(?=.{1,40}\Z)-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
VALUE = re.compile(r'"(?P<quoted>(?:[^"]|"")*)"(?=,|\Z)|(?P<plain>[^",][^,]*|)(?=,|\Z)')


def whole_number(text: str, least: int = -LARGEST, most: int = LARGEST) -> int:
    """Return the whole number, from *least* to *most*, that *text* spells; raises ValueError."""
    if not WHOLE.fullmatch(text) or not least <= int(text) <= most:
        raise ValueError(f"Expected a whole number between {least} and {most}, found {shown(text)}.")
    return int(text)


def is_whole_number(text: str) -> bool:
    """Tell whether *text* spells a whole number that a column can hold."""
    return WHOLE.fullmatch(text) is not None and abs(int(text)) <= LARGEST


def decimal_number(text: str) -> Decimal:
    """Return the number that *text* spells, as in JSON; raises ValueError, also for one that no float can hold."""
    if not NUMBER.fullmatch(text) or not isfinite(float(text)):
        raise ValueError(f"Expected a number, found {shown(text)}.")
    return Decimal(text)


def day(text: str) -> date:
    """Return the date that *text* spells: year, month and day; raises ValueError."""
    try:
        if DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # such as 2023-02-30
    raise ValueError(f"Expected a date such as 2023-05-01, found {shown(text)}.")


def values_in(text: str) -> list[str]:
    """Return the values of a list that has commas between them; raises ValueError for an empty or unclosed one."""
    values, place = [], 0
    while True:
        match = VALUE.match(text, place)
        if match is None:
            raise ValueError(
                'Expected each value that begins with a quote to end with one, before a comma: "a, b",c. '
                'A quote in such a value is doubled: "5"" pipe".'
            )
        quoted = match["quoted"]
        value = match["plain"] if quoted is None else quoted.replace('""', '"')
        if not value.strip():
            raise ValueError("Expected a value before and after each comma, found none.")
        values.append(value)
        if match.end() == len(text):
            return values
        place = match.end() + 1


def listed(text: str) -> list[str]:
    """Return the values of a list, or the whole text where it is no list: for what is only shown."""
    try:
        return values_in(text)
    except ValueError:
        return [text]


def list_of(values: Iterable[str]) -> str:
    """Return *values* as a list with commas between them, in quotes where one needs them."""
    return ",".join(
        '"' + value.replace('"', '""') + '"' if "," in value or value[:1] == '"' or value != value.strip() else value
        for value in values
    )


def shown(text: str) -> str:
    """Return *text* as a message shows it: no more than its beginning."""
    return (text if len(text) <= SHOWN else f"{text[:SHOWN]}…") or "none"
