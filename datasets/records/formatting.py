"""Human-readable formatting of filters, values and columns, the same in Explore and in the admin."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import models

from datasets import exact_json
from datasets.query_values import list_of, listed
from datasets.records.columns import ListedColumn, columns_of
from datasets.records.filter_widgets import title_of

NUMBERS = (models.IntegerField, models.FloatField)
UNIT = 3  # words: a longer first sentence of a help text is not a unit
LONGEST = 200  # characters of a cell
GROUPED = 10_000
EXACT = 10**15  # above this, a floating-point number has more digits than it can represent
LOOKUPS = {
    "in": "is one of",
    "gte": "≥",
    "lte": "≤",
    "icontains": "contains",
    "istartswith": "begins with",
    "isnull": "is empty",
}


@dataclass(frozen=True)
class FilterDescription:
    """A filter that is set: its query *parameter* and its description."""

    parameter: str
    text: str


def describe_filters(model: type[models.Model], filters: dict[str, str]) -> Iterator[FilterDescription]:
    """Yield a description of each filter, such as ``age ≥ 30`` or ``education is Bachelors``."""
    columns = {column.name: column for column in columns_of(model)}
    for parameter, value in filters.items():
        if parameter == "search":
            yield FilterDescription(parameter, f"search for “{value}”")
            continue
        name, _, lookup = parameter.rpartition("__")
        if lookup not in LOOKUPS:
            name, lookup = parameter, ""
        title = title_of(model, columns[name]) if name in columns else name.replace("_", " ")
        if lookup == "isnull":
            yield FilterDescription(parameter, f"{title} {'is empty' if value == 'true' else 'is not empty'}")
        elif name == "corrected":
            yield FilterDescription(parameter, "has corrections" if value == "true" else "has no corrections")
        else:
            labels = dict(columns[name].field.flatchoices) if name in columns and columns[name].field.choices else {}
            labels |= {"true": "yes", "false": "no"} if name in columns and is_boolean(columns[name]) else {}
            values = listed(value) if lookup == "in" else [value]
            # A value that contains a comma keeps its quotes: without quotes, it would be read as two values.
            text = ", ".join(str(labels.get(item, list_of([item]) if lookup == "in" else item)) for item in values)
            yield FilterDescription(parameter, f"{title} {LOOKUPS.get(lookup, 'is')} {text}")


def is_boolean(column: ListedColumn) -> bool:
    return isinstance(column.field, models.BooleanField)


def is_number(column: ListedColumn) -> bool:
    """Whether *column* holds numbers, including ids; tables align them to the right."""
    return isinstance(column.field, NUMBERS) and not column.many


def is_key(column: ListedColumn) -> bool:
    """Whether the numbers of *column* only identify records."""
    return column.field.primary_key or column.path.endswith(("_id", "_line"))


def unit_of(column: ListedColumn) -> str:
    """Return the unit of a number: the first sentence of its help text if that is short, such as ``US dollars``."""
    text = column.help_text.partition(". ")[0].rstrip(".")
    return text if is_number(column) and not is_key(column) and 0 < len(text.split()) <= UNIT else ""


def is_grouped(column: ListedColumn, values: Iterable[Any]) -> bool:
    """Whether a column's numbers get thousands separators: not keys, and not numbers that may be years."""
    return is_number(column) and not is_key(column) and any(abs(value or 0) >= GROUPED for value in values)


def format_value(column: ListedColumn, value: Any, *, grouped: bool = False) -> str:
    """Format a value for a table cell, None as empty text; *grouped* adds thousands separators to numbers."""
    if value is None:
        return ""
    if isinstance(value, bool) or is_boolean(column):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if grouped else str(value)
    if isinstance(value, float):
        return format_float(value, grouped=grouped)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(column.field, models.JSONField):
        return _short(exact_json.text(value))
    if isinstance(value, list | tuple):
        return _short(", ".join(map(str, value)))
    if column.field.choices:
        return str(dict(column.field.flatchoices).get(value, value))
    return _short(str(value))


def format_float(value: float, *, grouped: bool = False) -> str:
    """Format a number with at most six significant digits."""
    if value == 0:
        return "0"
    if value != value or not 1e-3 <= abs(value) < EXACT:
        return f"{value:.6g}"
    return _decimal(value, max(0, 6 - len(str(int(abs(value))))), grouped=grouped)


def format_figure(value: Any, pattern: str) -> str:
    """Format a number as a chart's tooltip does, by its d3 format *pattern*; without one, return the value as text."""
    if value is None:
        return ""
    if not pattern:
        return str(value)
    if pattern.endswith("%"):
        return f"{value:.1%}"
    return _decimal(value, int(pattern[2]) if pattern.startswith(",.") else 0 if pattern == ",d" else 6, grouped=True)


def _decimal(value: float, places: int, *, grouped: bool) -> str:
    text = f"{value:{',' if grouped else ''}.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
