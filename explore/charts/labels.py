"""The labels of a chart: names of columns with their units, of groups and of bins."""

from typing import Any

from django.db import models

from datasets.records import formatting
from datasets.records.columns import ListedColumn
from datasets.records.grouping import Grouping

MISSING, OTHER = "missing", "other"
DASH = "\N{EN DASH}"
LONGEST_UNIT = 2  # words; a longer text is an explanation


def unit_of(column: ListedColumn) -> str:
    """Return the unit of a column of numbers, such as ``years`` or ``US dollars``, or "" if it has none."""
    text = formatting.unit_of(column)
    if len(text.split()) > LONGEST_UNIT:
        return ""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def with_unit(name: str, unit: str) -> str:
    """Return ``age (years)``, or the name alone if it contains the unit or has none."""
    return f"{name} ({unit})" if unit and unit.lower() not in name.lower() else name


def title(text: str) -> str:
    """Return *text* with its first letter capitalized."""
    return text[:1].upper() + text[1:]


def records_of(model: type[models.Model]) -> str:
    """Return the plural name of the records, such as ``respondents``."""
    return str(model._meta.verbose_name_plural)


def format_group(grouping: Grouping, value: Any) -> str:
    """Return the label of a group, such as ``Bachelors``, ``20–29``, ``yes`` or ``missing``."""
    if value is None:
        return MISSING
    if grouping.width is not None:
        return format_bin(value, grouping.width, continuous=isinstance(grouping.column.field, models.FloatField))
    return formatting.format_value(grouping.column, value) or "(empty)"


def format_bin(start: float, width: Any, *, continuous: bool) -> str:
    """Return ``20–29`` for whole numbers, ``2.5–5`` for others, whose end belongs to the next bin."""
    if continuous:
        return f"{formatting.format_float(start)}{DASH}{formatting.format_float(start + float(width))}"
    return str(start) if width == 1 else f"{start}{DASH}{start + int(width) - 1}"
