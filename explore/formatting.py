"""Filters, values and columns as readers are told them."""

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
UNIT = 6  # words, up to which the help text of a number says what it is counted in
LONGEST = 200  # characters of a cell
GROUPED = 10_000
EXACT = 10**15  # from here on a floating-point number has more figures than it knows
LOOKUPS = {
    "in": "is one of",
    "gte": "from",
    "lte": "up to",
    "icontains": "contains",
    "istartswith": "begins with",
    "isnull": "is missing",
}


@dataclass(frozen=True)
class Told:
    """A filter that is set: its *parameter*, and what it says."""

    parameter: str
    text: str


def filters_told(model: type[models.Model], filters: dict[str, str]) -> Iterator[Told]:
    """Yield what each of *filters* says: ``age from 30``, ``education is Bachelors``."""
    columns = {column.name: column for column in columns_of(model)}
    for parameter, value in filters.items():
        if parameter == "search":
            yield Told(parameter, f"search for “{value}”")
            continue
        name, _, lookup = parameter.rpartition("__")
        if lookup not in LOOKUPS:
            name, lookup = parameter, ""
        title = title_of(model, columns[name]) if name in columns else name.replace("_", " ")
        if lookup == "isnull":
            yield Told(parameter, f"{title} {'is missing' if value == 'true' else 'is not missing'}")
        elif name == "corrected":
            yield Told(parameter, "has corrections" if value == "true" else "has no corrections")
        else:
            labels = dict(columns[name].field.flatchoices) if name in columns and columns[name].field.choices else {}
            labels |= {"true": "yes", "false": "no"} if name in columns and is_boolean(columns[name]) else {}
            values = listed(value) if lookup == "in" else [value]
            # A value with a comma of its own keeps its quotes, or it would read as two.
            said = ", ".join(str(labels.get(one, list_of([one]) if lookup == "in" else one)) for one in values)
            yield Told(parameter, f"{title} {LOOKUPS.get(lookup, 'is')} {said}")


def is_boolean(column: ListedColumn) -> bool:
    return isinstance(column.field, models.BooleanField)


def is_number(column: ListedColumn) -> bool:
    """Whether *column* holds amounts, which stand at the right; ids do, too."""
    return isinstance(column.field, NUMBERS) and not column.many


def is_key(column: ListedColumn) -> bool:
    """Whether the numbers of *column* only tell records apart."""
    return column.field.primary_key or column.path.endswith(("_id", "_line"))


def unit_of(column: ListedColumn) -> str:
    """Return what a number is counted in, where its help text says it in a few words: ``Years``, ``US dollars``."""
    text = column.help_text.rstrip(".")
    return text if is_number(column) and not is_key(column) and 0 < len(text.split()) <= UNIT else ""


def is_grouped(column: ListedColumn, values: Iterable[Any]) -> bool:
    """Whether the figures of a column are grouped by thousands: not of keys, nor where all may be years."""
    return is_number(column) and not is_key(column) and any(abs(value or 0) >= GROUPED for value in values)


def value_told(column: ListedColumn, value: Any, grouped: bool = False) -> str:
    """Return a value as it is read; nothing for none. *grouped* is for figures, by thousands."""
    if value is None:
        return ""
    if isinstance(value, bool) or is_boolean(column):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if grouped else str(value)
    if isinstance(value, float):
        return float_told(value, grouped)
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


def float_told(value: float, grouped: bool = False) -> str:
    """Return a number with at most six digits that tell."""
    if value == 0:
        return "0"
    if value != value or not 1e-3 <= abs(value) < EXACT:
        return f"{value:.6g}"
    return _decimal(value, max(0, 6 - len(str(int(abs(value))))), grouped)


def figure_told(value: Any, format: str) -> str:
    """Return a number as a chart's tooltip has it, in one of the d3-formats of charts; without one, a text."""
    if value is None:
        return ""
    if not format:
        return str(value)
    if format.endswith("%"):
        return f"{value:.1%}"
    return _decimal(value, int(format[2]) if format.startswith(",.") else 0 if format == ",d" else 6, True)


def _decimal(value: float, places: int, grouped: bool) -> str:
    text = f"{value:{',' if grouped else ''}.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
