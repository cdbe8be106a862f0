"""Custom SQL functions for SQLite."""

import json
from decimal import Decimal
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from datasets import exact_json
from datasets.sql.casefold import fold_case


def add_functions(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Register the functions on a new SQLite connection."""
    if connection.vendor == "sqlite":
        for name, function in FUNCTIONS.items():
            connection.connection.create_function(name, 1, function, deterministic=True)


def _unhex(digits: str | None) -> bytes | None:
    return None if digits is None else bytes.fromhex(digits)


def _number_text(number: float | int | str | None) -> str | None:
    """Return the shortest text that represents exactly this number. SQLite itself writes only 15 digits."""
    return None if number is None else repr(number) if isinstance(number, float) else str(number)


def _spelled_number(twice: str | None) -> float | int | None:
    """Return the number in *twice*, a JSON list of a number and its copy. SQLite may misread a number's last digit."""
    return None if twice is None else json.loads(twice)[0]


def _spelled_json(twice: str | None) -> str | None:
    """Return the JSON text of the value in *twice*, a compact JSON list of a value and its copy, or None for null."""
    text = twice and twice[1 : (len(twice) - 1) // 2]
    return None if text == "null" else text


def _as_imported(text: str | None) -> str | None:
    """Return JSON text as imports would write it."""
    return None if text is None else exact_json.text(exact_json.loads(text))


def comparable_json(text: str | None) -> str | None:
    """Return the canonical text of a document, independent of whitespace, escapes, key order, and 1.0 versus 1."""
    if text is None:
        return None
    try:
        return repr(json.loads(text, parse_int=_decimal, parse_float=_decimal, object_pairs_hook=_object))
    except (ValueError, RecursionError):  # invalid or too deeply nested JSON is equal only to the same text
        return text


def _decimal(digits: str) -> Decimal:
    """Return the number without trailing zeros. It may have any number of digits."""
    sign, figures, exponent = Decimal(digits).as_tuple()
    rest = "".join(map(str, figures)).rstrip("0")
    if not rest or not isinstance(exponent, int):  # JSON has no NaN or Infinity, whose exponent is not an integer
        return Decimal(0)
    return Decimal((sign, tuple(map(int, rest)), exponent + len(figures) - len(rest)))


def _object(pairs: list[tuple[str, Any]]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(dict(pairs).items()))


FUNCTIONS = {
    "unhex_text": _unhex,
    "fold_case": fold_case,
    "number_text": _number_text,
    "spelled_number": _spelled_number,
    "spelled_json": _spelled_json,
    "json_as_imported": _as_imported,
    "comparable_json": comparable_json,
}

connection_created.connect(add_functions, dispatch_uid="datasets.sql.sqlite_functions")
